"""What a venue tells while we listen, across connections; every hole in it is told as a gap."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, repeat

from core.brokers.ccxt.figures import UNREADABLE, Row
from core.brokers.ccxt.line import Line
from core.brokers.ccxt.meaning import safe
from core.brokers.ccxt.socket import Dialect, connected
from core.domain.errors import Unavailable
from core.domain.stream import Gap, StreamEvent
from core.ports import Clock

PAUSES_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
LISTENING = "listening from here on"


@dataclass(slots=True, kw_only=True)
class Stream:
    line: Line
    dialect: Dialect
    clock: Clock
    seconds: float
    _last_heard: datetime = field(init=False)

    async def events(self) -> AsyncIterator[StreamEvent]:
        """Begins with a gap, for what happened before it could listen; ends with the account."""
        self._last_heard = self.clock.now()
        pauses = _pauses()
        is_lost = False
        while not self.line.is_closed():
            why = ""
            try:
                async with connected(self.line.exchange(), self.dialect, self.seconds) as wire:
                    pauses, is_lost = _pauses(), False
                    yield Gap(LISTENING, self._last_heard)
                    async for message in wire.messages():
                        self._last_heard = self.clock.now()
                        for event in await self._told(message):
                            yield event
            except Unavailable as error:
                why = error.message
            if self.line.is_closed():
                return
            # Told once, however often it is then tried again.
            if not is_lost:
                yield Gap(why, self._last_heard)
            is_lost = True
            await self._pause(next(pauses))

    async def _told(self, message: Row) -> Sequence[StreamEvent]:
        try:
            return await self.dialect.told(message)
        except UNREADABLE as error:
            why = safe(f"an event could not be read: {error}")
            return [Gap(why, self._last_heard)]

    async def _pause(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        # A clock that does not really wait must not keep the loop from everybody else.
        await asyncio.sleep(0)


def _pauses() -> Iterator[float]:
    return chain(PAUSES_SECONDS, repeat(PAUSES_SECONDS[-1]))
