"""The contracts the emulated MEXC opens with; one contract is a small part of a coin."""

from decimal import Decimal

from tests.venues.exchange import Category, Exchange, Instrument

_CONTRACTS = {
    "BTC_USDT": ("BTC", "0.1", "0.0001", "60000", "60000.1"),
    "ETH_USDT": ("ETH", "0.01", "0.01", "3000", "3000.01"),
    "SOL_USDT": ("SOL", "0.01", "0.1", "150", "150.01"),
}


def open_markets(exchange: Exchange) -> None:
    """Open the contracts with their first quotes."""
    for symbol, (base, tick, size, bid, ask) in _CONTRACTS.items():
        instrument = Instrument(
            symbol=symbol,
            category=Category.LINEAR,
            base=base,
            quote="USDT",
            tick=Decimal(tick),
            step=Decimal(1),
            minimum=Decimal(1),
            maximum=Decimal(1_000_000),
            minimum_value=Decimal(0),
            contract_size=Decimal(size),
            leverage_max=Decimal(200),
            maker_fee=Decimal("0.0001"),
            taker_fee=Decimal("0.0004"),
        )
        exchange.add(instrument, bid=bid, ask=ask)
