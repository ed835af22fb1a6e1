"""What went wrong with a copy, in words that tell an operator what to do."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from core.book.copies.deadline import TimeUp
from core.book.failures import MAKE_ROOM, WAIT
from core.config.opening import reason
from core.domain.errors import BackupFailed, TrueupError

_WORDS = {
    sqlite3.SQLITE_BUSY: "another process holds the database's lock",
    sqlite3.SQLITE_LOCKED: "another process holds the database's lock",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk could not be read or written",
    sqlite3.SQLITE_CANTOPEN: "the file could not be opened",
    sqlite3.SQLITE_READONLY: "the file may not be written",
    sqlite3.SQLITE_PERM: "the file may not be used",
    sqlite3.SQLITE_INTERRUPT: "it took longer than it may",
}
_HINTS = {
    sqlite3.SQLITE_BUSY: WAIT,
    sqlite3.SQLITE_FULL: MAKE_ROOM,
    sqlite3.SQLITE_IOERR: "check the disk: its free space, quota and health",
}
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

# What the machine or another program did, whatever the database holds.
_OURS = frozenset({*_WORDS, sqlite3.SQLITE_NOMEM})


class BookDamaged(BackupFailed):
    """The book itself did not pass its checks, so it has no verified copy in this state."""


class LockedOut(sqlite3.OperationalError):
    """Another process kept the database's lock for longer than we wait."""

    sqlite_errorcode = sqlite3.SQLITE_BUSY


def code_of(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 when the error is not SQLite's own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def is_damage(error: sqlite3.Error) -> bool:
    return code_of(error) in _DAMAGE


def is_ours(error: sqlite3.Error) -> bool:
    """Whether the failure says nothing about the database itself."""
    return code_of(error) in _OURS


@contextmanager
def failing_as(kind: type[TrueupError], what: str) -> Iterator[None]:
    """Turns what disk, database and clock did to us into one kind of error."""
    try:
        yield
    except TimeUp as error:
        raise kind(f"{what}: {error}") from error
    except sqlite3.Error as error:
        words = _WORDS.get(code_of(error), str(error))
        raise kind(f"{what}: {words}", hint=_HINTS.get(code_of(error))) from error
    except OSError as error:
        raise kind(f"{what}: {_file_words(error)}", hint=_file_hint(error)) from error


def _file_words(error: OSError) -> str:
    return f"{error.filename or 'a file'} {reason(error)}"


def _file_hint(error: OSError) -> str | None:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return MAKE_ROOM
    if error.errno == errno.ELOOP:
        return "name the real path instead of a link to it"
    return None
