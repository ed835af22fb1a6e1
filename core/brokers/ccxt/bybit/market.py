"""Bybit's markets: terms, quotes and the clock."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from core.brokers.ccxt.bybit.words import UNKNOWN_SYMBOL
from core.brokers.ccxt.figures import Row, moment, name, needed_name, price, row_number
from core.brokers.ccxt.line import Line, ReadFailed
from core.brokers.ccxt.tickers import Tickers, by_symbol
from core.brokers.ccxt.told import rows_of
from core.domain.errors import Unavailable
from core.domain.market import Instrument, Quote
from core.ports import Clock

# Venues change their terms now and then.
REMEMBERED = timedelta(hours=1)


@dataclass(slots=True, kw_only=True)
class Market:
    line: Line
    category: str
    clock: Clock
    _terms: dict[str, tuple[datetime, Instrument]] = field(default_factory=dict)
    _tickers: Tickers = field(init=False)

    def __post_init__(self) -> None:
        self._tickers = Tickers(one=self._ticker, every=self._every_ticker)

    async def instrument(self, symbol: str) -> Instrument | None:
        known = self._terms.get(symbol)
        if known and self.clock.now() - known[0] < REMEMBERED:
            return known[1]
        rows = await self._about("publicGetV5MarketInstrumentsInfo", symbol)
        if not rows:
            return None
        found = instrument_of(rows[0], self.category)
        self._terms[symbol] = (self.clock.now(), found)
        return found

    async def quote(self, symbol: str) -> Quote:
        row = await self._tickers.of(symbol)
        return Quote(
            symbol=symbol,
            bid=price(row.get("bid1Price")),
            ask=price(row.get("ask1Price")),
            last=price(row.get("lastPrice")),
            at=self.clock.now(),
        )

    async def _ticker(self, symbol: str) -> Row:
        rows = await self._about("publicGetV5MarketTickers", symbol)
        if not rows:
            raise Unavailable(f"Bybit has no {self.category} market called {symbol:.40}")
        return rows[0]

    async def _every_ticker(self) -> dict[str, Row]:
        answer = await self.line.read("publicGetV5MarketTickers", {"category": self.category})
        return by_symbol(rows_of(answer["list"]))

    async def time(self) -> datetime:
        answer = await self.line.read("publicGetV5MarketTime")
        return datetime.fromtimestamp(row_number(answer, "timeNano") / 10**9, UTC)

    async def _about(self, method: str, symbol: str) -> list[Row]:
        try:
            answer = await self.line.read(method, {"category": self.category, "symbol": symbol})
            return rows_of(answer["list"])
        except ReadFailed as error:
            if error.code in UNKNOWN_SYMBOL:
                return []
            raise


def instrument_of(row: Row, category: str) -> Instrument:
    lots, prices = row["lotSizeFilter"], row["priceFilter"]
    return Instrument(
        symbol=needed_name(row["symbol"]),
        kind=category,
        base=name(row.get("baseCoin")),
        quote=name(row.get("quoteCoin")),
        price_tick=price(prices.get("tickSize")),
        quantity_step=price(lots.get("qtyStep") or lots.get("basePrecision")),
        min_quantity=price(lots.get("minOrderQty")),
        min_notional=price(lots.get("minNotionalValue") or lots.get("minOrderAmt")),
        expiry=moment(row.get("deliveryTime")),
    )
