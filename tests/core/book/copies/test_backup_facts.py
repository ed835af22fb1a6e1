"""What plain file copies do to a live database, and that none of it happens to a copy of ours.

Each test first shows the trap with SQLite alone.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from core.domain.errors import RestoreFailed
from tests.core.book.copies.shelf import Shelf


@contextmanager
def in_use(shelf: Shelf) -> Iterator[sqlite3.Connection]:
    """Somebody has the book open and keeps new rows in the write-ahead log."""
    with closing(sqlite3.connect(shelf.book, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        yield connection


def test_a_file_copy_of_a_live_book_lacks_what_is_in_its_log(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.book.parent.mkdir()
    with closing(shelf.open()) as book:
        with book.write() as writing:
            writing.bump_serial()
        shutil.copy(shelf.book, tmp_path / "copy.db")
        assert shelf.ask("SELECT count(*) FROM sqlite_schema", tmp_path / "copy.db") == [(0,)]
        backup = shelf.back_up()
    assert shelf.content(backup.path) == shelf.content()


def stale_log(shelf: Shelf) -> bytes:
    """A log that belongs to a later state of the book than the copy made before."""
    with in_use(shelf) as connection:
        connection.execute("UPDATE orders SET trace_id = 'later'")
        return shelf.book.with_name("orders.db-wal").read_bytes()


def test_a_stale_log_beside_a_copy_is_replayed_by_sqlite_but_not_by_a_restore(
    shelf: Shelf,
) -> None:
    shelf.change("PRAGMA wal_checkpoint(TRUNCATE)")
    backup = shelf.back_up()
    log = stale_log(shelf)
    trap = shelf.root / "trap.db"
    shutil.copy(backup.path, trap)
    trap.with_name("trap.db-wal").write_bytes(log)
    assert shelf.ask("SELECT DISTINCT trace_id FROM orders", trap) == [("later",)]
    assert shelf.ask("PRAGMA integrity_check", trap) == [("ok",)]

    backup.path.with_name(f"{backup.name}-wal").write_bytes(log)
    report = shelf.restore(backup.path)
    assert shelf.ask("SELECT DISTINCT trace_id FROM orders") == [(None,)]
    assert [c.text for c in report.examination.checks if c.verdict == "warn"] == [
        f"{backup.name}-wal lies beside it and is left out: only the file was verified"
    ]


def test_a_log_beside_a_file_without_manifest_is_not_guessed_about(shelf: Shelf) -> None:
    backup = shelf.back_up()
    mine = shelf.lone_copy(backup)
    mine.with_name("mine.db-wal").write_bytes(stale_log(shelf))
    with pytest.raises(RestoreFailed, match="mine.db-wal lies beside it"):
        shelf.restore(mine)
    mine.with_name("mine.db-wal").write_bytes(b"")
    assert shelf.restore(mine).rows_after["orders"] == 2


def test_an_exchanged_file_is_undone_by_the_log_left_beside_it_but_a_restore_is_not(
    shelf: Shelf,
) -> None:
    backup = shelf.back_up()
    with in_use(shelf) as connection:
        connection.execute("UPDATE orders SET trace_id = 'later'")
        trap = shelf.root / "trap.db"
        shutil.copy(shelf.book, trap)
        shutil.copy(shelf.book.with_name("orders.db-wal"), trap.with_name("trap.db-wal"))
        shutil.copy(backup.path, trap.with_name("new.db"))
        trap.with_name("new.db").replace(trap)
        assert shelf.ask("SELECT DISTINCT trace_id FROM orders", trap) == [("later",)]

        shelf.restore(backup.path)
        assert shelf.ask("SELECT DISTINCT trace_id FROM orders") == [(None,)]
    assert shelf.ask("SELECT DISTINCT trace_id FROM orders") == [(None,)]


def test_a_connection_open_during_a_restore_sees_it_and_its_next_write_counts(
    shelf: Shelf,
) -> None:
    backup = shelf.back_up()
    shelf.add_orders("V-3")
    with in_use(shelf) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM orders").fetchone() == (3,)
        shelf.restore(backup.path)
        # Its transaction still sees what it saw when it began; the next one sees the restored book.
        assert reader.execute("SELECT count(*) FROM orders").fetchone() == (3,)
        reader.execute("COMMIT")
        assert reader.execute("SELECT count(*) FROM orders").fetchone() == (2,)
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        reader.execute("UPDATE orders SET trace_id = 'afterwards'")
    assert shelf.ask("SELECT DISTINCT trace_id FROM orders") == [("afterwards",)]
    assert shelf.ask("PRAGMA integrity_check") == [("ok",)]


def test_the_books_own_writer_goes_on_after_a_restore(shelf: Shelf) -> None:
    backup = shelf.back_up()
    with closing(shelf.open()) as book:
        with book.write() as writing:
            writing.bump_serial()
        report = shelf.restore(backup.path)
        with book.write() as writing:
            assert writing.bump_serial() == 2
    assert report.new and shelf.identity().lineage == report.new.lineage


def test_integrity_check_overlooks_a_broken_reference_and_we_do_not(shelf: Shelf) -> None:
    backup = shelf.back_up()
    mine = shelf.lone_copy(backup)
    shelf.change("UPDATE executions SET order_id = 'nobody'", mine)
    assert shelf.ask("PRAGMA integrity_check", mine) == [("ok",)]
    with pytest.raises(RestoreFailed, match="foreign_key_check: executions row 1 refers to no"):
        shelf.restore(mine)


def test_a_log_without_its_book_is_not_replayed_into_the_restored_one(shelf: Shelf) -> None:
    """The book's file is gone and its log is still there."""
    backup = shelf.back_up()
    log = stale_log(shelf)
    os.unlink(shelf.book)
    shelf.book.with_name("orders.db-wal").write_bytes(log)
    report = shelf.restore(backup.path)
    assert shelf.ask("SELECT DISTINCT trace_id FROM orders") == [(None,)]
    assert [path.read_bytes() for path in report.aside] == [log]
