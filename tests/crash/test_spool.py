"""R1: the power fails at every moment of taking in a spool; each line still counts once.

spool: six lines in a rotated file and the present one: four signals, one of them twice, nonsense
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from core.domain.errors import TrueupError
from core.operate.desk import Desk
from core.signals.spool_writing import SpoolWriter
from tests.crash.power import FragileBook, FragileFiles, Power, PowerCut
from tests.home import HomeUnderTest, make_home
from tests.producer import StillClock, desk_at, message, signal_id
from tests.spooled import drained, reader_at

ROOT = Path(__file__).parents[2]
SEED = 20260105
KILLS = int(os.environ.get("TRUEUP_TEST_KILLS", "60")) // 6


@pytest.fixture
def home(tmp_path: Path) -> HomeUnderTest:
    return make_home(tmp_path / "home")


def fragile(home: HomeUnderTest, power: Power) -> Desk:
    desk = desk_at(home)
    open_book = desk.open_book
    desk.open_book = lambda: FragileBook(open_book(), power)
    desk.files = FragileFiles(desk.files, power)
    return desk


def spool_of(home: HomeUnderTest) -> Path:
    return home.root / "data" / "spool" / "signals.jsonl"


def counted(home: HomeUnderTest, query: str) -> int:
    (row,) = home.rows(query)
    return int(row["n"])


def check_whole(home: HomeUnderTest, names: list[Any], letters: int) -> None:
    """Nothing is lost, nothing is there twice, and everything was told."""
    rows = home.rows("SELECT signal_id, attempt FROM signals ORDER BY sequence")
    assert [row["signal_id"] for row in rows] == [signal_id(name) for name in names]
    assert {row["attempt"] for row in rows} == {1}
    count = len(names)
    assert counted(home, "SELECT count(*) AS n FROM signal_deliveries") == count
    assert counted(home, "SELECT count(*) AS n FROM dead_letters") == letters
    told = "SELECT count(*) AS n FROM outbox WHERE event_type = "
    assert counted(home, told + "'signal.published'") == count
    assert counted(home, told + "'signal.delivery_created'") == count


# --- taking in ------------------------------------------------------------------------------------


def prepared(home: HomeUnderTest) -> None:
    old = [message("a"), b"nonsense", message("b")]
    new = [message("a"), message("c"), message("d")]
    path = spool_of(home)
    path.with_name("signals-20260104-001.jsonl").write_bytes(b"\n".join(old) + b"\n")
    path.write_bytes(b"\n".join(new) + b"\n")


def take_all(desk: Desk, home: HomeUnderTest) -> None:
    try:
        drained(desk, reader_at(desk, spool_of(home), lines_max=2))
    finally:
        desk.close_book()


def test_the_power_fails_at_every_moment_of_taking_in(tmp_path: Path) -> None:
    cut_at, cuts = 0, []
    while True:
        cut_at += 1
        home = make_home(tmp_path / str(cut_at))
        prepared(home)
        power = Power(cut_at)
        try:
            take_all(fragile(home, power), home)
        except PowerCut as cut:
            cuts.append(str(cut))
            take_all(desk_at(home), home)
            check_whole(home, list("abcd"), letters=1)
            told = "SELECT count(*) AS n FROM outbox WHERE event_type = 'signal.rejected'"
            assert counted(home, told) == 2
            continue
        check_whole(home, list("abcd"), letters=1)
        break
    assert cuts.count("before a commit") >= 4
    assert "after a commit" in cuts


# --- writing --------------------------------------------------------------------------------------


def test_the_power_fails_at_every_moment_of_writing(tmp_path: Path) -> None:
    """What was reported as written is there; what was under way is there once or not at all."""
    cut_at, cuts = 0, 0
    while True:
        cut_at += 1
        home = make_home(tmp_path / str(cut_at))
        desk = fragile(home, Power(cut_at))
        writer = SpoolWriter(
            spool_of(home), files=desk.files, clock=desk.clock, bytes_max=len(message()) * 2
        )
        written: list[int] = []
        try:
            for number in range(6):
                writer.append(message(number))
                written.append(number)
        except PowerCut:
            cuts += 1
        whole = desk_at(home)
        whole.book.examine()
        take_all(whole, home)
        rows = home.rows("SELECT signal_id FROM signals ORDER BY sequence")
        found = [row["signal_id"] for row in rows]
        expected = [signal_id(number) for number in range(6)]
        assert found in (expected[: len(written)], expected[: len(written) + 1])
        if len(written) == 6:
            break
    assert cuts == 24


# --- kill -9 --------------------------------------------------------------------------------------

TAKE_IN = """
import sys
from pathlib import Path
from tests.home import HomeUnderTest
from tests.producer import desk_at
from tests.spooled import drained, reader_at
home = HomeUnderTest(Path(sys.argv[1]))
desk = desk_at(home)
reader = reader_at(desk, home.root / "data" / "spool" / "signals.jsonl", lines_max=3)
print("ready", flush=True)
drained(desk, reader)
print("done", flush=True)
"""


def test_killed_at_any_moment_of_taking_in(home: HomeUnderTest) -> None:
    chance = random.Random(SEED)
    names = list(range(3000))
    lines = [message(name) if name % 10 else message(name) + b"\nnonsense" for name in names]
    spool_of(home).write_bytes(b"\n".join(lines) + b"\n")
    killed = 0
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", TAKE_IN, str(home.root)], stdout=subprocess.PIPE, cwd=ROOT
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        killed += b"done" not in process.stdout.read()
        process.stdout.close()
        process.wait(timeout=60)
    take_all(desk_at(home), home)
    check_whole(home, names, letters=300)
    assert killed, "no process was killed before its end"


def test_a_book_that_cannot_be_written_loses_no_line(home: HomeUnderTest) -> None:
    prepared(home)
    desk = desk_at(home, StillClock())
    desk.book.close()
    home.book_file.unlink(missing_ok=True)
    home.book_file.mkdir()
    with pytest.raises(TrueupError):
        drained(desk, reader_at(desk, spool_of(home)))
    home.book_file.rmdir()
    take_all(desk_at(home), home)
    check_whole(home, list("abcd"), letters=1)
