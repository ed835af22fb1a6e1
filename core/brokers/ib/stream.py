"""What the gateway tells while we listen, across connections; every hole in it is told as a gap.

Orders of other clients and those entered by hand are not told at all: only a snapshot shows them.
An error about a live order says nothing reliable about it, so it is a gap too.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, repeat

from core.brokers.ib import codes
from core.brokers.ib.executions import execution_of, is_ours
from core.brokers.ib.happenings import FillTold, Happening, Lost, Told, TradeTold
from core.brokers.ib.library import Trade
from core.brokers.ib.line import Line
from core.brokers.ib.orders import is_acknowledged, open_order_of
from core.brokers.ib.questions import OPEN_ORDERS
from core.domain.errors import Unavailable
from core.domain.stream import ExecutionTold, Gap, OrderTold, StreamEvent
from core.ports import Clock

PAUSES_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)


@dataclass(slots=True, kw_only=True)
class Stream:
    line: Line
    clock: Clock
    _heard: "asyncio.Queue[Happening]" = field(default_factory=asyncio.Queue)
    _cut_off_since: datetime | None = None

    async def events(self) -> AsyncIterator[StreamEvent]:
        """Ends when the line is closed for good."""
        self.line.listeners.append(self._heard.put_nowait)
        try:
            since = self.clock.now()
            if await self._attached():
                yield Gap("the gateway could not be reached at first", since)
            while not self.line.is_closed():
                happening = await self._heard.get()
                if self.line.is_closed():
                    return
                for event in self._told(happening):
                    yield event
                if isinstance(happening, Lost):
                    await self._attached()
                    yield Gap("connected again", happening.since)
        finally:
            self.line.listeners.remove(self._heard.put_nowait)

    async def _attached(self) -> int:
        """How many tries it took beyond the first."""
        failures = 0
        pauses = chain(PAUSES_SECONDS, repeat(PAUSES_SECONDS[-1]))
        while not await self._knows_orders() and not self.line.is_closed():
            await self.clock.sleep(next(pauses))
            failures += 1
        return failures

    async def _knows_orders(self) -> bool:
        """The library drops what it is told about orders that it has not read before."""
        try:
            await self.line.connection(retrying=False)
        except Unavailable:
            return False
        return (await self.line.ask(OPEN_ORDERS)).whole

    def _told(self, happening: Happening) -> Iterator[StreamEvent]:
        match happening:
            case TradeTold(trade=trade) if self._is_ours(trade):
                yield OrderTold(open_order_of(trade))
            case FillTold(fill=fill) if is_ours(fill, self.line.managed_account):
                yield ExecutionTold(execution_of(fill))
            case Told():
                yield from self._noticed(happening)
            case Lost(why=why, since=since):
                yield Gap(why, since)

    def _is_ours(self, trade: Trade) -> bool:
        ours = trade.order.account == self.line.managed_account
        return ours and is_acknowledged(trade)

    def _noticed(self, told: Told) -> Iterator[StreamEvent]:
        match told.code:
            case codes.CONNECTIVITY_LOST:
                self._cut_off_since = told.since
                yield Gap(str(told), told.since)
            case codes.RESTORED | codes.RESTORED_DATA_LOST:
                yield Gap(str(told), self._cut_off_since or told.since)
                self._cut_off_since = None
            case code if told.is_about_live_order and not codes.is_notice(code):
                yield Gap(f"{told} (about an order that may live on)", told.since)
