"""What SQLite itself can say about a database's health."""

import sqlite3

_SHOWN = 3


def integrity_problems(connection: sqlite3.Connection) -> str | None:
    """The first findings of integrity_check, or None when it says ok."""
    found = [str(text) for (text,) in connection.execute("PRAGMA integrity_check(20)")]
    return None if found == ["ok"] else _some(found)


def foreign_key_problems(connection: sqlite3.Connection) -> str | None:
    """Rows that refer to rows which are not there: integrity_check does not look for them."""
    rows = connection.execute("PRAGMA foreign_key_check").fetchmany(20)
    return _some([f"{table} row {row} refers to no {parent}" for table, row, parent, _ in rows])


def _some(found: list[str]) -> str | None:
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(text.strip() for text in found[:_SHOWN]) + more if found else None
