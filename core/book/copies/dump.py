"""The book as SQL text, for the sqlite3 shell: reads into an empty file and gives the same book.

SQLite itself spells the values, so that what it reads back is what it wrote. Many rows share one
INSERT, because reading the text back is what takes the time.
"""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from core.book.copies.connections import quoted
from core.book.copies.contents import tables_in
from core.book.copies.deadline import Deadline
from core.book.schema import APPLICATION_ID

_ROWS_TOGETHER = 100
_BYTES_TOGETHER = 1 << 20


def write_dump(connection: sqlite3.Connection, path: Path, deadline: Deadline) -> None:
    with path.open("wb") as file:
        for part in _parts(connection, deadline):
            file.write(part + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _parts(connection: sqlite3.Connection, deadline: Deadline) -> Iterator[bytes]:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    yield b"PRAGMA foreign_keys=OFF;"
    yield b"BEGIN TRANSACTION;"
    yield f"PRAGMA application_id={APPLICATION_ID};".encode()
    yield f"PRAGMA user_version={version};".encode()
    for table in tables_in(connection):
        yield _creation(connection, table)
        yield from _rows(connection, table, deadline)
    # After the rows: an index is made faster than it is kept, and no trigger sees them come.
    yield from _made_last(connection, "index")
    yield from _made_last(connection, "trigger")
    yield b"COMMIT;"


def _creation(connection: sqlite3.Connection, table: str) -> bytes:
    question = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?"
    (sql,) = connection.execute(question, (table,)).fetchone()
    return f"{sql};".encode()


def _made_last(connection: sqlite3.Connection, kind: str) -> Iterator[bytes]:
    question = "SELECT sql FROM sqlite_schema WHERE type = ? AND sql NOT NULL ORDER BY rowid"
    for (sql,) in connection.execute(question, (kind,)):
        yield f"{sql};".encode()


def _rows(connection: sqlite3.Connection, table: str, deadline: Deadline) -> Iterator[bytes]:
    into = f"INSERT INTO {quoted(table)} VALUES\n".encode()
    question = _spelling(connection, table)
    # Bytes: text that is not UTF-8 must not stop the dump here but where it is read back.
    connection.text_factory = bytes
    try:
        rows = connection.execute(question)
        while part := [row for (row,) in rows.fetchmany(_ROWS_TOGETHER)]:
            deadline.check()
            together = len(part) if sum(map(len, part)) < _BYTES_TOGETHER else 1
            for start in range(0, len(part), together):
                yield into + b",\n".join(part[start : start + together]) + b";"
    finally:
        connection.text_factory = str


def _spelling(connection: sqlite3.Connection, table: str) -> str:
    """The question that answers every row as `('a',1,NULL)`."""
    columns = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,)).fetchall()
    nul = _has_nul(connection, table, [quoted(name) for name, _ in columns])
    forms, values = [], []
    for name, kind in columns:
        # %Q does for text what quote() does, several times faster.
        plain_text = kind == "TEXT" and not nul
        forms.append("%Q" if plain_text else "%s")
        values.append(quoted(name) if plain_text else _value(quoted(name), nul))
    return f"SELECT printf('({','.join(forms)})', {', '.join(values)}) FROM {quoted(table)}"


def _has_nul(connection: sqlite3.Connection, table: str, columns: list[str]) -> bool:
    """Whether any text in the table holds a NUL, where %Q and quote() would end it."""
    any_nul = " OR ".join(f"instr({column}, char(0))" for column in columns)
    question = f"SELECT EXISTS (SELECT 1 FROM {quoted(table)} WHERE {any_nul})"
    return bool(connection.execute(question).fetchone()[0])


def _value(column: str, nul: bool) -> str:
    if not nul:
        return f"quote({column})"
    as_bytes = f"'CAST(x''' || hex({column}) || ''' AS TEXT)'"
    return f"CASE WHEN instr({column}, char(0)) THEN {as_bytes} ELSE quote({column}) END"
