"""Rotated spools go when they are old, read to their end, and all their signals are done."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from core.operate.desk import Desk
from core.signals.spool_keeping import remove_old_spools
from tests.build import NOON
from tests.home import HomeUnderTest
from tests.producer import StillClock, message, signal_id
from tests.spooled import drained, reader_at

DAYS = 14


@pytest.fixture
def rotated(desk: Desk, spool: Path) -> Path:
    """Two signals and some nonsense, taken in at noon."""
    spool.parent.mkdir(parents=True, exist_ok=True)
    path = spool.with_name("signals-20260105-001.jsonl")
    path.write_bytes(message("a") + b"\nnonsense\n" + b"x" * 200_000 + b"\n" + message("b") + b"\n")
    drained(desk, reader_at(desk, spool))
    os.utime(path, times=(NOON.timestamp(),) * 2)
    return path


def done(home: HomeUnderTest, name: str, status: str = "done", at: str = "2026-01-05") -> None:
    home.execute(
        "UPDATE signals SET request_status = ?, finished_at = ? WHERE signal_id = ?",
        status,
        f"{at}T12:00:01Z",
        signal_id(name),
    )


def removed(desk: Desk, spool: Path) -> list[str]:
    gone = remove_old_spools(
        spool, book=desk.book, files=desk.files, clock=desk.clock, settings=desk.settings
    )
    assert not any(path.exists() for path in gone)
    return [path.name for path in gone]


def test_it_goes_when_its_time_has_come(
    home: HomeUnderTest, desk: Desk, spool: Path, rotated: Path, clock: StillClock
) -> None:
    done(home, "a")
    done(home, "b", "failed")
    clock.time = NOON + timedelta(days=DAYS)
    assert removed(desk, spool) == []
    clock.time += timedelta(seconds=1)
    assert removed(desk, spool) == [rotated.name]
    assert removed(desk, spool) == []


@pytest.mark.parametrize("status", ["pending", "executing"])
def test_it_stays_while_a_signal_is_not_done(
    home: HomeUnderTest, desk: Desk, spool: Path, rotated: Path, clock: StillClock, status: str
) -> None:
    done(home, "a")
    done(home, "b", status)
    clock.time = NOON + timedelta(days=400)
    assert removed(desk, spool) == []
    assert rotated.exists()


def test_the_days_count_from_the_last_signal_that_was_done(
    home: HomeUnderTest, desk: Desk, spool: Path, rotated: Path, clock: StillClock
) -> None:
    done(home, "a")
    done(home, "b", at="2026-01-20")
    clock.time = NOON + timedelta(days=20)
    assert removed(desk, spool) == []
    clock.time = NOON + timedelta(days=31)
    assert removed(desk, spool) == [rotated.name]


def test_it_stays_while_it_is_not_read_to_its_end(
    home: HomeUnderTest, desk: Desk, spool: Path, rotated: Path, clock: StillClock
) -> None:
    done(home, "a")
    done(home, "b")
    with rotated.open("ab") as file:
        file.write(message("late"))
    os.utime(rotated, times=(NOON.timestamp(),) * 2)
    clock.time = NOON + timedelta(days=DAYS + 1)
    assert removed(desk, spool) == []


def test_what_nobody_has_read_stays(desk: Desk, spool: Path, clock: StillClock) -> None:
    spool.parent.mkdir(parents=True, exist_ok=True)
    unread = spool.with_name("signals-20250101-001.jsonl")
    unread.write_bytes(b"nonsense\n")
    os.utime(unread, times=(0, 0))
    assert removed(desk, spool) == []


def test_the_file_that_is_being_written_stays(
    home: HomeUnderTest, desk: Desk, spool: Path, rotated: Path, clock: StillClock
) -> None:
    rotated.rename(spool)
    done(home, "a")
    done(home, "b")
    clock.time = NOON + timedelta(days=400)
    assert removed(desk, spool) == []
    assert spool.exists()
