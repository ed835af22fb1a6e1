"""Everything that can go wrong, by what it means for whoever asked.

TrueupError
├── Usage                 the command or the configuration is wrong             exit 2
├── DiskError             a file of the home could not be read or written
├── BrokenDocument        a staged or snapshot file cannot be believed          exit 6 / 2
├── BrokerError           something between us and the venue; classed by what is known of the world
│   ├── NotSent           nothing reached the venue: safe to repeat
│   ├── Rejected          the venue said no: nothing happened
│   ├── OutcomeUnknown    it may or may not have happened: ask before anything else
│   └── Unavailable       a read did not succeed: nothing is known                 exit 10
├── QueueError            the message queue did not answer, or not as it should
├── BookError             the book could not be read or written
│   └── BookBusy          another process holds the book's write lock
├── BackupFailed          no verified copy exists: nothing may change           exit 11
├── RestoreFailed         the candidate was refused, or the old book is back    exit 11
├── PartlyApplied         something broke after some of a plan had been done     exit 9
└── Refused               the door stayed shut: nothing changed
    ├── Blocked           a gate or an approval is missing                      exit 7
    ├── Ambiguous         matches wait for a person                             exit 4
    ├── Stale             the world moved, or the plan is spent                 exit 5
    ├── Tampered          file, digest and book do not agree                    exit 6
    ├── Locked            another process holds the lock                        exit 8
    └── Unresolved        an earlier step's outcome is still open               exit 9
"""

from collections.abc import Sequence


class TrueupError(Exception):
    """Base of all: what happened, and what to type next."""

    def __init__(self, message: str, *, hint: str | None = None, details: Sequence[str] = ()):
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = tuple(details)


class Usage(TrueupError):
    """The command or the configuration is wrong."""


class DiskError(TrueupError):
    """A file of the home could not be read or written."""


class BrokenDocument(TrueupError):
    """A document cannot be believed; the message names the place inside it."""


class BrokerError(TrueupError):
    """Something between us and the venue."""


class NotSent(BrokerError):
    """Nothing reached the venue."""


class Rejected(BrokerError):
    """The venue said no, and why."""

    def __init__(self, code: str, text: str):
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class OutcomeUnknown(BrokerError):
    """The request may or may not have been carried out."""


class Unavailable(BrokerError):
    """A read did not succeed, so nothing is known."""


class QueueError(TrueupError):
    """The message queue did not answer, or not as it should."""


class BookError(TrueupError):
    """The book could not be read or written."""


class BookBusy(BookError):
    """Another process holds the book's write lock."""


class BackupFailed(TrueupError):
    """No verified copy of the book exists."""


class RestoreFailed(TrueupError):
    """The candidate was refused, or the old book is back in place."""


class PartlyApplied(TrueupError):
    """Something broke after some of a plan had been done; the ledger tells what."""


class Refused(TrueupError):
    """The door stayed shut: nothing changed."""


class Blocked(Refused):
    """A gate or an approval is missing."""


class Ambiguous(Refused):
    """Matches wait for a person."""


class Stale(Refused):
    """The world moved since the plan was made, or the plan is spent."""


class Tampered(Refused):
    """File, digest and book do not agree."""


class Locked(Refused):
    """Another process holds the lock."""


class Unresolved(Refused):
    """An earlier step's outcome is still open."""
