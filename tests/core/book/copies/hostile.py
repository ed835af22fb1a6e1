"""Copies that nobody should restore: each maker spoils a sound one, and says what is answered."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from core.book.schema import APPLICATION_ID
from tests.core.book.copies.shelf import Shelf

Maker = Callable[[Shelf], Path]


def sound(shelf: Shelf, name: str = "mine.db") -> Path:
    """A copy elsewhere, without a manifest that would give the game away."""
    return shelf.lone_copy(shelf.back_up(), name)


def changed(shelf: Shelf, script: str) -> Path:
    mine = sound(shelf)
    shelf.change(script, mine)
    return mine


def in_the_catalogue(shelf: Shelf, script: str) -> Path:
    return changed(shelf, f"PRAGMA writable_schema = ON; {script}")


def dumped(shelf: Shelf, extra: str, *, before: str = "COMMIT;") -> Path:
    """A dump with a few more lines in it."""
    mine = sound(shelf, "mine.sql")
    mine.write_text(mine.read_text("utf-8").replace(before, f"{extra}\n{before}"))
    return mine


# --- files ------------------------------------------------------------------------------------


def absent(shelf: Shelf) -> Path:
    return shelf.root / "nothing.db"


def a_link(shelf: Shelf) -> Path:
    link = shelf.root / "link.db"
    link.symlink_to(sound(shelf))
    return link


def upwards(shelf: Shelf) -> Path:
    return sound(shelf).parent / ".." / "elsewhere" / "mine.db"


def a_folder(shelf: Shelf) -> Path:
    folder = shelf.root / "folder.db"
    folder.mkdir()
    return folder


def a_pipe(shelf: Shelf) -> Path:
    pipe = shelf.root / "pipe.db"
    os.mkfifo(pipe)
    return pipe


def another_ending(shelf: Shelf) -> Path:
    return sound(shelf).rename(shelf.root / "mine.tar")


def a_nul_in_its_name(shelf: Shelf) -> Path:
    return shelf.root / "mine\0.db"


def empty(shelf: Shelf) -> Path:
    mine = sound(shelf)
    mine.write_bytes(b"")
    return mine


def no_database(shelf: Shelf) -> Path:
    mine = sound(shelf)
    mine.write_bytes(b"PK\x03\x04" * 4096)
    return mine


def header_only(shelf: Shelf) -> Path:
    mine = sound(shelf)
    mine.write_bytes(mine.read_bytes()[:100])
    return mine


def truncated(shelf: Shelf) -> Path:
    mine = sound(shelf)
    mine.write_bytes(mine.read_bytes()[: 4096 * 7])
    return mine


def torn(shelf: Shelf) -> Path:
    mine = sound(shelf)
    mine.write_bytes(mine.read_bytes()[:-1000])
    return mine


def garbage_inside(shelf: Shelf) -> Path:
    mine = sound(shelf)
    content = bytearray(mine.read_bytes())
    content[4096 * 2 : 4096 * 4] = b"\xa5" * 8192
    mine.write_bytes(content)
    return mine


def wrong_hash(shelf: Shelf) -> Path:
    backup = shelf.back_up()
    shelf.change("UPDATE orders SET quantity = '9'", backup.path)
    return backup.path


def wrong_hash_of_the_dump(shelf: Shelf) -> Path:
    dump = shelf.back_up().path.with_suffix(".sql")
    dump.write_text(dump.read_text("utf-8").replace("BTCUSDT", "ETHUSDT"))
    return dump


def damaged_copy(shelf: Shelf) -> Path:
    shelf.change("UPDATE executions SET order_id = 'nobody'")
    damaged = shelf.back_up(damaged=True)
    shelf.change("UPDATE executions SET order_id = NULL")
    return damaged.path


def torn_manifest(shelf: Shelf) -> Path:
    backup = shelf.back_up()
    backup.path.with_suffix(".json").write_text('{"format_version": "1.0", ')
    return backup.path


def dump_unknown_to_its_manifest(shelf: Shelf) -> Path:
    backup = shelf.back_up()
    told = backup.path.with_suffix(".json")
    told.write_text(told.read_text().replace('"sql": {', '"mysql": {'))
    return backup.path.with_suffix(".sql")


def manifest_with_other_rows(shelf: Shelf) -> Path:
    backup = shelf.back_up()
    told = backup.path.with_suffix(".json")
    told.write_text(told.read_text().replace('"orders": 2', '"orders": 3'))
    return backup.path


def manifest_of_another_book(shelf: Shelf) -> Path:
    backup = shelf.back_up()
    told = backup.path.with_suffix(".json")
    told.write_text(told.read_text().replace('"serial": 1', '"serial": 2'))
    return backup.path


def odd_header(shelf: Shelf) -> Path:
    mine = sound(shelf)
    content = bytearray(mine.read_bytes())
    content[20] = 8
    mine.write_bytes(content)
    return mine


def longer_than_it_says(shelf: Shelf) -> Path:
    mine = sound(shelf)
    mine.write_bytes(mine.read_bytes() + bytes(4096))
    return mine


FILES: dict[Maker, str] = {
    absent: "file: there is no such file",
    a_link: "file: it is a symbolic link",
    upwards: r"file: the path leads upwards \(\.\.\)",
    a_folder: "file: it is not a regular file",
    a_pipe: "file: it is not a regular file",
    another_ending: "file: a copy of a book is a .db or a .sql file",
    a_nul_in_its_name: "file: that is no file name",
    empty: "content: it is empty",
    no_database: "content: it is not a SQLite database",
    header_only: "content: it is truncated",
    truncated: r"content: it is truncated: \d+ bytes by its header, 28672 on disk",
    torn: "content: it is truncated",
    garbage_inside: "(integrity_check|schema): ",
    wrong_hash: "manifest: its SHA-256 is not the one in the manifest",
    wrong_hash_of_the_dump: "manifest: its SHA-256 is not the one in the manifest",
    damaged_copy: "manifest: the manifest says that this is no verified copy: foreign_key_check",
    torn_manifest: "manifest: the manifest db_backup_20260105_120000.json does not read",
    dump_unknown_to_its_manifest: "manifest: the manifest beside it knows of no dump",
    manifest_with_other_rows: "row_counts: the tables do not have as many rows as the manifest",
    manifest_of_another_book: "schema: lineage and serial are not those in the manifest",
    odd_header: "content: its header is not one that trueup writes",
    longer_than_it_says: "content: it is longer than its header says",
}


# --- databases --------------------------------------------------------------------------------


def trigger(shelf: Shelf) -> Path:
    return changed(
        shelf, "CREATE TRIGGER t AFTER INSERT ON orders BEGIN DELETE FROM executions; END"
    )


def view(shelf: Shelf) -> Path:
    return changed(shelf, "CREATE VIEW v AS SELECT * FROM orders")


def view_in_place_of_a_table(shelf: Shelf) -> Path:
    return changed(shelf, "DROP TABLE alerts; CREATE VIEW alerts AS SELECT * FROM outbox")


def another_table(shelf: Shelf) -> Path:
    return changed(shelf, "CREATE TABLE mine (a)")


def virtual_table(shelf: Shelf) -> Path:
    return changed(shelf, "CREATE VIRTUAL TABLE mine USING fts5(a)")


def another_index(shelf: Shelf) -> Path:
    return changed(shelf, "CREATE INDEX mine ON orders (abs(quantity))")


def missing_table(shelf: Shelf) -> Path:
    return changed(shelf, "DROP TABLE journal")


def missing_index(shelf: Shelf) -> Path:
    return changed(shelf, "DROP INDEX orders_live")


def another_column(shelf: Shelf) -> Path:
    return changed(shelf, "ALTER TABLE orders ADD COLUMN mine TEXT")


def another_database(shelf: Shelf) -> Path:
    mine = shelf.root / "contacts.db"
    shelf.change("CREATE TABLE people (name)", mine)
    return mine


def another_program(shelf: Shelf) -> Path:
    return changed(shelf, "PRAGMA application_id = 7")


def newer_schema(shelf: Shelf) -> Path:
    return changed(shelf, "UPDATE meta SET schema_version = 2000")


def no_schema_version(shelf: Shelf) -> Path:
    return changed(shelf, "UPDATE meta SET schema_version = 0")


def no_identity(shelf: Shelf) -> Path:
    return changed(shelf, "DELETE FROM meta")


def broken_reference(shelf: Shelf) -> Path:
    return changed(shelf, "UPDATE executions SET order_id = 'nobody'")


def trigger_behind_the_catalogue(shelf: Shelf) -> Path:
    return in_the_catalogue(
        shelf,
        "INSERT INTO sqlite_schema VALUES ('trigger', 'meta', 'meta', 0,"
        " 'CREATE TRIGGER meta AFTER UPDATE ON meta BEGIN DELETE FROM orders; END')",
    )


def other_words_in_the_catalogue(shelf: Shelf) -> Path:
    return in_the_catalogue(
        shelf,
        "UPDATE sqlite_schema SET sql = replace(sql, 'serial INTEGER',"
        " 'serial INTEGER DEFAULT (1)') WHERE name = 'meta'",
    )


def unreadable_catalogue(shelf: Shelf) -> Path:
    return in_the_catalogue(
        shelf, "UPDATE sqlite_schema SET sql = 'CREATE NONSENSE' WHERE name = 'alerts'"
    )


def two_tables_on_one_page(shelf: Shelf) -> Path:
    return in_the_catalogue(
        shelf,
        "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema"
        " WHERE name = 'outbox') WHERE name = 'alerts'",
    )


def statistics_with_a_function(shelf: Shelf) -> Path:
    return in_the_catalogue(
        shelf,
        "INSERT INTO sqlite_schema VALUES ('view', 'sqlite_stat1', 'sqlite_stat1', 0,"
        " 'CREATE VIEW sqlite_stat1 AS SELECT load_extension(''x'')')",
    )


def wide_text(shelf: Shelf) -> Path:
    """The same tables, in a database that keeps its text as UTF-16."""
    mine = shelf.root / "wide.db"
    script = sound(shelf, "mine.sql").read_text("utf-8")
    shelf.change("PRAGMA encoding = 'UTF-16'; CREATE TABLE x (a); DROP TABLE x;" + script, mine)
    return mine


DATABASES: dict[Maker, str] = {
    trigger: "schema: it has the trigger 't'",
    view: "schema: it has the view 'v'",
    view_in_place_of_a_table: "schema: it has the view 'alerts'",
    another_table: "schema: it has the table 'mine', which no book has",
    virtual_table: "schema: it has the table 'mine.*', which no book has",
    another_index: "schema: it has the index 'mine', which no book has",
    missing_table: "schema: it lacks the table journal",
    missing_index: "schema: it lacks the index orders_live",
    another_column: "schema: its table orders is not as trueup creates it",
    another_database: "schema: it has no table meta, so it is not a book",
    another_program: f"schema: its application_id is 0x7, a book's is {APPLICATION_ID:#x}",
    newer_schema: "schema: a newer trueup wrote it: schema version 2000, this one knows",
    no_schema_version: "schema: there is no schema version 0",
    no_identity: "schema: its table meta is empty",
    broken_reference: "foreign_key_check: executions row 1 refers to no orders",
    trigger_behind_the_catalogue: "schema: ",
    other_words_in_the_catalogue: "schema: its table meta is not as trueup creates it",
    unreadable_catalogue: "schema: SQLite cannot read it: malformed database schema",
    two_tables_on_one_page: "integrity_check: ",
    statistics_with_a_function: "schema: ",
    wide_text: "schema: its text is UTF-16le, a book's is UTF-8",
}


# --- dumps ------------------------------------------------------------------------------------


LINES: dict[str, tuple[str, str]] = {
    "attach": ("ATTACH 'owned.db' AS x;", "ATTACH owned.db is not allowed in a dump"),
    "attach by name": ("ATTACH printf('owned%s', 1) AS x;", "is not allowed in a dump"),
    "detach": ("DETACH main;", "DETACH main is not allowed"),
    "vacuum into": ("COMMIT; VACUUM INTO 'owned.db'; BEGIN;", "one statement at a time"),
    "vacuum": ("COMMIT;\nVACUUM INTO 'owned.db';\nBEGIN;", "is not allowed in a dump"),
    "trigger": (
        "CREATE TRIGGER t AFTER INSERT ON orders BEGIN SELECT 1; END;",
        "CREATE TRIGGER t is not allowed",
    ),
    "temporary trigger": (
        "CREATE TEMP TRIGGER t AFTER INSERT ON orders BEGIN SELECT 1; END;",
        "CREATE TEMP TRIGGER t is not allowed",
    ),
    "view": ("CREATE VIEW v AS SELECT 1;", "CREATE VIEW v is not allowed"),
    "temporary view": ("CREATE TEMP VIEW v AS SELECT 1;", "is not allowed in a dump"),
    "table": ("CREATE TABLE mine (a);", "CREATE TABLE mine is not allowed"),
    "temporary table": ("CREATE TEMP TABLE orders (a);", "is not allowed in a dump"),
    "virtual table": (
        "CREATE VIRTUAL TABLE mine USING fts5(a);",
        "CREATE VIRTUAL TABLE mine is not allowed",
    ),
    "index": ("CREATE INDEX mine ON orders (symbol);", "which no book has"),
    "index that computes": (
        "CREATE INDEX mine ON orders (randomblob(1000000));",
        "the function randomblob is not allowed|non-deterministic",
    ),
    "extension": (
        "INSERT INTO alerts VALUES (load_extension('x'),'a','b','c','d','e',NULL,NULL);",
        "the function load_extension is not allowed",
    ),
    "function": (
        "INSERT INTO alerts VALUES (1,zeroblob(1000000000),'b','c','d','e',NULL,NULL);",
        "the function zeroblob is not allowed",
    ),
    "select": ("SELECT * FROM orders;", "reading orders is not allowed"),
    "rows from rows": (
        "INSERT INTO order_events SELECT * FROM order_events;",
        "reading order_events is not allowed",
    ),
    "endless rows": (
        "INSERT INTO alerts (at) WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c)"
        " SELECT x FROM c;",
        "is not allowed",
    ),
    "update": ("UPDATE orders SET quantity = '9';", "is not allowed"),
    "upsert": (
        "INSERT INTO meta VALUES (1,'x',1,1) ON CONFLICT DO UPDATE SET serial = 9;",
        "UPDATE meta is not allowed",
    ),
    "delete": ("DELETE FROM orders;", "DELETE FROM orders is not allowed"),
    "drop": ("DROP TABLE orders;", "is not allowed"),
    "alter": ("ALTER TABLE orders ADD COLUMN a;", "is not allowed"),
    "catalogue": (
        "INSERT INTO sqlite_schema VALUES ('view','v','v',0,'CREATE VIEW v AS SELECT 1');",
        "sqlite_(schema|master) may not be modified",
    ),
    "writable catalogue": ("PRAGMA writable_schema = ON;", "PRAGMA writable_schema is not allowed"),
    "journal": ("PRAGMA journal_mode = WAL;", "PRAGMA journal_mode is not allowed"),
    "trust": ("PRAGMA trusted_schema = ON;", "PRAGMA trusted_schema is not allowed"),
    "temporary folder": ("PRAGMA temp_store_directory = '/';", "is not allowed"),
    "savepoint": ("SAVEPOINT a;", "is not allowed"),
    "rollback": ("ROLLBACK;", "is not allowed"),
    "analyze": ("ANALYZE;", "is not allowed"),
    "explain": ("EXPLAIN SELECT * FROM orders;", "is not allowed"),
    "shell": (".shell touch owned\n;", "SQLite does not take it"),
    "nonsense": ("hello;", "SQLite does not take it"),
    "row twice": ("INSERT INTO meta VALUES (1,'x',1,1);", "SQLite does not take it: UNIQUE"),
    "second identity": ("INSERT INTO meta VALUES (2,'x',1,1);", "SQLite does not take it: CHECK"),
    "nul": ("-- \0\n;", "SQLite does not take it"),
    "no utf-8": ("-- \udcff\n;", "it holds text that is not UTF-8"),
}


def dump_with(name: str) -> Maker:
    line, _ = LINES[name]

    def make(shelf: Shelf) -> Path:
        mine = sound(shelf, "mine.sql")
        content = mine.read_bytes()
        mine.write_bytes(
            content.replace(b"COMMIT;", line.encode("utf-8", "surrogateescape") + b"\nCOMMIT;")
        )
        return mine

    make.__name__ = name.replace(" ", "_")
    return make


def empty_dump(shelf: Shelf) -> Path:
    mine = sound(shelf, "mine.sql")
    mine.write_text("")
    return mine


def dump_without_its_end(shelf: Shelf) -> Path:
    mine = sound(shelf, "mine.sql")
    mine.write_text(mine.read_text("utf-8").replace("COMMIT;", ""))
    return mine


def dump_cut_in_the_middle(shelf: Shelf) -> Path:
    mine = sound(shelf, "mine.sql")
    mine.write_bytes(mine.read_bytes()[: len(mine.read_bytes()) // 2])
    return mine


def more_rows_than_a_disk_holds(shelf: Shelf) -> Path:
    """A cross join of a few constants: short to write, endless to run."""
    ten = "(VALUES" + ",".join(f"({n})" for n in range(10)) + ")"
    joined = " CROSS JOIN ".join([ten] * 9)
    return dumped(
        shelf,
        "INSERT INTO outbox (event_id, event_type, occurred_at)"
        f" SELECT NULL, 'x', 'x' FROM {joined};".replace("NULL", "printf('%s', 1)"),
    )


def hostile_default(shelf: Shelf) -> Path:
    mine = sound(shelf, "mine.sql")
    text = mine.read_text("utf-8")
    mine.write_text(text.replace("status TEXT NOT NULL", "status TEXT NOT NULL DEFAULT 'open'"))
    return mine


def database_called_a_dump(shelf: Shelf) -> Path:
    return sound(shelf).rename(shelf.root / "elsewhere" / "mine.sql")


DUMPS: dict[Maker, str] = {
    empty_dump: "schema: it has no table meta",
    dump_without_its_end: "content: it ends before its COMMIT",
    dump_cut_in_the_middle: "content: ",
    more_rows_than_a_disk_holds: "content: the function printf is not allowed",
    hostile_default: "schema: its table orders is not as trueup creates it",
    database_called_a_dump: "content: (it holds text|SQLite does not take it)",
    **{dump_with(name): f"(content|schema): .*{said}" for name, (_, said) in LINES.items()},
}

EVERY: dict[Maker, str] = {**FILES, **DATABASES, **DUMPS}


def write_ahead(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
