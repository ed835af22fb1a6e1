"""Reading a SQL dump into a scratch database, statement by statement under SQLite's authorizer.

A dump is a program. Nothing in it may do more than create what a book has and insert rows into its
tables: what is not listed here is refused before it runs. A trigger is created and never runs.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from core.book.copies.connections import scratch_database
from core.book.copies.deadline import Deadline
from core.book.copies.failures import is_ours
from core.book.copies.form import functions_of_schema, tables, triggers
from core.book.schema import APPLICATION_ID

BYTES_MAX = 4 << 30
STATEMENT_BYTES_MAX = 64 << 20
# Beyond this factor it is no book: rows are text in both, and indexes repeat some of it.
GROWTH_MAX = 8
PAGES_SPARE = 256
LOOKED_AT_MAX = 16
LOOKED_AT_SPARE = 64 << 20

_PRAGMAS = frozenset({"foreign_keys", "defer_foreign_keys", "user_version", "application_id"})
_TRANSACTION = frozenset({"BEGIN", "COMMIT"})
# SQLite's own bookkeeping while it creates a table or an index.
_CATALOGUE = frozenset({"sqlite_master", "sqlite_schema"})

_NAMES = {
    sqlite3.SQLITE_ATTACH: "ATTACH",
    sqlite3.SQLITE_DETACH: "DETACH",
    sqlite3.SQLITE_PRAGMA: "PRAGMA",
    sqlite3.SQLITE_FUNCTION: "the function",
    sqlite3.SQLITE_CREATE_TRIGGER: "CREATE TRIGGER",
    sqlite3.SQLITE_CREATE_TEMP_TRIGGER: "CREATE TEMP TRIGGER",
    sqlite3.SQLITE_CREATE_VIEW: "CREATE VIEW",
    sqlite3.SQLITE_CREATE_TEMP_VIEW: "CREATE TEMP VIEW",
    sqlite3.SQLITE_CREATE_VTABLE: "CREATE VIRTUAL TABLE",
    sqlite3.SQLITE_CREATE_TABLE: "CREATE TABLE",
    sqlite3.SQLITE_CREATE_TEMP_TABLE: "CREATE TEMP TABLE",
    sqlite3.SQLITE_CREATE_INDEX: "CREATE INDEX",
    sqlite3.SQLITE_CREATE_TEMP_INDEX: "CREATE TEMP INDEX",
    sqlite3.SQLITE_INSERT: "INSERT INTO",
    sqlite3.SQLITE_UPDATE: "UPDATE",
    sqlite3.SQLITE_DELETE: "DELETE FROM",
    sqlite3.SQLITE_SELECT: "SELECT",
    sqlite3.SQLITE_READ: "reading",
    sqlite3.SQLITE_ALTER_TABLE: "ALTER TABLE",
    sqlite3.SQLITE_DROP_TABLE: "DROP TABLE",
    sqlite3.SQLITE_DROP_INDEX: "DROP INDEX",
    sqlite3.SQLITE_TRANSACTION: "transaction control:",
    sqlite3.SQLITE_SAVEPOINT: "SAVEPOINT",
    sqlite3.SQLITE_ANALYZE: "ANALYZE",
    sqlite3.SQLITE_REINDEX: "REINDEX",
}


class BadDump(Exception):
    """The dump holds something else than a book, and what."""


class Awkward(BadDump):
    """The dump may be right, but it is not one that is read here."""


def load_dump(dump: Path, into: Path, deadline: Deadline) -> None:
    """Runs the dump in the empty database `into`; BadDump says what was refused."""
    with scratch_database(into, deadline) as connection:
        _bound(connection, dump)
        gate = _Gate(deadline)
        try:
            _run(connection, dump, gate, deadline)
        except (sqlite3.Error, ValueError) as error:
            deadline.check()
            if _is_bound_reached(connection):
                raise BadDump("it grows far beyond what a book of its length holds") from None
            if isinstance(error, sqlite3.Error) and is_ours(error):
                raise
            raise BadDump(gate.refused or f"SQLite does not take it: {error}") from None
        if connection.in_transaction:
            raise BadDump("it ends before its COMMIT")
        _mark(connection)


def _run(connection: sqlite3.Connection, dump: Path, gate: "_Gate", deadline: Deadline) -> None:
    connection.set_authorizer(gate)
    try:
        for statement in _statements(dump):
            deadline.check()
            gate.creating = statement.lstrip()[:6].upper() == "CREATE"
            connection.execute(statement).close()
    finally:
        connection.set_authorizer(None)


def _bound(connection: sqlite3.Connection, dump: Path) -> None:
    """A few lines can ask for more rows than a disk holds; a book grows with its dump."""
    (page_size,) = connection.execute("PRAGMA page_size").fetchone()
    pages = dump.stat().st_size * GROWTH_MAX // page_size + PAGES_SPARE
    connection.execute(f"PRAGMA max_page_count = {pages}").close()


def _is_bound_reached(connection: sqlite3.Connection) -> bool:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (most,) = connection.execute("PRAGMA max_page_count").fetchone()
    return bool(pages >= most)


def _statements(dump: Path) -> Iterator[str]:
    """One by one, each ending where a line ends; values may hold line breaks of their own."""
    lines: list[str] = []
    size, read, looked_at = 0, 0, 0
    with dump.open("rb") as file:
        for line in file:
            lines.append(_text(line))
            size, read = size + len(line), read + len(line)
            if size > STATEMENT_BYTES_MAX:
                raise Awkward(f"it has a statement of more than {STATEMENT_BYTES_MAX >> 20} MiB")
            if not line.rstrip().endswith(b";"):
                continue
            # Looking for the end anew at every such line must not take for ever.
            looked_at += size
            if looked_at > LOOKED_AT_SPARE + LOOKED_AT_MAX * read:
                raise Awkward("it has a statement with too many line ends in it")
            if sqlite3.complete_statement("".join(lines)):
                yield "".join(lines)
                lines, size = [], 0
    yield "".join(lines)


def _text(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise Awkward("it holds text that is not UTF-8") from None


def _mark(connection: sqlite3.Connection) -> None:
    """The shell's own .dump leaves out the application id; the tables are checked anyway."""
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    if mark == 0:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


