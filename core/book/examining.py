"""How the database is: flaws in the file, and doubts about the SQLite that keeps it."""

import sqlite3
from collections.abc import Iterator

from core.ports import BookHealth

# Two connections that write and checkpoint at once could corrupt the log up to this version.
WAL_RESET_FIXED = (3, 51, 3)
NAMED_MAX = 10


def examine(connection: sqlite3.Connection) -> BookHealth:
    return BookHealth(flaws=tuple(_flaws(connection)), doubts=tuple(_doubts()))


def _flaws(connection: sqlite3.Connection) -> Iterator[str]:
    """integrity_check says ok although a foreign key is broken; only the other check finds that."""
    for (told,) in connection.execute(f"PRAGMA integrity_check({NAMED_MAX})"):
        if told != "ok":
            yield str(told)
    for number, row in enumerate(connection.execute("PRAGMA foreign_key_check")):
        if number == NAMED_MAX:
            break
        yield f"a row of {row[0]} points to a row of {row[2]} that is not there"


def _doubts() -> Iterator[str]:
    if sqlite3.sqlite_version_info < WAL_RESET_FIXED:
        yield (
            f"SQLite {sqlite3.sqlite_version} can damage its log when two processes checkpoint at "
            "once; trueup never lets two do so, other programs should not write the book"
        )
