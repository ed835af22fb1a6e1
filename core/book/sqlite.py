"""The book on SQLite: one writer at a time, any number of readers, nothing half-written."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from core.book.connection import (
    Deadline,
    check_file,
    open_reader,
    open_writer,
    schema_version,
)
from core.book.examining import examine
from core.book.failures import CHECK_ACCESS, WAIT, told
from core.book.reading import SqliteReading
from core.book.schema import SCHEMA_VERSION
from core.book.writing import SqliteWriting
from core.domain.errors import BookBusy, BookError
from core.ports import BookHealth, Ids

LINEAGE_BYTES = 16
READERS_KEPT = 4
# How long a write waits for the lock after one before it has waited as long as it may.
BRIEF_SECONDS = Decimal("0.05")


class _Reader(NamedTuple):
    """A reading connection and the file that it was opened on."""

    file: tuple[int, int]
    connection: sqlite3.Connection


class SqliteBook:
    """Fulfils Book. Opens nothing until it is used; an older file is brought forward then.

    `before_migration` gets the path and has to make a verified copy; an existing book without it
    is not touched.
    """

    def __init__(
        self,
        path: Path,
        *,
        ids: Ids,
        busy_timeout_seconds: Decimal,
        before_migration: Callable[[Path], object] | None = None,
    ):
        self._path = path.absolute()
        self._ids = ids
        self._patience_seconds = busy_timeout_seconds
        self._before_migration = before_migration
        self._waited_in_vain = False
        self._idle: list[_Reader] = []
        self._turn = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    @contextmanager
    def read(self) -> Iterator[SqliteReading]:
        """A connection of its own: readers neither wait for the writer nor see half of its work."""
        deadline = Deadline(self._patience_seconds)
        with told(self._path):
            reader = self._ready_reader(deadline)
            view = SqliteReading(reader.connection, self._path)
            try:
                yield view
            except BaseException:
                reader.connection.close()
                raise
            else:
                self._lay_aside(reader)
            finally:
                view.end()

    @contextmanager
    def write(self) -> Iterator[SqliteWriting]:
        """After one that waited in vain the next wait briefly: together they would stand still."""
        brief = min(self._patience_seconds, BRIEF_SECONDS)
        deadline = Deadline(brief if self._waited_in_vain else self._patience_seconds)
        with self._my_turn(deadline), told(self._path):
            connection = self._begin(deadline)
            view = SqliteWriting(connection, self._path)
            try:
                yield view
                view.finish()
                connection.execute("COMMIT")
            except BaseException:
                self._roll_back(connection)
                raise
            finally:
                view.end()

    def examine(self) -> BookHealth:
        """Reads the whole file; for whoever asks how the book is, not for every run."""
        deadline = Deadline(self._patience_seconds)
        with told(self._path):
            connection = self._ready_reader(deadline).connection
            try:
                return examine(connection)
            finally:
                connection.close()

    def close(self) -> None:
        with self._my_turn(Deadline(self._patience_seconds)):
            while self._idle:
                self._idle.pop().connection.close()
            self._drop_writer()

    # --- reading ------------------------------------------------------------------------------

    def _ready_reader(self, deadline: Deadline) -> "_Reader":
        """A read transaction on a book of this program's schema version."""
        if check_file(self._path):
            reader = self._laid_aside() or _Reader(
                _identity_of(self._path), open_reader(self._path, deadline)
            )
            connection = reader.connection
            try:
                connection.execute("BEGIN")
                # The first read fixes what this transaction sees.
                if schema_version(connection, self._path) == SCHEMA_VERSION:
                    return reader
            except BaseException:
                connection.close()
                raise
            connection.close()
        with self._my_turn(deadline):
            self._ready_writer(deadline)
        return self._ready_reader(deadline)

    def _lay_aside(self, reader: "_Reader") -> None:
        """Kept for the next one: opening a reader costs more than most reads."""
        reader.connection.execute("ROLLBACK")
        if len(self._idle) < READERS_KEPT:
            self._idle.append(reader)
        else:
            reader.connection.close()

    def _laid_aside(self) -> "_Reader | None":
        """One that was opened on the very file that bears the name now."""
        while self._idle:
            reader = self._idle.pop()
            if reader.file == _identity_of(self._path):
                return reader
            reader.connection.close()
        return None

    # --- writing ------------------------------------------------------------------------------

    @contextmanager
    def _my_turn(self, deadline: Deadline) -> Iterator[None]:
        if not self._turn.acquire(timeout=deadline.left()):
            raise BookBusy(
                f"{self._path}: another part of this process has been writing the book for"
                f" {deadline.seconds} s",
                hint=WAIT,
            )
        try:
            yield
        finally:
            self._turn.release()

    def _begin(self, deadline: Deadline) -> sqlite3.Connection:
        connection = self._ready_writer(deadline)
        connection.execute(f"PRAGMA busy_timeout = {deadline.left_ms()}")
        self._waited_in_vain = True
        connection.execute("BEGIN IMMEDIATE")
        self._waited_in_vain = False
        try:
            # A newer program may have brought the book forward since this one opened it.
            schema_version(connection, self._path)
        except BaseException:
            self._roll_back(connection)
            raise
        return connection

    def _ready_writer(self, deadline: Deadline) -> sqlite3.Connection:
        if self._writer is not None and self._file != _identity_of(self._path):
            self._drop_writer()
            raise BookError(
                f"{self._path}: the book's file was replaced while it was in use",
                hint="Nothing was written. A book is put back with `trueup restore FILE` only.",
            )
        if self._writer is None:
            self._writer = self._open_writer(deadline)
            self._file = _identity_of(self._path)
        return self._writer

    def _open_writer(self, deadline: Deadline) -> sqlite3.Connection:
        connection = open_writer(self._path, deadline)
        try:
            version = schema_version(connection, self._path)
            if version < SCHEMA_VERSION:
                self._bring_forward(connection, version)
        except BaseException:
            connection.close()
            raise
        return connection

    def _bring_forward(self, connection: sqlite3.Connection, version: int) -> None:
        if version and self._before_migration is None:
            raise BookError(
                f"{self._path}: the book has the older schema version {version} and nobody here"
                " can back it up before it is changed",
                hint="Run `trueup backup create` first.",
            )
        if version and self._before_migration is not None:
            self._before_migration(self._path)
        # sqlite-utils takes 0.12 s to import; a book that is ready opens without it.
        from core.book.migrations import bring_forward

        bring_forward(connection, self._path, lineage=lambda: self._ids.token(LINEAGE_BYTES))

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            # What led here is being raised already; without its connection the lock is free.
            self._drop_writer()

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = None


def _identity_of(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise BookError(f"{path}: {error.strerror}", hint=CHECK_ACCESS) from error
    return found.st_dev, found.st_ino
