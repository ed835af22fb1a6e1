"""How much of a call is work, and how much is waiting for somebody else's answer.

Everything here waits in one place, the event loop's selector, whichever client library does it.
"""

import asyncio
import selectors
import statistics
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

Act = Callable[[int], Awaitable[object]]
WARM_UP = 20


class Waiting(selectors.DefaultSelector):
    """The usual selector, which remembers how long it was waited in."""

    seconds = 0.0

    def select(self, timeout: float | None = None) -> Any:
        began = time.perf_counter()
        try:
            return super().select(timeout)
        finally:
            self.seconds += time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class Spent:
    whole: float
    working: float


def run(work: Callable[[Waiting], Coroutine[Any, Any, Any]]) -> Any:
    """In a loop whose waiting is measured."""
    waiting = Waiting()
    loop = asyncio.SelectorEventLoop(waiting)
    # IB's clients ask the thread for its loop, which a loop of one's own making does not become.
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(work(waiting))
    finally:
        asyncio.set_event_loop(None)
        loop.close()


async def side_by_side(waiting: Waiting, acts: Sequence[Act], times: int) -> list[Spent]:
    """The median of each, taken in turns, so that a slow moment of the machine meets them all."""
    taken: list[list[Spent]] = [[] for _ in acts]
    for number in range(WARM_UP + times):
        for act, mine in zip(acts, taken, strict=True):
            mine.append(await _once(waiting, act, number))
    return [_median(mine[WARM_UP:]) for mine in taken]


async def _once(waiting: Waiting, act: Act, number: int) -> Spent:
    waited, began = waiting.seconds, time.perf_counter()
    await act(number)
    whole = time.perf_counter() - began
    return Spent(whole, whole - (waiting.seconds - waited))


def _median(spent: Sequence[Spent]) -> Spent:
    return Spent(
        statistics.median(one.whole for one in spent),
        statistics.median(one.working for one in spent),
    )
