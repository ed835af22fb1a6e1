"""Cuts a backup or a restore short at any point of its Python code, each time in a child process.

    python -m tests.core.book.copies.cutting WHAT HOW FOLDER POINTS

    WHAT  backup, restore, restore-garbage (over no database), restore-new (over no file)
    HOW   kill (-9), error (the disk is full), interrupt (Ctrl-C), disk (files may not grow)

A point is a call that the code under core/book makes. Prints nothing when all is well; an assertion
that fails names the point. What must hold afterwards: the book is the old one or the restored one,
whole; whatever lies on the shelf under a good name is good; and the next run succeeds.
"""

import os
import resource
import shutil
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from core.domain.errors import BackupFailed, RestoreFailed
from tests.core.book.copies.shelf import CountedIds, Shelf

DONE, REFUSED, RAISED = 0, 10, 11
# Here the work is over: what fails afterwards comes too late to undo anything.
LAST = {"backup": "make", "restore": "restored"}
# pathlib makes the system calls.
UNDER_TEST = ("core/book/backup.py", "core/book/restore.py", "core/book/copies/", "/pathlib")

Cut = Callable[[], None]
Told = Callable[[BaseException], None]


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise OSError(28, "No space left on device")


def interrupt() -> None:
    raise KeyboardInterrupt


CUTS: dict[str, Cut] = {"kill": kill, "error": fail, "interrupt": interrupt}


class Scissors:
    """Counts the calls of the code under test and cuts at one of them."""

    def __init__(self, at: int, cut: Cut, last: str):
        self.calls = 0
        self._at = at
        self._cut = cut
        self._last = last

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code.co_name == self._last:
            sys.setprofile(None)
        elif event in ("call", "c_call") and _is_under_test(frame):
            self.calls += 1
            if self.calls == self._at:
                # First of all: what is raised here must not meet the scissors again.
                sys.setprofile(None)
                threading.setprofile(None)
                self._cut()


def _is_under_test(frame: FrameType) -> bool:
    return any(name in frame.f_code.co_filename for name in UNDER_TEST)


# --- situations -------------------------------------------------------------------------------


