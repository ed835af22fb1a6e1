"""Lanes: one task for each account and symbol, asleep until something is there for it.

Within a lane one thing happens after the other; a lane that waits holds up no other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from core.config.secret import defect_text
from core.domain.errors import TrueupError
from core.operate.alerting import raise_alert
from core.operate.desk import Desk
from core.operate.turn import Next, Turn

Lane = tuple[str, str]

TROUBLE_SECONDS = 1.0
TROUBLE_SECONDS_MAX = 30.0


@dataclass(slots=True, kw_only=True)
class Lanes:
    desk: Desk
    turn: Callable[[str, str], Awaitable[Turn]]
    # Why each lane that waits does so; what `status` shows.
    waiting: dict[Lane, str] = field(default_factory=dict)
    _tasks: dict[Lane, "asyncio.Task[None]"] = field(default_factory=dict)
    _bells: dict[Lane, asyncio.Event] = field(default_factory=dict)
    _is_stopping: bool = False

    def wake(self, account: str, symbol: str) -> None:
        """There may be something to do; a lane that is awake looks once more before it sleeps."""
        lane = account, symbol
        if self._is_stopping:
            return
        self._bells.setdefault(lane, asyncio.Event()).set()
        if lane not in self._tasks or self._tasks[lane].done():
            self._tasks[lane] = asyncio.create_task(self._work(lane))

    def wake_all(self) -> None:
        with self.desk.book.read() as book:
            lanes = book.lanes_waiting()
        for account, symbol in lanes:
            self.wake(account, symbol)

    async def stop(self) -> None:
        """Each lane finishes the turn it is in and takes no other."""
        self._is_stopping = True
        for bell in self._bells.values():
            bell.set()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _work(self, lane: Lane) -> None:
        bell, troubles = self._bells[lane], 0
        while not self._is_stopping:
            bell.clear()
            try:
                turn = await self.turn(*lane)
                troubles = 0
            except TrueupError as error:
                troubles += 1
                turn = self._trouble(lane, error.message, troubles)
            except Exception as error:  # noqa: BLE001 - a defect in one lane must not end the others
                troubles += 1
                turn = self._trouble(lane, defect_text(error), troubles)
                self._tell_stalled(lane, turn.why)
            if turn.then is Next.SLEEP and not bell.is_set():
                return
            if turn.then is Next.WAIT and not self._is_stopping:
                self.waiting[lane] = turn.why
                await first_of(bell.wait(), self.desk.clock.sleep(turn.seconds))
                self.waiting.pop(lane, None)

    def _trouble(self, lane: Lane, why: str, troubles: int) -> Turn:
        """The book is busy, the disk is full, a venue is gone: the lane stays and tries again."""
        account, symbol = lane
        self.desk.log.event(
            "lane_trouble",
            level="error",
            account=account,
            symbol=symbol,
            error=why,
            times=troubles,
        )
        seconds = min(TROUBLE_SECONDS * 2 ** (troubles - 1), TROUBLE_SECONDS_MAX)
        return Turn(Next.WAIT, seconds, why)

    def _tell_stalled(self, lane: Lane, why: str) -> None:
        account, symbol = lane
        raise_alert(
            self.desk, "service_stalled", f"lane {symbol}: {why}", account=account, subject=symbol
        )


async def first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Ends with the first; the others are given up."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
