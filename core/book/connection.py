"""Connections to the book's file: who may open it, how, and whether it is a book at all."""

import os
import sqlite3
import stat
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from core.book.failures import CHECK_ACCESS, RESTORE
from core.book.schema import APPLICATION_ID, SCHEMA_VERSION
from core.domain.errors import BookError

# After a large transaction the WAL shrinks to this again.
WAL_BYTES_MAX = 64 * 1024 * 1024

ALWAYS = ("PRAGMA trusted_schema = OFF", "PRAGMA mmap_size = 0")
WRITER = (
    # A commit that was acknowledged survives a power loss.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA journal_size_limit = {WAL_BYTES_MAX}",
)


class Deadline:
    """What is left of the time that a whole operation may wait for locks."""

    def __init__(self, seconds: Decimal):
        self.seconds = seconds
        self._end = time.monotonic() + float(seconds)

    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def left_ms(self) -> int:
        return int(self.left() * 1000)


def open_reader(path: Path, deadline: Deadline) -> sqlite3.Connection:
    """A connection that cannot change the file and never checkpoints it."""
    check_file(path)
    return _connect(path, "ro", deadline, ("PRAGMA query_only = ON",))


def open_writer(path: Path, deadline: Deadline) -> sqlite3.Connection:
    """The one that writes and checkpoints; an absent book is created empty, private to the user."""
    if not check_file(path):
        _create(path)
    connection = _connect(path, "rw", deadline, WRITER)
    try:
        # Before anything is written: another program's database stays exactly as it is.
        schema_version(connection, path)
        _log_ahead(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _log_ahead(connection: sqlite3.Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise BookError(
            f"{path}: the file system does not allow a write-ahead log (journal mode is {mode})",
            hint="Keep the book on a local disk: DATABASE.path.",
        )


def _connect(
    path: Path, mode: str, deadline: Deadline, pragmas: Sequence[str]
) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}",
        uri=True,
        timeout=deadline.left(),
        isolation_level=None,
        # One thread at a time uses it, but not always the same one.
        check_same_thread=False,
    )
    try:
        for pragma in (*ALWAYS, *pragmas):
            connection.execute(pragma)
    except BaseException:
        connection.close()
        raise
    return connection


def check_file(path: Path) -> bool:
    """Whether there is a file; a BookError when it is anything but a plain one."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise BookError(f"{path}: {error.strerror}", hint=CHECK_ACCESS) from error
    if stat.S_ISLNK(mode):
        raise BookError(
            f"{path}: the book is a symbolic link, which is not followed",
            hint="Put the file itself there, or name its real place in DATABASE.path.",
        )
    if not stat.S_ISREG(mode):
        raise BookError(f"{path}: the book is not a plain file", hint="See DATABASE.path.")
    return True


def _create(path: Path) -> None:
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, flags, 0o600))
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except FileExistsError:
        # Another process was first; whether it is a book is looked at next.
        check_file(path)
    except OSError as error:
        raise BookError(
            f"{path}: the book cannot be created: {error.strerror}", hint=CHECK_ACCESS
        ) from error


def schema_version(connection: sqlite3.Connection, path: Path, known: int | None = None) -> int:
    """0 for an empty file; a BookError for what is no book or is newer than the known versions."""
    known = SCHEMA_VERSION if known is None else known
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application or tables:
            raise BookError(f"{path}: a SQLite database, but not a trueup book", hint=RESTORE)
        return 0
    row = connection.execute("SELECT schema_version FROM meta").fetchone()
    if row is None:
        raise BookError(f"{path}: the book is damaged (table meta is empty)", hint=RESTORE)
    if row[0] > known:
        raise BookError(
            f"{path}: the book has schema version {row[0]}, this program knows {known} and older",
            hint="Use the newer trueup that wrote it; nothing was changed.",
        )
    return int(row[0])
