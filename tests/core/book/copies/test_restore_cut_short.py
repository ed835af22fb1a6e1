"""Backups and restores that are killed, that fail and that run out of disk, at many points each.

The cutting is done in a process of its own, which forks for every point: cutting.py says what has
to hold afterwards. TRUEUP_TEST_CUTS asks for more points than these.
"""

import errno
import os
import pkgutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from core.book.copies.deadline import Deadline
from core.book.copies.scratch import scratch_in
from core.config.settings import Retention
from core.domain.errors import RestoreFailed
from tests.core.book.copies.shelf import Shelf

ROOT = Path(__file__).parents[4]
POINTS = os.environ.get("TRUEUP_TEST_CUTS", "15")


@pytest.mark.parametrize("how", ["kill", "error", "interrupt", "disk"])
@pytest.mark.parametrize("what", ["backup", "restore", "restore-garbage", "restore-new"])
def test_cut_short_anywhere_it_leaves_the_old_book_or_the_new_one(
    what: str, how: str, tmp_path: Path
) -> None:
    module = "tests.core.book.copies.cutting"
    command = [sys.executable, "-m", module, what, how, str(tmp_path), POINTS]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("ending", [".db", ".sql"])
def test_a_writer_that_keeps_its_lock_keeps_its_book(shelf: Shelf, ending: str) -> None:
    backup = shelf.back_up()
    shelf.add_orders("V-3")
    with closing(sqlite3.connect(shelf.book, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE orders SET trace_id = 'mine'")
        with pytest.raises(RestoreFailed, match="another process holds the database's lock"):
            shelf.restore(backup.path.with_suffix(ending))
        writer.execute("COMMIT")
    assert shelf.ask("SELECT DISTINCT trace_id FROM orders") == [("mine",)]
    assert len(shelf.orders()) == 3


# Each names a step as the module that takes it knows it; it is taken, and then it fails.
STEPS = (
    "restore.create_backup",
    "restore.Placement.place",
    "restore.integrity_problems",
    "restore.foreign_key_problems",
    "restore.differing_tables",
    "restore.read_identity",
    "copies.placing.page_size_of",
    "copies.placing.fit_pages",
    "copies.placing.write_over",
    "copies.placing.keep_aside",
    "copies.placing.exchange",
)


def sound(shelf: Shelf) -> None:
    """Nothing is wrong with it."""


def broken_reference(shelf: Shelf) -> None:
    shelf.change("UPDATE executions SET order_id = 'nobody'; PRAGMA wal_checkpoint(TRUNCATE)")


def no_database(shelf: Shelf) -> None:
    shelf.book.write_bytes(b"\xa5" * 50_000)


def gone(shelf: Shelf) -> None:
    shelf.book.unlink()


@pytest.mark.parametrize("state", [sound, broken_reference, no_database, gone])
@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_leaves_the_old_book(
    shelf: Shelf, step: str, state: Callable[[Shelf], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = shelf.back_up()
    shelf.add_orders("V-3")
    shelf.change("PRAGMA wal_checkpoint(TRUNCATE)")
    state(shelf)
    before = shelf.book.read_bytes() if shelf.book.exists() else None
    taken = fail_after(step, monkeypatch)
    if state is sound and step.endswith(("keep_aside", "exchange")):
        shelf.restore(backup.path)
        assert not taken, "a book that can be written over is never exchanged"
        return
    try:
        with pytest.raises(RestoreFailed, match="a file finds no room left on the disk") as failed:
            shelf.restore(backup.path)
    except pytest.fail.Exception:
        assert not taken
        return
    assert "putting the old book back failed" not in failed.value.message
    if before is None:
        assert not shelf.book.exists()
    elif state is sound:
        assert shelf.orders() == ["V-1", "V-2", "V-3"]
    else:
        assert shelf.book.read_bytes() == before


def fail_after(step: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was taken, once; the step works when it is asked for again, by putting back."""
    path = f"core.book.{step}"
    original = pkgutil.resolve_name(path)
    taken: list[str] = []

    def failing(*given: object, **named: object) -> object:
        outcome = original(*given, **named)
        if not taken:
            taken.append(step)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return outcome

    monkeypatch.setattr(path, failing)
    return taken


def test_when_not_even_the_old_book_comes_back_it_says_where_it_is(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = shelf.back_up()

    def fails(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("core.book.restore.integrity_problems", fails)
    monkeypatch.setattr("core.book.restore.Placement.put_back", fails)
    with pytest.raises(RestoreFailed, match="putting the old book back failed too") as failed:
        shelf.restore(backup.path)
    assert "db_backup_20260105_120000_2.db" in failed.value.message


def test_an_outcome_that_is_not_what_was_brought_is_taken_back(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = shelf.back_up()
    shelf.add_orders("V-3")
    monkeypatch.setattr("core.book.restore.integrity_problems", lambda _: "page 3 is never used")
    said = "the restored book fails its checks: page 3 is never used; the old book is back"
    with pytest.raises(RestoreFailed, match=said):
        shelf.restore(backup.path)
    assert shelf.orders() == ["V-1", "V-2", "V-3"]


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_killed_while_sqlite_writes_the_pages_it_leaves_the_old_book(
    shelf: Shelf, part: float, journal: str
) -> None:
    """A book large enough that its pages reach the disk before the transaction ends."""
    endings = {"wal": "-wal", "delete": "-journal"}
    shelf.change(f"UPDATE orders SET trace_id = '{'x' * 5_000_000}'")
    backup = shelf.back_up(retention=Retention(sql_dump_max_mib=0))
    shelf.add_orders("V-3")
    shelf.change(f"PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = {journal}")
    script = (
        "import sys; from pathlib import Path; from tests.core.book.copies.shelf import Shelf;"
        "shelf = Shelf(Path(sys.argv[1])); shelf.restore(Path(sys.argv[2]))"
    )
    log = shelf.book.with_name(f"orders.db{endings[journal]}")
    with subprocess.Popen([sys.executable, "-c", script, shelf.root, backup.path], cwd=ROOT) as run:
        while run.poll() is None and not is_larger(log, part * shelf.book.stat().st_size):
            time.sleep(0.001)
        run.kill()
    if run.returncode == -signal.SIGKILL:
        assert shelf.orders() in (["V-1", "V-2", "V-3"], ["V-1", "V-2"])
        assert shelf.ask("PRAGMA integrity_check") == [("ok",)]
        report = shelf.restore(backup.path)
        assert report.new == shelf.identity()


def is_larger(path: Path, size: float) -> bool:
    try:
        return path.stat().st_size > size
    except FileNotFoundError:
        return False


def test_of_a_publication_that_fails_nothing_remains(shelf: Shelf) -> None:
    """Two of three files have their names already when the third finds its name taken."""
    shelf.backups.mkdir()
    with (
        Deadline(shelf.patience) as deadline,
        scratch_in(shelf.backups, deadline, shelf.ids) as scratch,
    ):
        made = [scratch.file(name) for name in ("a", "b", "c")]
        finals = [shelf.backups / path.name for path in made]
        finals[-1].write_text("mine")
        with pytest.raises(FileExistsError):
            scratch.publish(list(zip(made, finals, strict=True)))
    assert shelf.files() == ["c"]
    assert finals[-1].read_text() == "mine"


def test_scratch_of_a_dead_process_is_swept_and_that_of_a_living_one_is_not(
    shelf: Shelf,
) -> None:
    shelf.backups.mkdir()
    dead = shelf.backups / ".scratch-dead"
    dead.mkdir()
    (dead / "copy.db").write_text("half a copy")
    with (
        Deadline(shelf.patience) as deadline,
        scratch_in(shelf.backups, deadline, shelf.ids) as ours,
    ):
        shelf.back_up()
        assert not dead.exists()
        assert ours.folder.exists()
    assert not [name for name in shelf.files() if name.startswith(".")]
