"""Opening a database for a copy: the live book, a private file, or one to be written over."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.book.copies.deadline import Deadline, TimeUp
from core.book.copies.failures import LockedOut, is_damage

# Content is not believed: no function runs because a schema asks for it, no cell lies unnoticed.
_WARY = ("PRAGMA trusted_schema = OFF", "PRAGMA cell_size_check = ON")
_CACHE = "PRAGMA cache_size = -65536"
# Private files are made whole and then synced once; a crash throws them away.
_UNSAFE_AND_FAST = ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF")


@contextmanager
def snapshot_of(book: Path, deadline: Deadline) -> Iterator[sqlite3.Connection]:
    """The live book, read-only, inside one read transaction: every look sees the same state."""
    with seen_only(book, deadline) as connection:
        _run(connection, *_WARY)
        connection.execute("BEGIN")
        # A transaction begins with its first read, not with BEGIN.
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        yield connection


@contextmanager
def seen_only(book: Path, deadline: Deadline) -> Iterator[sqlite3.Connection]:
    """The live book, read-only: closing it neither merges nor removes its log."""
    # A transaction cut short in a book without a log has to be rolled back before anybody reads.
    cut_short = book.with_name(f"{book.name}-journal").exists()
    with _opened(book, "mode=rw" if cut_short else "mode=ro", deadline) as connection:
        yield connection


@contextmanager
def private_copy(path: Path, deadline: Deadline) -> Iterator[sqlite3.Connection]:
    """A finished file in our scratch folder: immutable, so that nothing beside it is looked at."""
    with _opened(path, "mode=ro&immutable=1", deadline) as connection:
        _run(connection, *_WARY, _CACHE)
        yield connection


@contextmanager
def scratch_database(path: Path, deadline: Deadline) -> Iterator[sqlite3.Connection]:
    """A file in our scratch folder that is still being made."""
    with _opened(path, "mode=rw", deadline) as connection:
        _run(connection, *_WARY, *_UNSAFE_AND_FAST)
        yield connection


@contextmanager
def live_book(book: Path, deadline: Deadline) -> Iterator[sqlite3.Connection]:
    """The live book, to be written over with full durability."""
    with _opened(book, "mode=rw", deadline) as connection:
        try:
            _run(connection, "PRAGMA synchronous = FULL")
        except sqlite3.DatabaseError as error:
            # A schema too broken to be read can still be written over.
            if not is_damage(error):
                raise
        yield connection


def copy_online(source: sqlite3.Connection, target: sqlite3.Connection, deadline: Deadline) -> None:
    """All pages in one step: in several, every foreign write would start the copy from zero."""

    def progress(status: int, remaining: int, total: int) -> None:
        if deadline.passed:
            raise TimeUp("the copy did not end in time")
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise LockedOut("another process holds the lock")

    source.backup(target, pages=-1, progress=progress)


def attach(connection: sqlite3.Connection, path: Path, name: str) -> None:
    """Makes a finished private file readable beside the connection's own database."""
    connection.execute(f"ATTACH ? AS {name}", (f"{path.as_uri()}?mode=ro&immutable=1",))


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _opened(path: Path, how: str, deadline: Deadline) -> Iterator[sqlite3.Connection]:
    deadline.check()
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}",
        uri=True,
        timeout=deadline.lock_seconds,
        isolation_level=None,
        # Checks run beside each other; no connection is used by two threads at once.
        check_same_thread=False,
    )
    try:
        with deadline.watching(connection):
            yield connection
    finally:
        connection.close()


def _run(connection: sqlite3.Connection, *statements: str) -> None:
    for statement in statements:
        connection.execute(statement).close()
