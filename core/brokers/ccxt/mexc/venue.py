"""MEXC behind the port of translations."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from core.brokers.ccxt.figures import Row, price
from core.brokers.ccxt.library import redirected
from core.brokers.ccxt.line import Line
from core.brokers.ccxt.mexc.contracts import Contracts
from core.brokers.ccxt.mexc.listings import Listings
from core.brokers.ccxt.mexc.lookup import Search
from core.brokers.ccxt.mexc.reading import Reading
from core.brokers.ccxt.mexc.stream import MexcDialect
from core.brokers.ccxt.mexc.trading import Trading
from core.brokers.ccxt.mexc.words import CODES
from core.brokers.ccxt.stream import Stream
from core.brokers.ccxt.tickers import Tickers, by_symbol
from core.brokers.ccxt.told import Told, row_of, rows_of
from core.brokers.ccxt.venue import Activity, Changes, Holdings, Sought
from core.config.settings import Account
from core.domain.market import Balance, Instrument, Quote
from core.domain.order import BrokerOrder, OrderRequest
from core.domain.snapshot import Lookup
from core.domain.stream import StreamEvent
from core.operate.checking import Finding, fine, warn
from core.ports import Capabilities, Clock

# MEXC turns down what is more than ten seconds off its clock; ten more for its own queues.
QUARANTINE = timedelta(seconds=20)
STREAM = "wss://contract.mexc.com/edge"


def contents(answer: Any) -> Any:
    """What lies in MEXC's envelope, which may be nothing."""
    told = row_of(answer)
    if told.get("success") is not True:
        raise ValueError("an answer without success")
    return told.get("data")


def mexc(name: str, settings: Account, clock: Clock) -> tuple[Line, "Mexc"]:
    line = Line(name, settings, clock, exchange_id="mexc", codes=CODES, envelope=contents)
    return line, Mexc(line, settings, clock)


class Mexc:
    name = "mexc"

    def __init__(self, line: Line, settings: Account, clock: Clock):
        self._line = line
        self._settings = settings
        self._clock = clock
        self._listings = Listings(line=line)
        self._contracts = Contracts(line=line, clock=clock)
        self._tickers = Tickers(one=self._ticker, every=self._every_ticker)
        self._reading = Reading(
            listings=self._listings,
            contracts=self._contracts,
            clock=clock,
            symbols=tuple(settings.symbols),
        )
        self._trading = Trading(line=line, contracts=self._contracts, reading=self._reading)
        self._search = Search(
            listings=self._listings, reading=self._reading, trading=self._trading, clock=clock
        )

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            deduplicates=False, finds_by_key=True, quarantine=QUARANTINE, amends=False
        )

    async def holdings(self) -> Holdings:
        return await self._reading.holdings()

    async def activity(self, since: datetime, holdings: Holdings) -> Activity:
        return await self._reading.activity(since, holdings)

    async def balances(self) -> Told[Balance]:
        return await self._reading.balances()

    async def instrument(self, symbol: str) -> Instrument | None:
        found = await self._contracts.find(symbol)
        return found.instrument if found else None

    async def quote(self, symbol: str) -> Quote:
        await self._contracts.named(symbol)
        row = await self._tickers.of(symbol)
        return Quote(
            symbol=symbol,
            bid=price(row.get("bid1")),
            ask=price(row.get("ask1")),
            last=price(row.get("lastPrice")),
            at=self._clock.now(),
        )

    async def _ticker(self, symbol: str) -> Row:
        return row_of(await self._line.read("contractPublicGetTicker", {"symbol": symbol}))

    async def _every_ticker(self) -> dict[str, Row]:
        return by_symbol(rows_of(await self._line.read("contractPublicGetTicker", {})))

    async def time(self) -> datetime:
        told = int(await self._line.read("contractPublicGetPing"))
        return datetime.fromtimestamp(told / 1000, UTC)

    async def find(self, sought: Sought) -> Lookup:
        return await self._search.find(sought)

    async def place(self, key: str, request: OrderRequest) -> BrokerOrder:
        return await self._trading.place(key, request)

    async def amend(self, order: BrokerOrder, changes: Changes) -> None:
        await self._trading.amend(order, changes)

    async def cancel(self, order: BrokerOrder) -> None:
        await self._trading.cancel(order)

    async def permissions(self, what: str) -> Sequence[Finding]:
        """MEXC tells of a contract key's rights only by refusing what it may not do."""
        await self._listings.assets()
        told = "it reads the account; whether it may trade shows with the first order"
        return [fine(f"{what} key", told), self._watch_list(what)]

    def _watch_list(self, what: str) -> Finding:
        if symbols := self._settings.symbols:
            return fine(f"{what} watch list", ", ".join(symbols))
        return warn(
            f"{what} watch list",
            "MEXC lists executions symbol by symbol, and symbols is empty: only what a position or "
            f"an order of the last {self._settings.history_days} days speaks of is asked for",
            f"name what you trade in ACCOUNTS.{what.removeprefix('account ')}.symbols",
        )

    def events(self) -> AsyncIterator[StreamEvent]:
        endpoint = self._settings.endpoint
        dialect = MexcDialect(
            line=self._line,
            listings=self._listings,
            reading=self._reading,
            clock=self._clock,
            address=redirected(STREAM, endpoint) if endpoint else STREAM,
        )
        return Stream(
            line=self._line,
            dialect=dialect,
            clock=self._clock,
            seconds=float(self._settings.timeout_seconds),
        ).events()
