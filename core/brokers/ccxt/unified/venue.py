"""Any other exchange behind the port of translations; it reads, and never writes."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from core.brokers.ccxt.line import Line
from core.brokers.ccxt.meaning import Codes
from core.brokers.ccxt.told import Told, row_of
from core.brokers.ccxt.unified.abilities import lacking
from core.brokers.ccxt.unified.reading import Reading
from core.brokers.ccxt.unified.rows import quote_of
from core.brokers.ccxt.venue import Activity, Changes, Holdings, Sought, cannot
from core.config.settings import Account
from core.domain.errors import NotSent, Unavailable
from core.domain.market import Balance, Instrument, Quote
from core.domain.order import BrokerOrder, OrderRequest
from core.domain.snapshot import Found, Inconclusive, Lookup
from core.domain.stream import Gap, StreamEvent
from core.operate.checking import Finding, fine, warn
from core.ports import Capabilities, Clock

POLLED = timedelta(seconds=60)
UNKNOWN_QUARANTINE = timedelta(minutes=5)


def itself(answer: Any) -> Any:
    """Unified methods have taken the envelope off."""
    if answer is None:
        raise ValueError("no answer")
    return answer


def unified(name: str, settings: Account, clock: Clock) -> tuple[Line, "Unified"]:
    line = Line(name, settings, clock, exchange_id=settings.broker, codes=Codes(), envelope=itself)
    return line, Unified(line, settings, clock)


class Unified:
    def __init__(self, line: Line, settings: Account, clock: Clock):
        self.name = settings.broker
        self._line = line
        self._settings = settings
        self._clock = clock
        self._reading = Reading(line=line, market=settings.market, symbols=tuple(settings.symbols))

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            deduplicates=False,
            finds_by_key=False,
            quarantine=UNKNOWN_QUARANTINE,
            amends=False,
            hedges=False,
        )

    async def holdings(self) -> Holdings:
        return await self._reading.holdings()

    async def activity(self, since: datetime, holdings: Holdings) -> Activity:
        return await self._reading.activity(since, holdings)

    async def balances(self) -> Told[Balance]:
        return await self._reading.balances()

    async def instrument(self, symbol: str) -> Instrument | None:
        return (await self._reading.unified()).instrument(symbol)

    async def quote(self, symbol: str) -> Quote:
        if await self.instrument(symbol) is None:
            raise Unavailable(f"{self.name} has no market called {symbol:.40}")
        return quote_of(symbol, row_of(await self._line.read("fetch_ticker", symbol)))

    async def time(self) -> datetime:
        """Our own time, once it answers at all, where a venue does not tell its own."""
        await self._reading.unified()
        if not self._line.exchange().has.get("fetchTime"):
            return self._clock.now()
        told = int(await self._line.read("fetch_time"))
        return datetime.fromtimestamp(told / 1000, UTC)

    async def find(self, sought: Sought) -> Lookup:
        """Only by the venue's own id, and only to be found: nothing is known of its memory."""
        reader = await self._reading.unified()
        if sought.broker_order_id is None or not self._line.exchange().has.get("fetchOrder"):
            return Inconclusive(f"{self.name} does not look up an order by that name")
        row = await self._line.read("fetch_order", sought.broker_order_id, sought.symbol)
        return Found(reader.order(row_of(row)))

    async def place(self, key: str, request: OrderRequest) -> BrokerOrder:
        raise self._reads_only()

    async def amend(self, order: BrokerOrder, changes: Changes) -> None:
        raise self._reads_only()

    async def cancel(self, order: BrokerOrder) -> None:
        raise self._reads_only()

    def _reads_only(self) -> NotSent:
        return cannot(self.name, "be traded on, only reconciled", "trade on bybit or mexc")

    async def permissions(self, what: str) -> Sequence[Finding]:
        await self._reading.balances()
        findings = [fine(f"{what} key", "it reads the account")]
        if missing := lacking(self._line.exchange().has, self._settings.market):
            told = f"through ccxt, {self.name} does not {', nor '.join(missing)}"
            findings.append(warn(f"{what} methods", told, "know it before you rely on it"))
        return findings

    async def events(self) -> AsyncIterator[StreamEvent]:
        """No stream: a gap now and then, so that whoever listens looks again."""
        since = self._clock.now()
        while not self._line.is_closed():
            yield Gap(f"{self.name} is not listened to, only looked at", since)
            since = self._clock.now()
            await self._clock.sleep(POLLED.total_seconds())
