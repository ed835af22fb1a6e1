"""The home's lock, held by a running service only while it is changing something.

Many lanes share one hold; an operator's command gets its turn as soon as none of them has a step
under way. While one waits, nobody new is let in after a while; as long as none does, a call that
hangs at one venue keeps nobody from another.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from types import TracebackType

from core.domain.errors import Blocked, Locked
from core.ports import Clock, Lock

TURN = timedelta(seconds=5)
PAUSE_SECONDS = 0.1


class Hold:
    def __init__(self, lock: Callable[[], Lock], clock: Clock):
        self._make = lock
        self._clock = clock
        self._lock: Lock | None = None
        self._since: datetime | None = None
        self._inside = 0
        # Keys of calls that this process has on their way: nobody asks what became of them.
        self.under_way: set[str] = set()
        self._door = asyncio.Lock()
        self._has_given_up = False

    def give_up(self) -> None:
        """Nobody waits for the lock any more; who is inside stays there."""
        self._has_given_up = True

    async def __aenter__(self) -> "Hold":
        # One at a time: whoever waits for the lock waits for all the others, too.
        async with self._door:
            while self._must_give_way():
                await self._pause()
            while self._lock is None:
                try:
                    lock = self._make()
                    lock.__enter__()
                except Locked:
                    await self._pause()
                else:
                    self._lock, self._since = lock, self._clock.now()
            self._inside += 1
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave(kind, error, trace)

    @asynccontextmanager
    async def for_facts(self) -> AsyncIterator[None]:
        """For what is written at once, with nothing to wait for in between.

        As long as the lock is held it may always go in: nobody else gets the lock later for it, and
        what a venue has told must not wait for another one that hangs.
        """
        if self._lock is None:
            await self.__aenter__()
        else:
            self._inside += 1
        try:
            yield
        finally:
            self._leave(None, None, None)

    def _leave(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._inside -= 1
        if self._inside == 0 and self._lock is not None:
            lock, self._lock = self._lock, None
            lock.__exit__(kind, error, trace)

    def _must_give_way(self) -> bool:
        if self._lock is None or self._since is None:
            return False
        return self._clock.now() - self._since > TURN and self._lock.is_wanted()

    async def _pause(self) -> None:
        if self._has_given_up:
            raise Blocked("the service is stopping", hint="trueup status")
        await self._clock.sleep(PAUSE_SECONDS)
        await asyncio.sleep(0)
