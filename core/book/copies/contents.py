"""What is in a book, table by table: counting rows and comparing them with another copy."""

import sqlite3
from collections.abc import Mapping

from core.book.copies.connections import quoted


def tables_in(connection: sqlite3.Connection) -> tuple[str, ...]:
    rows = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%'"
        " ESCAPE '\\' ORDER BY rowid"
    )
    return tuple(name for (name,) in rows)


def row_counts(connection: sqlite3.Connection, schema: str = "main") -> Mapping[str, int]:
    return {
        table: int(_one(connection, f"SELECT count(*) FROM {schema}.{quoted(table)}"))
        for table in tables_in(connection)
    }


def differing_tables(
    connection: sqlite3.Connection, other: str, *, same_rowids: bool
) -> tuple[str, ...]:
    """Tables whose rows are not the same, value by value, in the database attached as `other`.

    A dump does not carry rowids, so its rows are found by primary key; a binary copy has the same
    rowids, and going along them is faster.
    """
    return tuple(
        table
        for table in tables_in(connection)
        if not _same_rows(connection, table, other, same_rowids=same_rowids)
    )


def _same_rows(
    connection: sqlite3.Connection, table: str, other: str, *, same_rowids: bool
) -> bool:
    name = quoted(table)
    rows = _one(connection, f"SELECT count(*) FROM main.{name}")
    if rows != _one(connection, f"SELECT count(*) FROM {other}.{name}"):
        return False
    columns, key = _columns_and_key(connection, table)
    found_by = ["rowid"] if same_rowids else key
    # COLLATE: "a" is not "A", whatever a column would say. IS: an absent value equals itself.
    found = " AND ".join(f"b.{c} = a.{c} COLLATE BINARY" for c in found_by)
    equal = " AND ".join(f"a.{c} IS b.{c} COLLATE BINARY" for c in columns)
    matched = _one(
        connection,
        f"SELECT count(*) FROM main.{name} AS a CROSS JOIN {other}.{name} AS b"
        f" WHERE {found} AND {equal}",
    )
    return matched == rows


def _columns_and_key(connection: sqlite3.Connection, table: str) -> tuple[list[str], list[str]]:
    columns = connection.execute("SELECT name, pk FROM pragma_table_info(?)", (table,)).fetchall()
    key = [quoted(name) for name, place in sorted(columns, key=lambda c: c[1]) if place]
    if not key:
        raise ValueError(f"table {table} has no primary key to find its rows by")
    return [quoted(name) for name, _ in columns], key


def _one(connection: sqlite3.Connection, question: str) -> int:
    (answer,) = connection.execute(question).fetchone()
    return int(answer)
