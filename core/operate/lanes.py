"""Lanes: one task for each account and symbol, asleep until something is there for it.

Within a lane one thing happens after the other; a lane that waits holds up no other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from dataclasses import dataclass, field
from typing import Any

from core.config.secret import defect_text
from core.domain.errors import TrueupError
from core.operate.alerting import tell_stalled
from core.operate.desk import Desk
from core.operate.pause import growing_pause
from core.operate.turn import Next, Turn

Lane = tuple[str, str]

TROUBLE_SECONDS = 1.0
TROUBLE_SECONDS_MAX = 30.0


@dataclass(slots=True, kw_only=True)
class Lanes:
    desk: Desk
    # Those that this service looks after; the book may know of others.
    accounts: Collection[str]
    turn: Callable[[str, str], Awaitable[Turn]]
    # Why each lane that waits does so; what `status` shows.
    waiting: dict[Lane, str] = field(default_factory=dict)
    # Of these, those that wait because something broke.
    troubles: dict[Lane, str] = field(default_factory=dict)
    _tasks: dict[Lane, "asyncio.Task[None]"] = field(default_factory=dict)
    _bells: dict[Lane, asyncio.Event] = field(default_factory=dict)
    _is_stopping: bool = False

    def wake(self, account: str, symbol: str) -> None:
        """There may be something to do; a lane that is awake looks once more before it sleeps."""
        lane = account, symbol
        if self._is_stopping or account not in self.accounts:
            return
        self._bells.setdefault(lane, asyncio.Event()).set()
        if lane not in self._tasks or self._tasks[lane].done():
            self._tasks[lane] = asyncio.create_task(self._work(lane))

    def wake_all(self) -> None:
        with self.desk.book.read() as book:
            # A call whose outcome is open keeps its symbol shut, whoever made it.
            open_calls = [(step.account, step.symbol) for step in book.open_steps()]
            lanes = [*open_calls, *book.lanes_waiting()]
        for account, symbol in lanes:
            self.wake(account, symbol)

    async def stop(self, *, within_seconds: float) -> None:
        """Each lane finishes the turn it is in and takes no other; then it is told to end."""
        self._is_stopping = True
        for bell in self._bells.values():
            bell.set()
        tasks = list(self._tasks.values())
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=within_seconds)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=within_seconds)

    async def _work(self, lane: Lane) -> None:
        bell, troubles = self._bells[lane], 0
        while not self._is_stopping:
            bell.clear()
            try:
                turn = await self.turn(*lane)
                troubles = 0
                self.troubles.pop(lane, None)
            except TrueupError as error:
                troubles += 1
                turn = self._trouble(lane, error.message, troubles)
            except Exception as error:  # noqa: BLE001 - a defect in one lane must not end the others
                troubles += 1
                turn = self._trouble(lane, defect_text(error), troubles)
                if troubles == 1:
                    tell_stalled(
                        self.desk, f"lane {lane[1]}: {turn.why}", account=lane[0], subject=lane[1]
                    )
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
        self.troubles[lane] = why
        seconds = growing_pause(TROUBLE_SECONDS, troubles, TROUBLE_SECONDS_MAX)
        return Turn(Next.WAIT, seconds, why)


async def first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Ends with the first; the others are given up."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