class _Gate:
    """Answers SQLite's question whether a statement may do something."""

    def __init__(self, deadline: Deadline):
        self.refused: str | None = None
        # Only while a table or an index is made may columns be looked at.
        self.creating = False
        self._deadline = deadline
        self._tables = frozenset(tables()) | _CATALOGUE
        self._functions = functions_of_schema()

    def __call__(
        self,
        action: int,
        one: str | None,
        two: str | None,
        database: str | None,
        source: str | None,
    ) -> int:
        # Many short statements never let a progress callback run, so time is looked at here.
        if not self._deadline.passed and self._allows(action, one, two, database, source):
            return sqlite3.SQLITE_OK
        if self.refused is None:
            what = two if action == sqlite3.SQLITE_FUNCTION else one
            name = _NAMES.get(action, f"action {action}")
            self.refused = f"{name} {what or ''}".rstrip()[:80] + " is not allowed in a dump"
        return sqlite3.SQLITE_DENY

    def _allows(
        self,
        action: int,
        one: str | None,
        two: str | None,
        database: str | None,
        source: str | None,
    ) -> bool:
        match action:
            case sqlite3.SQLITE_INSERT:
                return one in self._tables and database == "main" and source is None
            case sqlite3.SQLITE_CREATE_TABLE:
                return one in self._tables and database == "main"
            case sqlite3.SQLITE_CREATE_INDEX:
                return two in self._tables and database == "main"
            case sqlite3.SQLITE_CREATE_TRIGGER:
                return one in triggers() and two in self._tables and database == "main"
            case sqlite3.SQLITE_SELECT:
                # Several rows in one VALUES count as one; without READ it can only repeat itself.
                return not self.creating
            case sqlite3.SQLITE_READ:
                return self.creating and one in self._tables and source is None
            case sqlite3.SQLITE_UPDATE:
                return one in _CATALOGUE and source is None
            case sqlite3.SQLITE_REINDEX:
                return database == "main"
            case sqlite3.SQLITE_TRANSACTION:
                return one in _TRANSACTION
            case sqlite3.SQLITE_PRAGMA:
                return one in _PRAGMAS
            case sqlite3.SQLITE_FUNCTION:
                return two in self._functions
            case _:
                return False
