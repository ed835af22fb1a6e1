"""Making a copy: what it holds, what it is called, and when it refuses to be one."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from core.book.copies.deadline import Patience
from core.book.copies.failures import BookDamaged
from core.book.schema import SCHEMA_VERSION
from core.config.settings import Retention
from core.domain.errors import BackupFailed
from tests.core.book.copies.shelf import Shelf


def test_a_copy_is_three_private_files_named_after_the_moment(shelf: Shelf) -> None:
    backup = shelf.back_up()
    assert backup.name == "db_backup_20260105_120000.db"
    assert shelf.files() == [f"db_backup_20260105_120000.{end}" for end in ("db", "json", "sql")]
    assert {path.stat().st_mode & 0o777 for path in shelf.backups.iterdir()} == {0o600}
    assert shelf.backups.stat().st_mode & 0o777 == 0o700


def test_the_mode_of_the_files_does_not_depend_on_the_umask(shelf: Shelf) -> None:
    before = os.umask(0)
    try:
        shelf.back_up()
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in shelf.backups.iterdir()} == {0o600}


def test_the_manifest_says_what_was_verified(shelf: Shelf) -> None:
    backup = shelf.back_up()
    told = json.loads(backup.path.with_suffix(".json").read_text("utf-8"))
    dump = backup.path.with_suffix(".sql")
    assert told["file"] == backup.name
    assert told["size"] == backup.path.stat().st_size
    assert told["sha256"] == sha256(backup.path.read_bytes()).hexdigest()
    assert told["sql"] == {
        "file": dump.name,
        "size": dump.stat().st_size,
        "sha256": sha256(dump.read_bytes()).hexdigest(),
    }
    assert told["sql_skipped"] is None
    assert told["taken_at"] == "2026-01-05T12:00:00Z"
    assert (told["lineage"], told["serial"], told["schema_version"]) == (
        shelf.identity().lineage,
        shelf.identity().serial,
        SCHEMA_VERSION,
    )
    assert (told["integrity_check"], told["foreign_key_check"]) == ("ok", "ok")
    assert told["row_counts"]["orders"] == 2
    assert told["row_counts"]["executions"] == 2
    assert told["verified"] is True
    assert told["tool_version"]


def test_both_files_hold_the_book(shelf: Shelf) -> None:
    backup = shelf.back_up()
    loaded = shelf.root / "loaded.db"
    shelf.change(backup.path.with_suffix(".sql").read_text("utf-8"), loaded)
    assert shelf.content(backup.path) == shelf.content() == shelf.content(loaded)


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="needs the sqlite3 shell")
def test_the_steps_of_the_operator_guide_work(shelf: Shelf, tmp_path: Path) -> None:
    dump = shelf.back_up().path.with_suffix(".sql")
    empty = tmp_path / "orders.db"
    with dump.open("rb") as script:
        read = subprocess.run(["sqlite3", empty], stdin=script, capture_output=True, check=True)
    assert (read.stdout, read.stderr) == (b"", b"")
    for table in ("orders", "executions"):
        asked = ["sqlite3", empty, f"SELECT COUNT(*) FROM {table};"]
        assert subprocess.run(asked, capture_output=True, check=True).stdout == b"2\n"
    # And what came out of it is a book.
    shelf.book = empty
    shelf.add_orders("V-3")
    assert shelf.orders() == ["V-1", "V-2", "V-3"]


def test_a_second_copy_in_the_same_second_gets_a_number(shelf: Shelf) -> None:
    names = [shelf.back_up().name for _ in range(3)]
    assert names == [f"db_backup_20260105_120000{end}.db" for end in ("", "_2", "_3")]


def test_a_name_that_anything_has_is_taken(shelf: Shelf) -> None:
    shelf.backups.mkdir()
    (shelf.backups / "db_backup_20260105_120000.sql").write_text("mine")
    assert shelf.back_up().name == "db_backup_20260105_120000_2.db"
    assert (shelf.backups / "db_backup_20260105_120000.sql").read_text() == "mine"


STRANGE_TEXTS = {
    "quotes": "it's \"quoted\"; -- and ' more",
    "lines": "one\ntwo;\r\n.three\n);\n",
    "unicode": "ünïcode \U0001f600 \u202e \u2028",
    "control": "".join(map(chr, range(1, 32))) + "\x7f",
    "nul": "before\0after",
    "empty": "",
    "number": "1e999",
    "percent": "%s %Q %d",
    "long": "x" * 2_000_000,
}


@pytest.mark.parametrize("text", STRANGE_TEXTS.values(), ids=STRANGE_TEXTS)
def test_every_text_survives_both_ways(shelf: Shelf, text: str) -> None:
    with closing(sqlite3.connect(shelf.book)) as connection, connection:
        connection.execute("UPDATE orders SET trace_id = ?, signal_id = NULL", (text,))
    backup = shelf.back_up()
    loaded = shelf.root / "loaded.db"
    assert backup.manifest.sql is not None
    assert shelf.ask("SELECT trace_id FROM orders", backup.path) == [(text,), (text,)]
    shelf.verify(backup.path.with_suffix(".sql"))
    shelf.change(backup.path.with_suffix(".sql").read_bytes().decode(), loaded)
    assert shelf.content(loaded) == shelf.content()


def test_text_that_is_no_utf8_costs_the_dump_and_not_the_copy(shelf: Shelf) -> None:
    shelf.change("UPDATE orders SET trace_id = CAST(x'ff' AS TEXT)")
    manifest = shelf.back_up().manifest
    assert manifest.verified
    assert manifest.sql is None
    assert manifest.sql_skipped == "it holds text that is not UTF-8"


def test_a_large_book_has_no_dump_and_says_so(shelf: Shelf) -> None:
    shelf.change(f"UPDATE orders SET trace_id = '{'x' * 600_000}'")
    backup = shelf.back_up(retention=Retention(sql_dump_max_mib=1))
    assert shelf.files() == [f"db_backup_20260105_120000.{end}" for end in ("db", "json")]
    assert backup.manifest.sql is None
    assert backup.manifest.sql_skipped == "the book is larger than sql_dump_max_mib (1 MiB)"


# --- while the book is in use -----------------------------------------------------------------


def test_a_book_in_use_is_copied_as_of_its_last_commit(shelf: Shelf) -> None:
    with closing(shelf.open()) as book, book.write() as writing:
        writing.bump_serial()
        backup = shelf.back_up()
        assert backup.manifest.serial == 1
    assert shelf.identity().serial == 2


def test_rows_that_are_only_in_the_log_are_in_the_copy(shelf: Shelf) -> None:
    with closing(sqlite3.connect(shelf.book)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("UPDATE orders SET trace_id = 'in the log'")
        connection.commit()
        backup = shelf.back_up()
    assert shelf.ask("SELECT trace_id FROM orders", backup.path) == [("in the log",)] * 2


def test_the_copy_needs_nothing_beside_it(shelf: Shelf) -> None:
    backup = shelf.back_up()
    assert backup.path.read_bytes()[18:20] == b"\x01\x01", "a rollback-journal database"
    shelf.ask("SELECT * FROM orders", backup.path)
    assert len(shelf.files()) == 3


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_a_writer_that_keeps_everybody_out_is_not_waited_for_long(
    shelf: Shelf, journal: str
) -> None:
    with closing(sqlite3.connect(shelf.book, isolation_level=None)) as writer:
        writer.execute("PRAGMA locking_mode = EXCLUSIVE")
        writer.execute(f"PRAGMA journal_mode = {journal}")
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("UPDATE orders SET trace_id = 'uncommitted'")
        with pytest.raises(BackupFailed, match="another process holds the database's lock"):
            shelf.back_up()
    assert shelf.files() == []


def test_the_deadline_is_for_all_of_it(shelf: Shelf) -> None:
    with pytest.raises(BackupFailed, match="it took longer than 0 seconds"):
        shelf.back_up(patience=Patience(total_seconds=0))
    assert shelf.files() == []


def test_a_transaction_cut_short_without_a_log_is_rolled_back_first(shelf: Shelf) -> None:
    shelf.change("PRAGMA journal_mode = DELETE")
    script = (
        "import os, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('PRAGMA cache_size = 1')\n"
        "c.execute('BEGIN')\n"
        "c.execute(\"UPDATE orders SET trace_id = printf('%.*c', 100000, 'x')\")\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run(["python3", "-c", script, shelf.book], check=False)
    assert shelf.book.with_name("orders.db-journal").exists()
    backup = shelf.back_up()
    assert shelf.ask("SELECT trace_id FROM orders", backup.path) == [(None,), (None,)]


# --- what is no book, and where no copy can be ------------------------------------------------


def broken_index(shelf: Shelf) -> None:
    """An entry is missing: the pages are fine, only integrity_check sees it."""
    shelf.change(
        "PRAGMA writable_schema = ON;"
        "UPDATE sqlite_schema SET sql = replace(sql, 'IS NOT NULL', 'IS NULL')"
        " WHERE name = 'orders_by_broker_order_id'"
    )
    shelf.add_orders("V-3", fills=False)
    shelf.change(
        "PRAGMA writable_schema = ON;"
        "UPDATE sqlite_schema SET sql = replace(sql, 'IS NULL', 'IS NOT NULL')"
        " WHERE name = 'orders_by_broker_order_id'"
    )


def broken_reference(shelf: Shelf) -> None:
    shelf.change("UPDATE executions SET order_id = 'nobody'")


def foreign_trigger(shelf: Shelf) -> None:
    shelf.change("CREATE TRIGGER t AFTER INSERT ON orders BEGIN SELECT 1; END")


def foreign_index(shelf: Shelf) -> None:
    shelf.change("CREATE INDEX mine ON orders (symbol)")


def newer_schema(shelf: Shelf) -> None:
    shelf.change("UPDATE meta SET schema_version = 99")


def no_meta(shelf: Shelf) -> None:
    shelf.change("DELETE FROM meta")


def torn_page(shelf: Shelf) -> None:
    shelf.change("PRAGMA wal_checkpoint(TRUNCATE)")
    with shelf.book.open("r+b") as file:
        file.seek(-2 * 4096, os.SEEK_END)
        file.write(b"\xff" * 8192)


def no_database(shelf: Shelf) -> None:
    shelf.book.write_bytes(b"not a database at all" * 1000)


def nothing_in_it(shelf: Shelf) -> None:
    shelf.book.write_bytes(b"")


DAMAGES: dict[Callable[[Shelf], None], str] = {
    broken_index: "integrity_check of the book: .*orders_by_broker_order_id",
    broken_reference: "foreign_key_check of the book: executions row 1 refers to no orders",
    foreign_trigger: "schema of the book: it has the trigger 't'",
    foreign_index: "schema of the book: it has the index 'mine', which no book has",
    newer_schema: "schema of the book: a newer trueup wrote it: schema version 99",
    no_meta: "schema of the book: its table meta is empty",
    torn_page: "the book is damaged: database disk image is malformed",
    no_database: "the book is damaged: file is not a database",
    nothing_in_it: "schema of the book: it has no table meta",
}


@pytest.mark.parametrize(
    ("damage", "said"), DAMAGES.items(), ids=[damage.__name__ for damage in DAMAGES]
)
def test_a_book_that_fails_a_check_has_no_copy_but_is_kept_as_it_is(
    shelf: Shelf, damage: Callable[[Shelf], None], said: str
) -> None:
    damage(shelf)
    with pytest.raises(BookDamaged, match=said):
        shelf.back_up()
    assert shelf.files() == []
    book = shelf.book.read_bytes()
    kept = shelf.back_up(damaged=True)
    assert kept.name == "db_damaged_20260105_120000.db"
    assert kept.path.read_bytes() == shelf.book.read_bytes() == book
    assert not kept.manifest.verified
    assert kept.manifest.integrity_check == "not run"
    assert kept.manifest.damage and re.search(said, kept.manifest.damage)
    assert {path.stat().st_mode & 0o777 for path in shelf.backups.iterdir()} == {0o600}


def test_a_damaged_book_is_kept_together_with_its_log(shelf: Shelf) -> None:
    shelf.change("PRAGMA wal_checkpoint(TRUNCATE)")
    with closing(sqlite3.connect(shelf.book)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("UPDATE executions SET order_id = 'nobody'")
        connection.commit()
        log = shelf.book.with_name("orders.db-wal").read_bytes()
        kept = shelf.back_up(damaged=True)
        assert log
        assert (shelf.backups / f"{kept.name}-wal").read_bytes() == log
    assert [copied.file for copied in kept.manifest.sidecars] == [f"{kept.name}-wal"]
    assert shelf.ask("SELECT DISTINCT order_id FROM executions", kept.path) == [("nobody",)]


def test_a_sound_book_gets_a_verified_copy_whatever_was_allowed(shelf: Shelf) -> None:
    assert shelf.back_up(damaged=True).manifest.verified


def test_without_a_book_there_is_no_copy(shelf: Shelf) -> None:
    shelf.book.unlink()
    for damaged in (False, True):
        with pytest.raises(BackupFailed, match="there is no book at"):
            shelf.back_up(damaged=damaged)
    assert not shelf.book.exists()


def test_a_book_that_is_a_link_is_not_followed(shelf: Shelf) -> None:
    shelf.book.rename(shelf.root / "real.db")
    shelf.book.symlink_to(shelf.root / "real.db")
    with pytest.raises(BackupFailed, match="is not a regular file"):
        shelf.back_up()


def test_a_missing_backups_folder_is_made_but_not_what_is_above_it(shelf: Shelf) -> None:
    assert shelf.back_up().path.exists()
    shelf.backups = shelf.root / "unmounted" / "backups"
    with pytest.raises(BackupFailed, match=r"no backup was made: .*backups does not exist"):
        shelf.back_up()
    assert not (shelf.root / "unmounted").exists()


def test_a_backups_folder_that_is_a_link_is_refused(shelf: Shelf) -> None:
    (shelf.root / "elsewhere").mkdir()
    shelf.backups.symlink_to(shelf.root / "elsewhere")
    with pytest.raises(BackupFailed, match="backups is a symbolic link") as refused:
        shelf.back_up()
    assert refused.value.hint == "name the real path instead of a link to it"
    assert list((shelf.root / "elsewhere").iterdir()) == []


def test_a_backups_folder_that_is_a_file_is_refused(shelf: Shelf) -> None:
    shelf.backups.write_text("")
    with pytest.raises(BackupFailed, match="is not a directory|not a directory"):
        shelf.back_up()


def test_a_clock_elsewhere_still_names_files_in_utc(shelf: Shelf) -> None:
    shelf.clock.at = datetime.fromisoformat("2026-01-05T23:30:00-05:00")
    backup = shelf.back_up()
    assert backup.name == "db_backup_20260106_043000.db"
    assert backup.manifest.taken_at.astimezone(UTC).hour == 4
