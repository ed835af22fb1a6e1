"""Putting a copy back: what stands afterwards, what was kept, and what the report says."""

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.book import schema
from core.book.copies import form
from core.config.settings import Retention
from core.domain.errors import RestoreFailed
from tests.core.book.copies.shelf import Shelf


@pytest.fixture(params=[".db", ".sql"])
def ending(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def without_identity(shelf: Shelf, path: Path | None = None) -> dict[str, object]:
    return {name: rows for name, rows in shelf.content(path).items() if name != "meta"}


def test_the_book_is_as_it_was_when_the_copy_was_taken(shelf: Shelf, ending: str) -> None:
    backup = shelf.back_up()
    then = without_identity(shelf)
    shelf.add_orders("V-3")
    shelf.change("UPDATE orders SET status = 'cancelled'")
    shelf.restore(backup.path.with_suffix(ending))
    assert without_identity(shelf) == then
    assert shelf.ask("PRAGMA integrity_check") == [("ok",)]


def test_the_restored_book_has_a_lineage_of_its_own(shelf: Shelf, ending: str) -> None:
    """So that every plan made before is stale, those made at the time of the copy too."""
    backup = shelf.back_up()
    shelf.add_orders("V-3")
    old = shelf.identity()
    report = shelf.restore(backup.path.with_suffix(ending))
    assert report.old == old
    assert report.new == shelf.identity()
    assert report.new.lineage not in (old.lineage, backup.manifest.lineage)
    assert report.new.serial == backup.manifest.serial


def test_the_report_says_what_was_and_what_is(shelf: Shelf) -> None:
    backup = shelf.back_up()
    shelf.add_orders("V-3")
    report = shelf.restore(backup.path)
    assert not report.simulated
    assert report.candidate == backup.path
    assert report.rows_before and report.rows_before["orders"] == 3
    assert report.rows_after["orders"] == 2
    assert report.aside == ()
    assert report.examination.good
    assert report.examination.manifest == backup.manifest


def test_the_book_as_it_was_is_kept_as_a_verified_copy(shelf: Shelf) -> None:
    backup = shelf.back_up()
    shelf.add_orders("V-3")
    now = shelf.content()
    report = shelf.restore(backup.path)
    assert report.previous and report.previous.manifest.verified
    assert shelf.content(report.previous.path) == now
    # And back again.
    shelf.restore(report.previous.path)
    assert shelf.orders() == ["V-1", "V-2", "V-3"]


def test_a_book_that_uses_a_log_goes_on_using_it(shelf: Shelf, ending: str) -> None:
    backup = shelf.back_up()
    shelf.restore(backup.path.with_suffix(ending))
    assert shelf.ask("PRAGMA journal_mode") == [("wal",)]


def test_nothing_is_left_lying_about(shelf: Shelf, ending: str) -> None:
    backup = shelf.back_up()
    shelf.restore(backup.path.with_suffix(ending))
    assert {name.partition(".")[0] for name in shelf.files()} == {
        "db_backup_20260105_120000",
        "db_backup_20260105_120000_2",
    }
    assert {path.name for path in shelf.book.parent.iterdir()} <= {
        "orders.db",
        "orders.db-wal",
        "orders.db-shm",
    }


def test_a_copy_without_a_manifest_is_restored_and_that_is_mentioned(
    shelf: Shelf, ending: str
) -> None:
    mine = shelf.lone_copy(shelf.back_up(), f"mine{ending}")
    report = shelf.restore(mine)
    assert [(c.name, c.verdict) for c in report.examination.checks if c.verdict != "ok"] == [
        ("manifest", "warn")
    ]


def test_a_dump_of_the_shell_itself_is_restored(shelf: Shelf) -> None:
    """.dump writes one row a statement, and leaves out what is in the file's header."""
    mine = shelf.root / "mine.sql"
    with closing(sqlite3.connect(shelf.book)) as connection:
        lines = ["PRAGMA foreign_keys=OFF;", *connection.iterdump()]
    mine.write_text("\n".join(lines) + "\n", "utf-8")
    shelf.add_orders("V-3")
    shelf.restore(mine)
    assert shelf.orders() == ["V-1", "V-2"]
    shelf.add_orders("V-4")


def test_a_copy_that_uses_a_log_itself_is_restored(shelf: Shelf) -> None:
    mine = shelf.lone_copy(shelf.back_up())
    shelf.change("PRAGMA journal_mode = WAL", mine)
    shelf.add_orders("V-3")
    shelf.restore(mine)
    assert shelf.orders() == ["V-1", "V-2"]
    assert [path.name for path in mine.parent.iterdir()] == ["mine.db"]


@pytest.mark.parametrize("page_size", [512, 1024, 65536])
def test_pages_of_another_size_are_fitted(shelf: Shelf, page_size: int) -> None:
    mine = shelf.lone_copy(shelf.back_up())
    shelf.change(f"PRAGMA page_size = {page_size}; VACUUM", mine)
    shelf.add_orders("V-3")
    shelf.restore(mine)
    assert shelf.orders() == ["V-1", "V-2"]
    assert shelf.ask("PRAGMA page_size") == [(4096,)]


def test_a_path_with_characters_that_mean_something_in_a_uri(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "50% off?mode=memory#x &y")
    shelf.root.mkdir()
    shelf.add_orders("V-1")
    backup = shelf.back_up()
    shelf.add_orders("V-2")
    shelf.restore(backup.path)
    assert shelf.orders() == ["V-1"]


def test_an_older_version_is_restored_and_brought_forward_on_its_first_use(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next version here: one more column. The copy is of the version before it."""
    from core.book import connection, migrations, sqlite

    known, following = schema.SCHEMA_VERSION, schema.SCHEMA_VERSION + 1
    old = shelf.back_up()
    steps = (
        *migrations.MIGRATIONS,
        migrations.Migration(
            "note", lambda db: db.execute("ALTER TABLE orders ADD COLUMN note TEXT")
        ),
    )
    for module in (schema, form, connection, sqlite):
        monkeypatch.setattr(module, "SCHEMA_VERSION", following)
    monkeypatch.setattr(migrations, "MIGRATIONS", steps)
    monkeypatch.setattr(connection.schema_version, "__defaults__", (following,))
    caches = (form.tables, form.objects_of, form.functions_of_schema)
    for cached in caches:
        cached.cache_clear()
    try:
        assert form.objects_of(known) != form.objects_of(following)
        report = shelf.restore(old.path)
        assert report.new and report.new.schema_version == known
        assert shelf.restore(old.path.with_suffix(".sql")).new
        shelf.change(
            f"ALTER TABLE orders ADD COLUMN note TEXT; UPDATE meta SET schema_version = {following}"
        )
        new = shelf.back_up()
        assert new.manifest.schema_version == following
        assert shelf.restore(new.path).new
    finally:
        for cached in caches:
            cached.cache_clear()
    monkeypatch.undo()
    with pytest.raises(RestoreFailed, match=f"a newer trueup wrote it: schema version {following}"):
        shelf.restore(new.path)


# --- in what state the book may be ------------------------------------------------------------


def test_where_there_was_no_book_there_is_one_afterwards(shelf: Shelf, ending: str) -> None:
    backup = shelf.back_up()
    shelf.change("PRAGMA journal_mode = DELETE")
    shelf.book.unlink()
    shelf.book.parent.rmdir()
    report = shelf.restore(backup.path.with_suffix(ending))
    assert (report.previous, report.old, report.rows_before) == (None, None, None)
    assert shelf.orders() == ["V-1", "V-2"]
    assert shelf.book.stat().st_mode & 0o777 == 0o600
    assert shelf.book.parent.stat().st_mode & 0o777 == 0o700
    shelf.add_orders("V-3")


def garbage(shelf: Shelf) -> None:
    shelf.book.write_bytes(b"\xa5" * 100_000)


def truncated(shelf: Shelf) -> None:
    shelf.book.write_bytes(shelf.book.read_bytes()[: 4096 * 5 + 17])


def empty(shelf: Shelf) -> None:
    shelf.book.write_bytes(b"")


def broken_schema(shelf: Shelf) -> None:
    content = bytearray(shelf.book.read_bytes())
    content[100:4096] = b"\xa5" * 3996
    shelf.book.write_bytes(content)


def broken_pages(shelf: Shelf) -> None:
    content = bytearray(shelf.book.read_bytes())
    content[4096 * 3 : 4096 * 6] = b"\xa5" * 4096 * 3
    shelf.book.write_bytes(content)


def broken_reference(shelf: Shelf) -> None:
    shelf.change("UPDATE executions SET order_id = 'nobody'")


def another_program(shelf: Shelf) -> None:
    shelf.book.unlink()
    shelf.change("CREATE TABLE people (name)")


def with_a_trigger(shelf: Shelf) -> None:
    shelf.change("CREATE TRIGGER t AFTER UPDATE ON meta BEGIN DELETE FROM orders; END")


def newer(shelf: Shelf) -> None:
    shelf.change("UPDATE meta SET schema_version = 2000")


WRITTEN_OVER = [empty, broken_schema, broken_pages, broken_reference, another_program]
WRITTEN_OVER += [with_a_trigger, newer]
EXCHANGED = [garbage, truncated]


@pytest.mark.parametrize("damage", WRITTEN_OVER + EXCHANGED)
def test_a_damaged_book_is_kept_and_replaced(shelf: Shelf, ending: str, damage: object) -> None:
    backup = shelf.back_up()
    shelf.change("PRAGMA wal_checkpoint(TRUNCATE)")
    assert callable(damage)
    damage(shelf)
    damaged = shelf.book.read_bytes()
    report = shelf.restore(backup.path.with_suffix(ending))
    assert shelf.orders() == ["V-1", "V-2"]
    assert report.new == shelf.identity()
    assert report.previous and report.previous.name == "db_damaged_20260105_120000.db"
    assert report.previous.path.read_bytes() == damaged
    if damage in EXCHANGED:
        aside = report.aside[-1]
        assert aside.name.startswith("orders.db.damaged-20260105_120000")
        assert aside.read_bytes() == damaged
    else:
        assert report.aside == ()
    shelf.add_orders("V-3")
    assert shelf.back_up().manifest.verified


def test_a_book_that_cannot_be_opened_goes_aside_with_its_log(shelf: Shelf) -> None:
    backup = shelf.back_up()
    with closing(sqlite3.connect(shelf.book)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("UPDATE orders SET trace_id = 'later'")
        connection.commit()
        log = shelf.book.with_name("orders.db-wal").read_bytes()
    garbage(shelf)
    damaged = shelf.book.read_bytes()
    shelf.book.with_name("orders.db-wal").write_bytes(log)
    report = shelf.restore(backup.path)
    assert shelf.ask("SELECT DISTINCT trace_id FROM orders") == [(None,)]
    aside = {path.name: path.read_bytes() for path in report.aside}
    (name,) = [name for name in aside if not name.endswith(("-wal", "-shm"))]
    assert aside[name] == damaged
    assert aside[f"{name}-wal"] == log
    assert report.previous
    assert report.previous.path.with_name(f"{report.previous.name}-wal").read_bytes() == log


def test_a_book_that_is_a_link_is_not_replaced(shelf: Shelf) -> None:
    backup = shelf.back_up()
    shelf.book.rename(shelf.root / "real.db")
    shelf.book.symlink_to(shelf.root / "real.db")
    for simulate in (True, False):
        with pytest.raises(RestoreFailed, match="is not a regular file"):
            shelf.restore(backup.path, simulate=simulate)
    assert shelf.book.is_symlink()


# --- rehearsing -------------------------------------------------------------------------------


def test_a_rehearsal_reports_and_changes_nothing(shelf: Shelf, ending: str) -> None:
    backup = shelf.back_up()
    shelf.add_orders("V-3")
    before = shelf.snapshot()
    report = shelf.restore(backup.path.with_suffix(ending), simulate=True)
    assert shelf.snapshot() == before
    assert report.simulated
    assert report.examination.good
    assert report.old == shelf.identity()
    assert (report.new, report.previous, report.aside) == (None, None, ())
    assert report.rows_before and report.rows_before["orders"] == 3
    assert report.rows_after["orders"] == 2


@pytest.mark.parametrize("damage", WRITTEN_OVER + EXCHANGED)
def test_a_rehearsal_over_a_damaged_book_changes_nothing(shelf: Shelf, damage: object) -> None:
    backup = shelf.back_up()
    assert callable(damage)
    damage(shelf)
    before = shelf.snapshot()
    assert shelf.restore(backup.path, simulate=True).simulated
    assert shelf.snapshot() == before


def test_a_rehearsal_without_a_book_makes_none(shelf: Shelf) -> None:
    backup = shelf.back_up()
    shelf.book.unlink()
    shelf.restore(backup.path, simulate=True)
    assert not shelf.book.exists()


def test_a_large_book_is_restored_from_its_database_file(shelf: Shelf) -> None:
    backup = shelf.back_up(retention=Retention(sql_dump_max_mib=0))
    assert backup.manifest.sql is None
    shelf.add_orders("V-3")
    shelf.restore(backup.path)
    assert shelf.orders() == ["V-1", "V-2"]


def test_on_a_file_system_without_links_the_damaged_book_is_copied_aside(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(self))

    backup = shelf.back_up()
    garbage(shelf)
    monkeypatch.setattr(Path, "hardlink_to", refuse)
    report = shelf.restore(backup.path)
    assert report.aside[-1].read_bytes() == b"\xa5" * 100_000
    assert shelf.orders() == ["V-1", "V-2"]


def test_a_log_without_its_book_survives_a_restore_that_cannot_keep_it_aside(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The book's file is lost; what is in the log may be all there is."""

    def fail(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    backup = shelf.back_up()
    shelf.book.unlink()
    log = shelf.book.with_name("orders.db-wal")
    log.write_bytes(b"all there is")
    monkeypatch.setattr(Path, "hardlink_to", fail)
    with pytest.raises(RestoreFailed, match="finds no room left on the disk"):
        shelf.restore(backup.path)
    assert log.read_bytes() == b"all there is"
    assert not shelf.book.exists()
