"""The spool as the service sees it: what is new wakes its lanes, and the chores are done."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from core.domain.errors import DiskError
from core.operate.desk import Desk
from core.signals.spool_intake import spool_intake
from tests.build import NOON
from tests.home import HomeUnderTest
from tests.producer import StillClock, desk_at, message, signal_id


class Turning(StillClock):
    """Each pause is over at once, and others get their turn."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses = 0

    async def sleep(self, seconds: float) -> None:
        self.pauses += 1
        await asyncio.sleep(0)


async def until(task: "asyncio.Task[None]", condition: Callable[[], bool]) -> None:
    while not condition():
        assert not task.done(), task.exception()
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def running(desk: Desk, woken: list[tuple[str, str]]) -> AsyncIterator["asyncio.Task[None]"]:
    def wake(lanes: Iterable[tuple[str, str]]) -> None:
        woken.extend(lanes)

    task = asyncio.create_task(spool_intake(desk, wake))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        desk.close_book()


async def test_what_is_appended_wakes_its_lane(home: HomeUnderTest, spool: Path) -> None:
    woken: list[tuple[str, str]] = []
    desk = desk_at(home, Turning())
    async with running(desk, woken) as task:
        for number, asset in enumerate(["A", "B", "A"], start=1):
            desk.files.append(spool, message(number, asset=asset).decode())
            await until(task, lambda wanted=number: len(woken) == wanted)
    assert woken == [("main", "A"), ("main", "B"), ("main", "A")]


async def test_a_long_spool_is_taken_in_batch_by_batch(home: HomeUnderTest, spool: Path) -> None:
    spool.write_bytes(b"".join(message(number) + b"\n" for number in range(450)))
    woken: list[tuple[str, str]] = []
    desk = desk_at(home, Turning())
    async with running(desk, woken) as task:
        await until(task, lambda: len(woken) == 3)
    assert home.rows("SELECT count(*) AS n FROM signals") == [{"n": 450}]


async def test_yesterdays_file_is_rotated_and_an_old_one_removed(
    home: HomeUnderTest, spool: Path
) -> None:
    clock = Turning()
    desk = desk_at(home, clock)
    spool.write_bytes(message("a") + b"\n")
    os.utime(spool, times=(NOON.timestamp(),) * 2)
    kept = spool.with_name("signals-20260105-001.jsonl")
    woken: list[tuple[str, str]] = []
    async with running(desk, woken) as task:
        await until(task, lambda: len(woken) == 1)
        clock.time += timedelta(days=1)
        await until(task, kept.exists)
        assert not spool.exists()
        home.execute(
            "UPDATE signals SET request_status = 'done', finished_at = '2026-01-05T12:00:01Z'"
        )
        clock.time += timedelta(days=20)
        await until(task, lambda: not kept.exists())
    assert home.rows("SELECT signal_id FROM signals") == [{"signal_id": signal_id("a")}]


async def test_a_spool_that_cannot_be_read_ends_it(home: HomeUnderTest, spool: Path) -> None:
    spool.mkdir()
    async with running(desk_at(home, Turning()), []) as task:
        with pytest.raises(DiskError, match="is a directory"):
            await task
