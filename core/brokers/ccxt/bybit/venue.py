"""Bybit behind the port of translations."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from core.brokers.ccxt.bybit.held import Coins, Positions
from core.brokers.ccxt.bybit.legs import Legs, SpotLegs
from core.brokers.ccxt.bybit.listings import Listings
from core.brokers.ccxt.bybit.lookup import Search
from core.brokers.ccxt.bybit.market import Market
from core.brokers.ccxt.bybit.permissions import permissions
from core.brokers.ccxt.bybit.reading import Reading
from core.brokers.ccxt.bybit.stream import BybitDialect
from core.brokers.ccxt.bybit.trading import Trading
from core.brokers.ccxt.bybit.words import CODES
from core.brokers.ccxt.figures import Row
from core.brokers.ccxt.library import redirected
from core.brokers.ccxt.line import Line
from core.brokers.ccxt.stream import Stream
from core.brokers.ccxt.told import Told, row_of
from core.brokers.ccxt.venue import Activity, Changes, Holdings, Sought
from core.config.settings import Account
from core.domain.market import Balance, Instrument, Quote
from core.domain.order import BrokerOrder, OrderRequest
from core.domain.snapshot import Lookup
from core.domain.stream import StreamEvent
from core.operate.checking import Finding
from core.ports import Capabilities, Clock

SPOT = "spot"
# Bybit turns down what is older than its recv window of five seconds; ten more for its own queues.
QUARANTINE = timedelta(seconds=15)
STREAMS = {
    "mainnet": "wss://stream.bybit.com/v5/private",
    "testnet": "wss://stream-testnet.bybit.com/v5/private",
}


def result(answer: Any) -> Row:
    """What lies in Bybit's envelope."""
    return row_of(row_of(answer)["result"])


def bybit(name: str, settings: Account, clock: Clock) -> tuple[Line, "Bybit"]:
    line = Line(name, settings, clock, exchange_id="bybit", codes=CODES, envelope=result)
    return line, Bybit(line, settings, clock)


class Bybit:
    name = "bybit"

    def __init__(self, line: Line, settings: Account, clock: Clock):
        category, symbols = settings.market, tuple(settings.symbols)
        listings = Listings(line=line, category=category)
        market = Market(line=line, category=category, clock=clock)
        legs: Legs | SpotLegs = SpotLegs()
        self._held: Positions | Coins = Coins(listings=listings, market=market, symbols=symbols)
        if category != SPOT:
            legs = Legs(listings=listings)
            self._held = Positions(listings=listings, legs=legs, symbols=symbols)
        self._line = line
        self._settings = settings
        self._clock = clock
        self._market = market
        # The stream's memory is its own: reading a snapshot begins anew with the other each time.
        self._told_legs = SpotLegs() if category == SPOT else Legs(listings=listings)
        self._reading = Reading(listings=listings, legs=legs, clock=clock)
        self._search = Search(listings=listings, clock=clock)
        self._trading = Trading(line=line, category=category)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            deduplicates=True,
            finds_by_key=True,
            quarantine=QUARANTINE,
            hedges=self._settings.market != SPOT,
        )

    async def holdings(self) -> Holdings:
        return await self._held.holdings()

    async def activity(self, since: datetime, holdings: Holdings) -> Activity:
        return await self._reading.activity(since, holdings)

    async def balances(self) -> Told[Balance]:
        return await self._reading.balances()

    async def instrument(self, symbol: str) -> Instrument | None:
        return await self._market.instrument(symbol)

    async def quote(self, symbol: str) -> Quote:
        return await self._market.quote(symbol)

    async def time(self) -> datetime:
        return await self._market.time()

    async def find(self, sought: Sought) -> Lookup:
        return await self._search.find(sought)

    async def place(self, key: str, request: OrderRequest) -> BrokerOrder:
        self._told_legs.expect(key, request.position_side)
        return await self._trading.place(key, request)

    async def amend(self, order: BrokerOrder, changes: Changes) -> None:
        await self._trading.amend(order, changes)

    async def cancel(self, order: BrokerOrder) -> None:
        await self._trading.cancel(order)

    async def permissions(self, what: str) -> Sequence[Finding]:
        return await permissions(self._line, self._settings.market, what)

    def events(self) -> AsyncIterator[StreamEvent]:
        settings = self._settings
        address = STREAMS[settings.environment]
        dialect = BybitDialect(
            line=self._line,
            category=settings.market,
            legs=self._told_legs,
            symbols=tuple(settings.symbols),
            clock=self._clock,
            address=redirected(address, settings.endpoint) if settings.endpoint else address,
        )
        return Stream(
            line=self._line,
            dialect=dialect,
            clock=self._clock,
            seconds=float(settings.timeout_seconds),
        ).events()
