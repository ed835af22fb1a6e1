"""The writing end: one line a signal, rotation by day and size, and others who write as well."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from core.domain.errors import DiskError
from core.host.disk import DiskFiles
from core.operate.desk import Desk
from core.signals.spool_files import rotated_files
from core.signals.spool_writing import SpoolWriter
from tests.build import NOON
from tests.full_disk import disk_full_after
from tests.home import HomeUnderTest
from tests.producer import StillClock, message, signal_id
from tests.spooled import drained, reader_at

ROOT = Path(__file__).parents[3]


def writer(spool: Path, clock: StillClock, bytes_max: int = 1000) -> SpoolWriter:
    return SpoolWriter(spool, files=DiskFiles(), clock=clock, bytes_max=bytes_max)


def written_at(path: Path, clock: StillClock) -> None:
    """Files take their time from the machine; here it is the desk's."""
    os.utime(path, times=(clock.time.timestamp(),) * 2)


def names(spool: Path) -> list[str]:
    return [each.path.name for each in rotated_files(spool)]


def taken(home: HomeUnderTest) -> list[str]:
    rows = home.rows("SELECT signal_id FROM signals ORDER BY sequence")
    return [row["signal_id"] for row in rows]


def test_a_line_is_private_and_whole(spool: Path, clock: StillClock) -> None:
    writer(spool, clock).append(b'{"a":1}')
    assert spool.read_bytes() == b'{"a":1}\n'
    assert spool.stat().st_mode & 0o777 == 0o600


def test_rotated_by_size(spool: Path, clock: StillClock) -> None:
    spooling = writer(spool, clock, bytes_max=20)
    for number in range(7):
        spooling.append(b"%09d" % number)
        written_at(spool, clock)
    assert names(spool) == [f"signals-20260105-00{number}.jsonl" for number in (1, 2, 3)]
    assert rotated_files(spool)[0].path.read_bytes() == b"000000000\n000000001\n"
    assert spool.read_bytes() == b"000000006\n"


def test_rotated_by_day_under_the_day_of_its_last_line(spool: Path, clock: StillClock) -> None:
    spooling = writer(spool, clock)
    clock.time = NOON.replace(hour=23, minute=59, second=59)
    spooling.append(b"monday")
    written_at(spool, clock)
    assert spooling.rotate_when_due() is None
    clock.time += timedelta(seconds=1)
    spooling.append(b"tuesday")
    written_at(spool, clock)
    clock.time += timedelta(days=3)
    assert spooling.rotate_when_due() == spool.with_name("signals-20260106-001.jsonl")
    assert names(spool) == ["signals-20260105-001.jsonl", "signals-20260106-001.jsonl"]
    assert not spool.exists()


def test_an_empty_file_is_not_rotated(spool: Path, clock: StillClock) -> None:
    spool.parent.mkdir(parents=True, exist_ok=True)
    spool.touch()
    written_at(spool, clock)
    clock.time += timedelta(days=1)
    assert writer(spool, clock).rotate_when_due() is None


def test_only_names_of_its_own_are_taken_for_rotated_files(spool: Path) -> None:
    spool.parent.mkdir(parents=True, exist_ok=True)
    for name in (
        *(
            "signals-20260105-002.jsonl",
            "signals-20260104-1000.jsonl",
            "signals-20260104-999.jsonl",
        ),
        *("signals-20260105-1.jsonl", "other-20260105-001.jsonl", "signals-20260105-001.jsonl.gz"),
        *("signals-2026010५-001.jsonl", "signals.jsonl", ".signals-20260105-001.jsonl.tmp"),
    ):
        spool.with_name(name).touch()
    assert names(spool) == [
        "signals-20260104-999.jsonl",
        "signals-20260104-1000.jsonl",
        "signals-20260105-002.jsonl",
    ]


def test_a_full_disk_leaves_the_spool_as_it_was(
    home: HomeUnderTest, desk: Desk, spool: Path, clock: StillClock
) -> None:
    spooling = writer(spool, clock, bytes_max=10**6)
    spooling.append(message("a"))
    before = spool.read_bytes()
    for room in (1, 50, len(message("b"))):
        with disk_full_after(len(before) + room), pytest.raises(DiskError, match="signals.jsonl"):
            spooling.append(message("b"))
        assert spool.read_bytes() == before
    spooling.append(message("c"))
    drained(desk, reader_at(desk, spool))
    assert taken(home) == [signal_id("a"), signal_id("c")]
    assert home.rows("SELECT * FROM dead_letters") == []


WRITE = """
import sys
from pathlib import Path
from core.host.clock import SystemClock
from core.host.disk import DiskFiles
from core.signals.spool_writing import SpoolWriter
from tests.producer import message
spool, name, count, bytes_max = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
writer = SpoolWriter(spool, files=DiskFiles(), clock=SystemClock(), bytes_max=bytes_max)
sys.stdin.readline()
for number in range(count):
    writer.append(message(f"{name}{number}", metadata={"x": "y" * (number % 50)}))
"""


def test_several_writers_at_once_while_it_is_rotated_and_read(
    home: HomeUnderTest, desk: Desk, spool: Path
) -> None:
    count, writers = 60, "abc"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE, str(spool), name, str(count), "2000"],
            stdin=subprocess.PIPE,
            cwd=ROOT,
        )
        for name in writers
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()
    reader = reader_at(desk, spool, lines_max=7)
    while any(process.poll() is None for process in started):
        drained(desk, reader)
    drained(desk, reader)
    assert [process.wait() for process in started] == [0, 0, 0]
    assert len(names(spool)) > 5
    assert len(taken(home)) == count * len(writers)
    for name in writers:
        mine = [signal_id(f"{name}{number}") for number in range(count)]
        assert [each for each in taken(home) if each in set(mine)] == mine
    assert home.rows("SELECT * FROM dead_letters") == []
    assert home.rows("SELECT * FROM outbox WHERE event_type = 'signal.rejected'") == []
