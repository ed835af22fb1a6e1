"""An event loop whose time passes only while everybody waits, and then at once.

The same program runs in the same order every time, and nobody waits for a quarantine.
"""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.passed = 0.0
        super().__init__(_Leaping(self))

    def time(self) -> float:
        return self.passed


class _Leaping(selectors.DefaultSelector):
    """Instead of waiting for the next timer, the time is what the timer says."""

    def __init__(self, loop: VirtualLoop):
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise AssertionError("everybody waits for something that never comes")
        if found := super().select(0):
            return found
        self._loop.passed += max(timeout, 0)
        return found


class LoopClock:
    """The time of day on such a loop."""

    def __init__(self, start: datetime):
        self._start = start

    def now(self) -> datetime:
        return self._start + timedelta(seconds=asyncio.get_running_loop().time())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def run_to_its_end(
    work: Coroutine[Any, Any, Answer],
    dies_of: type[BaseException],
    loop: asyncio.AbstractEventLoop | None = None,
) -> Answer:
    """Like asyncio.run; a death takes all tasks along, however often it is met on the way out."""
    loop = loop or VirtualLoop()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(work)
    finally:
        while left := asyncio.all_tasks(loop):
            _end(loop, left, dies_of)
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()


def _end(
    loop: asyncio.AbstractEventLoop,
    tasks: "set[asyncio.Task[Any]]",
    dies_of: type[BaseException],
) -> None:
    for task in tasks:
        task.cancel()
    with suppress(dies_of):
        loop.run_until_complete(asyncio.wait(tasks))
    loop.set_exception_handler(_unheard)


def _unheard(loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """Nobody is left to hear of how the others ended."""
