"""The exit codes: what they mean, and which error ends a command with which.

A snapshot file that cannot be believed is the operator's input: `plan --snapshot` turns its
BrokenDocument into a Usage error (2). What is left of BrokenDocument is the staged file (6).
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple

from core.domain.errors import (
    Ambiguous,
    BackupFailed,
    Blocked,
    BookBusy,
    BookError,
    BrokenDocument,
    BrokerError,
    DiskError,
    Locked,
    NotSent,
    OutcomeUnknown,
    PartlyApplied,
    QueueError,
    Refused,
    Rejected,
    RestoreFailed,
    Stale,
    Tampered,
    TrueupError,
    Unavailable,
    Unresolved,
    Usage,
)


class Exit(IntEnum):
    """Cron jobs and scripts rely on these; they never change their meaning."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    CHANGES = 3
    AMBIGUOUS = 4
    STALE = 5
    TAMPERED = 6
    BLOCKED = 7
    LOCKED = 8
    UNKNOWN = 9
    UNAVAILABLE = 10
    UNVERIFIED = 11
    INTERRUPTED = 130
    TERMINATED = 143


class Ending(NamedTuple):
    """The code, and the sentence that says what this error leaves behind."""

    code: Exit
    after: str = ""


_NOTHING = "Nothing was changed."

ENDINGS: Mapping[type[TrueupError], Ending] = MappingProxyType(
    {
        TrueupError: Ending(Exit.UNEXPECTED),
        Usage: Ending(Exit.USAGE),
        DiskError: Ending(Exit.UNEXPECTED),
        BrokenDocument: Ending(Exit.TAMPERED, _NOTHING),
        BrokerError: Ending(Exit.UNAVAILABLE),
        NotSent: Ending(Exit.UNAVAILABLE, "Nothing reached the broker."),
        Rejected: Ending(Exit.UNAVAILABLE, "The broker refused it, so nothing happened there."),
        OutcomeUnknown: Ending(Exit.UNKNOWN, "It may or may not have happened at the broker."),
        Unavailable: Ending(Exit.UNAVAILABLE, "What was not read counts as not known."),
        QueueError: Ending(Exit.UNAVAILABLE, "What was not acknowledged is delivered again."),
        BookError: Ending(Exit.UNEXPECTED),
        BookBusy: Ending(Exit.LOCKED, "Nothing was written to the book."),
        BackupFailed: Ending(Exit.UNVERIFIED, _NOTHING),
        RestoreFailed: Ending(Exit.UNVERIFIED, "The book is as it was before."),
        PartlyApplied: Ending(Exit.UNKNOWN, "The ledger says what was done and what was not."),
        Refused: Ending(Exit.BLOCKED, _NOTHING),
        Blocked: Ending(Exit.BLOCKED, _NOTHING),
        Ambiguous: Ending(Exit.AMBIGUOUS, _NOTHING),
        Stale: Ending(Exit.STALE, _NOTHING),
        Tampered: Ending(Exit.TAMPERED, _NOTHING),
        Locked: Ending(Exit.LOCKED, _NOTHING),
        Unresolved: Ending(Exit.UNKNOWN, "Nothing was changed by this run."),
    }
)


def ending_of(error: TrueupError) -> Ending:
    """By the nearest class that the table knows."""
    return next(ENDINGS[kind] for kind in type(error).__mro__ if kind in ENDINGS)
