"""The form of a book: which tables, indexes and triggers a version has, and nothing else.

A database that somebody hands us can carry triggers, views or columns that compute. It is compared
with what the program itself would create, word for word, before anything in it is used.
"""

import re
import sqlite3
from collections.abc import Mapping
from functools import cache
from itertools import chain
from pathlib import Path

from core.book import position_schema, schema, trading_schema
from core.book.schema import APPLICATION_ID, SCHEMA_VERSION
from core.domain.record import BookIdentity

# What ANALYZE leaves behind is no content: it is neither compared nor dumped.
_STATISTICS = frozenset(
    {
        ("table", "sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"),
        ("table", "sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"),
    }
)
_STRICT = re.compile(r"\s*\bSTRICT$")

# What each version creates; a version that changes tables, and does not just add some, is made by
# its migration.
_CREATED = (
    (*schema.TABLES, *schema.INDEXES),
    (*trading_schema.TABLES, *trading_schema.INDEXES),
    (*position_schema.TABLES, *position_schema.INDEXES, *position_schema.TRIGGERS),
)

Objects = Mapping[tuple[str, str], str]


class WrongForm(Exception):
    """The database is not a book this program can have written, and why."""


@cache
def tables() -> tuple[str, ...]:
    """Every table of the newest version, in the order in which they are created."""
    return tuple(name for kind, name in objects_of(SCHEMA_VERSION) if kind == "table")


@cache
def triggers() -> frozenset[str]:
    """Those of the newest version; they only ever refuse, and never write."""
    return frozenset(name for kind, name in objects_of(SCHEMA_VERSION) if kind == "trigger")


@cache
def objects_of(version: int) -> Objects:
    """What sqlite_schema holds in a fresh book of that version."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        _create(connection, version)
        return read_objects(connection)
    finally:
        connection.close()


@cache
def functions_of_schema() -> frozenset[str]:
    """The SQL functions that the schema itself calls, in defaults and indexes."""
    seen: set[str] = set()

    def note(action: int, _one: str | None, two: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_FUNCTION and two:
            seen.add(two)
        return sqlite3.SQLITE_OK

    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.set_authorizer(note)
        _create(connection, SCHEMA_VERSION)
        for table in tables():
            # Defaults are only looked at when a row needs them.
            connection.execute(f"EXPLAIN INSERT INTO {table} DEFAULT VALUES").close()
    finally:
        connection.close()
    return frozenset(seen)


def _create(connection: sqlite3.Connection, version: int) -> None:
    if version <= len(_CREATED):
        for statement in chain(*_CREATED[:version]):
            connection.execute(statement)
        return
    # Imported here: what runs migrations is slow to import, and most books need none.
    from core.book.migrations import MIGRATIONS, bring_forward

    nowhere = Path(":memory:")
    bring_forward(connection, nowhere, lineage=lambda: "none", steps=MIGRATIONS[:version])


def read_objects(connection: sqlite3.Connection) -> Objects:
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid")
    return {
        (kind, name): f"{table}: {_plain(sql)}"
        for kind, name, table, sql in rows
        if (kind, name, sql) not in _STATISTICS
    }


def check_form(connection: sqlite3.Connection) -> BookIdentity:
    """The identity of what is a book of a version we know; otherwise WrongForm."""
    found = read_objects(connection)
    for kind, name in found:
        if kind == "view" or (kind == "trigger" and name not in triggers()):
            raise WrongForm(f"it has the {kind} {name!r:.60}; a book has none")
    if ("table", "meta") not in found:
        raise WrongForm("it has no table meta, so it is not a book")
    _check_mark(connection)
    identity = read_identity(connection)
    _compare(found, objects_of(identity.schema_version))
    return identity


def read_identity(connection: sqlite3.Connection) -> BookIdentity:
    row = connection.execute("SELECT lineage, serial, schema_version FROM meta").fetchone()
    if row is None:
        raise WrongForm("its table meta is empty")
    lineage, serial, version = row
    if not (isinstance(lineage, str) and isinstance(serial, int) and isinstance(version, int)):
        raise WrongForm("its table meta holds something else than an identity")
    if version > SCHEMA_VERSION:
        raise WrongForm(
            f"a newer trueup wrote it: schema version {version}, this one knows {SCHEMA_VERSION}"
        )
    if version < 1:
        raise WrongForm(f"there is no schema version {version}")
    return BookIdentity(lineage, serial, version)


def _check_mark(connection: sqlite3.Connection) -> None:
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    if mark != APPLICATION_ID:
        raise WrongForm(f"its application_id is {mark:#x}, a book's is {APPLICATION_ID:#x}")
    (encoding,) = connection.execute("PRAGMA encoding").fetchone()
    if encoding != "UTF-8":
        raise WrongForm(f"its text is {encoding}, a book's is UTF-8")


def _compare(found: Objects, expected: Objects) -> None:
    for kind, name in found:
        if (kind, name) not in expected:
            raise WrongForm(f"it has the {kind} {name!r:.60}, which no book has")
    for (kind, name), sql in expected.items():
        if (kind, name) not in found:
            raise WrongForm(f"it lacks the {kind} {name}")
        if found[kind, name] != sql:
            raise WrongForm(f"its {kind} {name} is not as trueup creates it")


def _plain(sql: str | None) -> str:
    """Books made before SQLite had strict tables differ in that word alone."""
    return _STRICT.sub("", sql) if sql else ""
