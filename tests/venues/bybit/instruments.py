"""The markets the emulated Bybit opens with."""

from decimal import Decimal

from tests.venues.exchange import Category, Exchange, Instrument

_LINEAR = {
    "BTCUSDT": ("BTC", "0.1", "0.001", "60000", "60000.1"),
    "ETHUSDT": ("ETH", "0.01", "0.01", "3000", "3000.01"),
    "SOLUSDT": ("SOL", "0.01", "0.1", "150", "150.01"),
}
_SPOT = {
    "BTCUSDT": ("BTC", "0.1", "0.000001", "60000", "60000.1"),
    "ETHUSDT": ("ETH", "0.01", "0.00001", "3000", "3000.01"),
}


def open_markets(exchange: Exchange) -> None:
    """Open the linear and the spot markets with their first quotes."""
    for category, markets in ((Category.LINEAR, _LINEAR), (Category.SPOT, _SPOT)):
        for symbol, (base, tick, step, bid, ask) in markets.items():
            exchange.add(_instrument(category, symbol, base, tick, step), bid=bid, ask=ask)


def _instrument(category: Category, symbol: str, base: str, tick: str, step: str) -> Instrument:
    spot = category is Category.SPOT
    return Instrument(
        symbol=symbol,
        category=category,
        base=base,
        quote="USDT",
        tick=Decimal(tick),
        step=Decimal(step),
        minimum=Decimal(step),
        maker_fee=Decimal("0.001" if spot else "0.0002"),
        taker_fee=Decimal("0.001" if spot else "0.00055"),
    )
