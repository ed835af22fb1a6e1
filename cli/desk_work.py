"""Working at the desk: opens it for one command, runs the work, closes it whatever happened."""

import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TypeVar

from cli.exits import Exit
from cli.invocation import Invocation, seconds_of
from core.operate.desk import Desk

T = TypeVar("T")


def open_desk(call: Invocation) -> Desk:
    from core.assembly import Caller, Wiring

    caller = Caller(
        actor=call.actor,
        command=call.command,
        lock_timeout_seconds=seconds_of(call.options.lock_timeout),
    )
    return Wiring(call.effective, call.gates, caller).desk()


@contextmanager
def desk_for(call: Invocation) -> Iterator[Desk]:
    """For work that asks no broker."""
    desk = open_desk(call)
    try:
        yield desk
    finally:
        desk.close_book()


def at_desk(call: Invocation, work: Callable[[Desk], Awaitable[T]]) -> T:
    """For work that talks to brokers: one event loop a command."""
    # Commands that ask no broker do not pay for it.
    import asyncio

    async def main() -> T:
        desk = open_desk(call)
        try:
            return await work(desk)
        finally:
            await desk.close()

    return asyncio.run(main())


@dataclass(slots=True)
class StopRequest:
    """The first Ctrl-C lets the current action finish; the second leaves it journaled."""

    call: Invocation
    received: list[int] = field(default_factory=list)

    def __call__(self) -> bool:
        return bool(self.received)

    @property
    def exit_code(self) -> Exit:
        return Exit.TERMINATED if signal.SIGTERM in self.received else Exit.INTERRUPTED

    @contextmanager
    def listening(self) -> Iterator["StopRequest"]:
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._take) for number in numbers}
        try:
            yield self
        finally:
            for number, earlier in before.items():
                signal.signal(number, earlier)

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.received.append(number)
        if len(self.received) > 1:
            raise KeyboardInterrupt
        self.call.screen.note("stopping after the current action; once more stops at once")
