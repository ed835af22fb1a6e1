"""Whether anything was written: a book, and a venue, watched from outside."""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from tests.home import HomeUnderTest
from tests.scenarios.other_side import OtherSide


@contextmanager
def nothing_written(other: OtherSide, *, apart_from: Collection[str] = ()) -> Iterator[None]:
    """No row of the book changes within, no request that would change something is sent.

    Without tables that may change, SQLite itself tells whether anybody has committed anything.
    """
    watcher = sqlite3.connect(other.home.book_file)
    try:
        sent, rows, version = other.sent(), contents(other.home, apart_from), _version(watcher)
        yield
        now = contents(other.home, apart_from)
        written = {name: [row for row in now[name] if row not in rows[name]] for name in now}
        told = {name: some for name, some in written.items() if some}
        assert not told, told
        assert now == rows, "rows are gone"
        assert other.sent() == sent, f"{other.sent() - sent} requests were sent"
        assert apart_from or _version(watcher) == version, "something was committed"
    finally:
        watcher.close()


def contents(home: HomeUnderTest, apart_from: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    tables = home.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    names = [row["name"] for row in tables if row["name"] not in apart_from]
    return {name: home.rows(f'SELECT * FROM "{name}"') for name in names}


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA data_version").fetchone()
    return int(version)