def make_home(root: Path, what: str) -> None:
    """A copy with orders V-1 and V-2; the book has V-3 by now, some of it only in its log."""
    shelf = Shelf(root)
    shelf.add_orders("V-1", "V-2")
    shelf.back_up()
    shelf.add_orders("V-3")
    if what == "restore-garbage":
        # A log that SQLite would replay into whatever lies beside it.
        with closing(sqlite3.connect(shelf.book, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute("UPDATE orders SET broker_order_id = 'from the log'")
            log = shelf.book.with_name("orders.db-wal").read_bytes()
        shelf.book.write_bytes(b"\xa5" * 50_000)
        shelf.book.with_name("orders.db-wal").write_bytes(log)
    elif what == "restore-new":
        shelf.book.unlink()


def act(root: Path, what: str) -> None:
    shelf = Shelf(root)
    shelf.ids = CountedIds(start=os.getpid() % 60_000)
    if what == "backup":
        shelf.back_up()
    else:
        shelf.restore(next(shelf.backups.glob("db_backup_20260105_120000.db")))


# --- what must hold ---------------------------------------------------------------------------


def check(root: Path, template: Path, what: str, ended: int) -> None:
    shelf, before = Shelf(root), Shelf(template)
    check_book(shelf, before, what, ended)
    check_copies(shelf)
    if ended == DONE:
        assert what == "backup" or shelf.orders() == ["V-1", "V-2"]
    act(root, what)
    assert not [name for name in shelf.files() if name.startswith(".")], shelf.files()
    assert not list(shelf.book.parent.glob(".*")), "something is left beside the book"
    if what != "backup":
        assert shelf.orders() == ["V-1", "V-2"]
        assert shelf.identity().lineage != LINEAGE


LINEAGE = f"{1:032x}"


def check_book(shelf: Shelf, before: Shelf, what: str, ended: int) -> None:
    if is_as_before(shelf, before):
        return
    assert what != "backup", "the book is not what it was"
    assert ended not in (REFUSED, RAISED), "a restore that failed did not leave the old book"
    if what == "restore-garbage" and shelf.book.read_bytes() == before.book.read_bytes():
        # The log was on its way aside; the database file was damaged before, and still is.
        assert aside_of(shelf, "-wal") == before.book.with_name("orders.db-wal").read_bytes()
        return
    assert shelf.orders() == ["V-1", "V-2"], "neither the old book nor the restored one"
    assert shelf.identity().lineage != LINEAGE
    assert shelf.ask("PRAGMA integrity_check") == [("ok",)]


def is_as_before(shelf: Shelf, before: Shelf) -> bool:
    if not before.book.exists():
        return not shelf.book.exists()
    if before.book.read_bytes().startswith(b"\xa5"):
        names = ("orders.db", "orders.db-wal")
        ours, theirs = shelf.book.parent, before.book.parent
        return all(
            (ours / name).exists() and (ours / name).read_bytes() == (theirs / name).read_bytes()
            for name in names
        )
    return shelf.orders() == ["V-1", "V-2", "V-3"] and shelf.identity().lineage == LINEAGE


def aside_of(shelf: Shelf, ending: str) -> bytes:
    (path,) = shelf.book.parent.glob(f"orders.db.damaged-*{ending}")
    return path.read_bytes()


def check_copies(shelf: Shelf) -> None:
    """Whatever has a copy's name and its database file is whole."""
    for path in shelf.backups.glob("db_backup_*.db"):
        examination = shelf.verify(path)
        assert examination.good, examination.failures
        assert examination.manifest is not None, f"{path.name} lies there without its manifest"
        dump = examination.manifest.sql
        assert dump and shelf.verify(shelf.backups / dump.file).good


# --- the runs ---------------------------------------------------------------------------------


def in_child(run: Callable[[], object], told: Told) -> int:
    child = os.fork()
    if child == 0:
        code = RAISED
        try:
            run()
            code = DONE
        except (BackupFailed, RestoreFailed) as error:
            code = REFUSED
            told(error)
        except BaseException as error:  # noqa: BLE001
            told(error)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def cut_at(root: Path, what: str, at: int, cut: Cut) -> Scissors:
    scissors = Scissors(at, cut, LAST[what.partition("-")[0]])
    if cut is kill:
        threading.setprofile(scissors)
    sys.setprofile(scissors)
    try:
        act(root, what)
    finally:
        sys.setprofile(None)
    return scissors


def count_calls(root: Path, what: str, cut: Cut) -> int:
    """In a child of its own: the parent must not have any thread when it forks."""
    reader, writer = os.pipe()

    def counting() -> None:
        os.write(writer, str(cut_at(root, what, 0, cut).calls).encode())

    assert in_child(counting, aloud) == DONE
    return int(os.read(reader, 20))


def runs(work: Path, template: Path) -> Iterator[Path]:
    while True:
        root = work / "run"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(template, root)
        yield root


def at_many_points(what: str, how: str, work: Path, points: int) -> None:
    template = work / "template"
    assert in_child(partial(make_home, template, what), aloud) == DONE
    homes, cut = runs(work, template), CUTS[how]
    calls = count_calls(next(homes), what, cut)
    for number in range(points):
        at = 1 + calls * number // points
        root = next(homes)
        ended = in_child(partial(cut_at, root, what, at, cut), silent)
        verdict = in_child(partial(check, root, template, what, ended), aloud)
        assert verdict == DONE, f"{what} cut by {how} at call {at} of {calls} (ended {ended})"


def act_bounded(root: Path, what: str, limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    act(root, what)


def aloud(error: BaseException) -> None:
    sys.stderr.write(f"{type(error).__name__}: {error}\n")
    sys.stderr.flush()


def silent(_: BaseException) -> None:
    """How a run ends is judged by what it leaves."""


def on_a_small_disk(what: str, work: Path, points: int) -> None:
    """No file may grow beyond a limit, which rises from run to run."""
    template = work / "template"
    assert in_child(partial(make_home, template, what), aloud) == DONE
    for number, root in zip(range(points), runs(work, template), strict=False):
        limit = 1000 + number * 12_000
        ended = in_child(partial(act_bounded, root, what, limit), silent)
        assert ended in (DONE, REFUSED), f"{what} with {limit} bytes a file ended {ended}"
        verdict = in_child(partial(check, root, template, what, ended), aloud)
        assert verdict == DONE, f"{what} with {limit} bytes a file (ended {ended})"


if __name__ == "__main__":
    what, how, work, points = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
    if how == "disk":
        on_a_small_disk(what, work, points)
    else:
        at_many_points(what, how, work, points)
