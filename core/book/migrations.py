"""From one version of the schema to the next; imported only when a step really has to run.

Step n takes a book from version n - 1 to n. Steps already released are never edited.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from core.book import position_schema, trading_schema
from core.book.connection import schema_version
from core.book.schema import APPLICATION_ID, INDEXES, TABLES
from core.domain.errors import BookError


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    run: Callable[[Database], None]


def first_tables(db: Database) -> None:
    for statement in (*TABLES, *INDEXES):
        db.execute(statement)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def signals_and_intents(db: Database) -> None:
    for statement in (*trading_schema.TABLES, *trading_schema.INDEXES):
        db.execute(statement)


def lives_and_exits(db: Database) -> None:
    for statement in (
        *position_schema.TABLES,
        *position_schema.INDEXES,
        *position_schema.TRIGGERS,
    ):
        db.execute(statement)


MIGRATIONS: Sequence[Migration] = (
    Migration("first tables", first_tables),
    Migration("signals and intents", signals_and_intents),
    Migration("lives and exits", lives_and_exits),
)


def bring_forward(
    connection: sqlite3.Connection,
    path: Path,
    *,
    lineage: Callable[[], str],
    steps: Sequence[Migration] | None = None,
) -> None:
    """Runs the missing steps, each in one transaction together with its version number.

    A new book takes all of them in one: nobody ever sees it at an older version.
    """
    steps = MIGRATIONS if steps is None else steps
    # Plugins may alter a connection, and nothing foreign touches the book.
    db = Database(connection, execute_plugins=False, recursive_triggers=False)
    # A table that is rebuilt must not drag the rows of others along; checked before each commit.
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        while (version := schema_version(connection, path, len(steps))) < len(steps):
            until = version + 1 if version else len(steps)
            _take(db, steps[:until], version, path, lineage, known=len(steps))
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def _take(
    db: Database,
    steps: Sequence[Migration],
    version: int,
    path: Path,
    lineage: Callable[[], str],
    *,
    known: int,
) -> None:
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been here while this one waited for the lock.
        if schema_version(db.conn, path, known) == version:
            for number, step in enumerate(steps[version:], start=version + 1):
                _run(db, step, path)
                _record(db, number, lineage)
        db.conn.execute("COMMIT")
    except BaseException:
        if db.conn.in_transaction:
            db.conn.execute("ROLLBACK")
        raise


def _run(db: Database, step: Migration, path: Path) -> None:
    broken_before = _broken_references(db)
    step.run(db)
    if _broken_references(db) > broken_before:
        raise BookError(f"{path}: migration {step.name!r} broke references between rows")


def _broken_references(db: Database) -> int:
    return len(db.conn.execute("PRAGMA foreign_key_check").fetchall())


def _record(db: Database, version: int, lineage: Callable[[], str]) -> None:
    if version == 1:
        db.conn.execute("INSERT INTO meta VALUES (1, ?, 0, 1)", (lineage(),))
    else:
        db.conn.execute("UPDATE meta SET schema_version = ?", (version,))
