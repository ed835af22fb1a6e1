"""Sending signals by hand: read as they will be read on arrival, then left for whoever takes in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.decide.qualify.reading import Refused, read_signal
from core.decide.qualify.wire import stamped, wire_line
from core.domain.errors import DiskError, Usage
from core.domain.signal import DeadLetter, RequestStatus, Signal, SignalRecord, SignalState
from core.operate.desk import Desk

# Leaves one line where signals are taken in from.
Append = Callable[[bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One signal as it was written, and where, when there are several."""

    raw: bytes
    place: str = ""


def submit(desk: Desk, messages: Sequence[Message], append: Append) -> list[Signal]:
    """All of them or, when one is refused, none."""
    now = desk.clock.now()
    signals, refused = [], []
    for message in messages:
        found = read_signal(message.raw, now=now, settings=desk.settings)
        if isinstance(found, Refused):
            refused += [f"{message.place}{reason}" for reason in found.reasons]
        else:
            signals.append(found)
    if refused:
        raise Usage(
            "refused; nothing was submitted", details=refused, hint="trueup signal submit --help"
        )
    for count, message in enumerate(messages):
        _append(append, message.raw, f"{count} of {len(messages)} signals were submitted")
    return signals


def _append(append: Append, raw: bytes, done: str) -> None:
    try:
        # One line, whatever it looked like: a line break cannot stand inside a JSON text.
        append(raw.strip().replace(b"\r", b" ").replace(b"\n", b" "))
    except DiskError as error:
        raise DiskError(error.message, hint=error.hint, details=(done,)) from error


# --- once more ------------------------------------------------------------------------------------


def replay(desk: Desk, name: str, append: Append, *, as_of_now: bool = False) -> Signal:
    """A dead letter by its id, or a failed signal by its own, goes on its way once more."""
    with desk.book.read() as book:
        letter = book.dead_letter(name)
        record = book.signal(name.lower()) if letter is None else None
    now = desk.clock.now()
    signal = _send(desk, _body(name, letter, record), append, now if as_of_now else None)
    if letter is not None:
        with desk.book.write() as book:
            book.note_replayed(letter.letter_id, now)
    desk.log.event("signal_replayed", what=name, signal_id=signal.signal_id, by=desk.actor)
    return signal


def _body(name: str, letter: DeadLetter | None, record: SignalRecord | None) -> bytes:
    if letter is not None:
        return letter.body.encode()
    if record is None:
        raise Usage(
            f"no dead letter and no signal is called {name!r:.60}",
            hint="trueup signal dead-letters",
        )
    if record.state is SignalState.REJECTED:
        raise Usage(
            f"this signal was refused when it arrived: {record.reason}",
            hint="trueup signal replay DEAD_LETTER",
        )
    if record.request_status is not RequestStatus.FAILED:
        raise Usage(
            f"the signal is {record.request_status}; only one that failed is sent once more",
            hint=f"trueup history {record.signal_id}",
        )
    return wire_line(record)


def _send(desk: Desk, raw: bytes, append: Append, stamp: datetime | None) -> Signal:
    if stamp is not None:
        raw = stamped(raw, stamp)
    found = read_signal(raw, now=desk.clock.now(), settings=desk.settings)
    if isinstance(found, Refused):
        raise Usage("it is still refused; nothing was sent", details=found.reasons, hint=_MEND)
    _append(append, raw, "it was not sent")
    return found


_MEND = "mend it and use `trueup signal submit`; with --now it goes under the present time"
