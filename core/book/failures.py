"""What SQLite reports, in words an operator can act on."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.domain.errors import BookBusy, BookError

RESTORE = "See `trueup backup list`, then `trueup restore FILE`."
MAKE_ROOM = "Make room on the disk, then run the command again."
CHECK_ACCESS = "Check owner and permissions of the file and its directory: `trueup doctor`."
WAIT = "Let it finish and run the command again; `trueup status` says who holds the lock."

# Primary result code -> (what it means for the book, what to do).
MEANINGS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: ("no space left for the book", MAKE_ROOM),
    sqlite3.SQLITE_IOERR: ("the disk failed while the book was in use", "Check disk and mount."),
    sqlite3.SQLITE_CORRUPT: ("the book is damaged", RESTORE),
    sqlite3.SQLITE_NOTADB: ("this is not a SQLite database", RESTORE),
    sqlite3.SQLITE_CANTOPEN: ("the book cannot be opened", CHECK_ACCESS),
    sqlite3.SQLITE_READONLY: (
        "the book cannot be written here",
        f"Even reading it takes files beside it. {CHECK_ACCESS}",
    ),
    sqlite3.SQLITE_PERM: ("the book cannot be used here", CHECK_ACCESS),
    sqlite3.SQLITE_AUTH: ("the book cannot be used here", CHECK_ACCESS),
    sqlite3.SQLITE_CONSTRAINT: (
        "a row contradicts what the book already holds",
        "Nothing of this transaction was kept. Plan again.",
    ),
}
BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
OTHERWISE = ("the book could not be used", "`trueup doctor` checks it.")


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turns what SQLite raises into a BookError; mistakes in how we call it stay as they are."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise
    except sqlite3.Error as error:
        raise explained(error, path) from error
    except UnicodeEncodeError as error:
        raise BookError(
            f"{path}: a text cannot be stored: {error.reason} at {error.start}",
            hint="It came from a broker, a signal or a file; no database holds half a character.",
        ) from error


def explained(error: sqlite3.Error, path: Path) -> BookError:
    # Extended codes carry the primary one in their low byte; Python's own errors carry none.
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary in BUSY:
        return BookBusy(f"{path}: another process holds the book's write lock", hint=WAIT)
    meaning, hint = OTHERWISE if primary is None else MEANINGS.get(primary, OTHERWISE)
    return BookError(f"{path}: {meaning} ({error})", hint=hint)
