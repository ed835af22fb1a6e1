"""The home's lock in turns: a call may hang, an operator may wait, and facts go in all the same."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType

import pytest

from core.apply.hold import TURN, Hold
from core.domain.errors import Blocked, Locked
from tests.producer import StillClock


class Passing(StillClock):
    """Waiting takes no time but gives way; the clock itself is put where a test wants it."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = 0

    async def sleep(self, seconds: float) -> None:
        self.waited += 1
        await asyncio.sleep(0)


class HomeLock:
    """The file's lock, of which there is one."""

    def __init__(self) -> None:
        self.is_taken = False
        self.waiting = 0

    def is_wanted(self) -> bool:
        return self.waiting > 0

    def __enter__(self) -> "HomeLock":
        if self.is_taken:
            raise Locked("another command holds it")
        self.is_taken = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.is_taken = False


class Scene:
    def __init__(self) -> None:
        self.clock, self.lock = Passing(), HomeLock()
        self.hold = Hold(lambda: self.lock, self.clock)
        self.told: list[str] = []

    async def call(self, name: str, answered: asyncio.Event) -> None:
        async with self.hold:
            self.told.append(f"{name} sent")
            await answered.wait()

    async def write(self, name: str) -> None:
        async with self.hold.for_facts():
            self.told.append(name)

    async def until(self, is_so: Callable[[], object]) -> None:
        for _ in range(1000):
            if is_so():
                return
            await asyncio.sleep(0)
        raise AssertionError(self.told)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_call_that_hangs_keeps_nobody_out_as_long_as_nobody_waits(scene: Scene) -> None:
    hangs, answered = asyncio.Event(), asyncio.Event()
    answered.set()
    hanging = asyncio.create_task(scene.call("first", hangs))
    await scene.until(lambda: scene.told)
    scene.clock.time += TURN + timedelta(seconds=1)
    await asyncio.wait_for(scene.call("second", answered), 30)
    assert scene.told == ["first sent", "second sent"]
    scene.lock.waiting = 1
    later = asyncio.create_task(scene.call("third", answered))
    await scene.until(lambda: scene.clock.waited)
    assert scene.told == ["first sent", "second sent"]
    hangs.set()
    await asyncio.gather(hanging, later)
    assert scene.told == ["first sent", "second sent", "third sent"]


async def test_facts_go_in_while_an_operator_waits_for_a_call_that_hangs(scene: Scene) -> None:
    """Past its turn the lock is about to be given back, and only the hanging call keeps it."""
    answered = asyncio.Event()
    hanging = asyncio.create_task(scene.call("first", answered))
    await scene.until(lambda: scene.told)
    scene.lock.waiting = 1
    scene.clock.time += TURN + timedelta(seconds=1)
    later = asyncio.create_task(scene.call("second", answered))
    await scene.until(lambda: scene.clock.waited)
    await scene.write("a fill")
    assert scene.told == ["first sent", "a fill"]
    assert scene.lock.is_taken
    answered.set()
    await asyncio.gather(hanging, later)
    assert scene.told == ["first sent", "a fill", "second sent"]
    assert not scene.lock.is_taken


async def test_facts_wait_for_an_operator_who_has_the_lock(scene: Scene) -> None:
    with scene.lock:
        writing = asyncio.create_task(scene.write("a fill"))
        await scene.until(lambda: scene.clock.waited)
        assert scene.told == []
    await writing
    assert scene.told == ["a fill"]
    assert not scene.lock.is_taken


async def test_whoever_still_waits_when_the_service_stops_is_told_so(scene: Scene) -> None:
    with scene.lock:
        waiting = asyncio.create_task(scene.write("too late"))
        await scene.until(lambda: scene.clock.waited)
        scene.hold.give_up()
        with pytest.raises(Blocked, match="the service is stopping"):
            await waiting
    assert scene.told == []
