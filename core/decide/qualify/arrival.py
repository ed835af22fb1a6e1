"""What becomes of each message that arrives: taken in, taken in again, a duplicate, or refused.

An id stands for one signal. Sent once more it is a duplicate, unless its processing failed: then it
is taken in again, for the accounts that have not carried it out, and only if it means the same.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from core.config.settings import Settings
from core.decide.qualify.parsing import BYTES_MAX
from core.decide.qualify.reading import Refused
from core.domain.arrival import Item
from core.domain.signal import (
    DeadLetter,
    Delivery,
    RequestStatus,
    Signal,
    SignalRecord,
    SignalState,
)


class Verdict(StrEnum):
    """How an arrival ended."""

    ACCEPTED = "accepted"
    # A signal that had failed, once more.
    AGAIN = "again"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


TAKEN = frozenset({Verdict.ACCEPTED, Verdict.AGAIN})

# What a producer may say otherwise when it sends a failed signal once more.
_MAY_DIFFER = frozenset(
    (
        *("timestamp", "signal_day", "expires_at", "trace_id"),
        *("market_data_snapshot", "metadata"),
    )
)
_MEANING = tuple(name for name in Signal.__slots__ if name not in _MAY_DIFFER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One message with its end."""

    item: Item
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    signal_id: str | None = None
    # As it stands in the book; None when nothing of it could be kept there.
    record: SignalRecord | None = None
    # Where it is to be carried out.
    accounts: tuple[str, ...] = ()
    letter: DeadLetter | None = None


@dataclass(slots=True, kw_only=True)
class Sorting:
    """What is known while one batch is sorted; grows with each arrival."""

    now: datetime
    settings: Settings
    known: dict[str, SignalRecord]
    # Of failed signals: the accounts in which something was carried out or still may be.
    answered: Mapping[str, Collection[str]] = field(default_factory=dict)

    def sort(self, read: Sequence[tuple[Item, Signal | Refused]]) -> list[Arrival]:
        arrivals = []
        for item, found in read:
            arrival = self._one(item, found)
            if arrival.record is not None:
                self.known[arrival.record.signal_id] = arrival.record
            arrivals.append(arrival)
        return arrivals

    def _one(self, item: Item, found: Signal | Refused) -> Arrival:
        if isinstance(found, Refused):
            return self._refused(item, found)
        earlier = self.known.get(found.signal_id)
        if earlier is None:
            return self._accepted(item, found)
        return self._once_more(item, found, earlier)

    # --- believed ---------------------------------------------------------------------------------

    def _accepted(self, item: Item, signal: Signal) -> Arrival:
        return Arrival(
            item=item,
            verdict=Verdict.ACCEPTED,
            signal_id=signal.signal_id,
            record=self._record(item, signal, SignalState.PUBLISHED),
            accounts=self._addressed(signal),
        )

    def _once_more(self, item: Item, signal: Signal, earlier: SignalRecord) -> Arrival:
        if conflict := _conflict(signal, earlier):
            return self._not_that_signal(item, signal, conflict)
        if earlier.request_status is not RequestStatus.FAILED:
            return _duplicate(item, earlier, (_already(earlier),))
        accounts = self._still_to_do(signal)
        if not accounts:
            return _duplicate(item, earlier, ("duplicate: every account has carried it out",))
        again = replace(
            self._record(item, signal, SignalState.PUBLISHED),
            # Its place among the confluences is taken by itself.
            signal_day=earlier.signal_day,
            attempt=earlier.attempt + 1,
        )
        return Arrival(
            item=item,
            verdict=Verdict.AGAIN,
            signal_id=signal.signal_id,
            record=again,
            accounts=accounts,
        )

    def _not_that_signal(self, item: Item, signal: Signal, conflict: str) -> Arrival:
        """What it says would be lost without a letter: the row of that id says something else."""
        return Arrival(
            item=item,
            verdict=Verdict.REFUSED,
            reasons=(conflict,),
            signal_id=signal.signal_id,
            letter=_letter(item, (conflict,), self.now),
        )

    def _record(self, item: Item, signal: Signal, state: SignalState) -> SignalRecord:
        values = {name: getattr(signal, name) for name in Signal.__slots__}
        return SignalRecord(**values, source=item.source, received_at=self.now, state=state)

    def _addressed(self, signal: Signal) -> tuple[str, ...]:
        if signal.account is not None:
            return (signal.account,)
        return tuple(name for name, each in self.settings.ACCOUNTS.items() if each.enabled)

    def _still_to_do(self, signal: Signal) -> tuple[str, ...]:
        answered = self.answered.get(signal.signal_id, ())
        return tuple(name for name in self._addressed(signal) if name not in answered)

    # --- not believed -----------------------------------------------------------------------------

    def _refused(self, item: Item, found: Refused) -> Arrival:
        earlier = self.known.get(found.signal_id or "")
        if earlier is not None and found.signal is not None and _means(found.signal, earlier):
            # A spool that is read from its beginning once more brings what was settled long ago.
            return _duplicate(item, earlier, (_already(earlier), *found.reasons))
        letter = _letter(item, found.reasons, self.now)
        return Arrival(
            item=item,
            verdict=Verdict.REFUSED,
            reasons=found.reasons,
            signal_id=found.signal_id,
            record=self._rejected(item, found, letter) if earlier is None else None,
            letter=letter,
        )

    def _rejected(self, item: Item, found: Refused, letter: DeadLetter) -> SignalRecord | None:
        """A row only of what was said: nothing is made up to fill one."""
        if found.signal is None:
            return None
        return replace(
            self._record(item, found.signal, SignalState.REJECTED),
            request_status=RequestStatus.FAILED,
            reason=f"{'; '.join(found.reasons)} (dead letter {letter.letter_id})",
            # It must not stand in the way of a good signal for the same confluence.
            signal_day=None,
            finished_at=self.now,
        )


def deliveries_of(arrival: Arrival, now: datetime) -> list[Delivery]:
    record = arrival.record
    if record is None:
        return []
    return [
        Delivery(
            delivery_id="d-" + _digest(record.signal_id, account)[:20],
            signal_id=record.signal_id,
            account=account,
            symbol=record.symbol,
            attempt=record.attempt,
            created_at=now,
        )
        for account in arrival.accounts
    ]


def beaten(arrival: Arrival) -> Arrival:
    """The book has another signal for the same confluence of the same day."""
    reason = "duplicate: another signal of this confluence was taken in that day"
    return replace(arrival, verdict=Verdict.DUPLICATE, reasons=(reason,), record=None, accounts=())


# --- sameness -----------------------------------------------------------------------------------


def _conflict(signal: Signal, earlier: SignalRecord) -> str | None:
    if earlier.state is not SignalState.REJECTED:
        if _means(signal, earlier):
            return None
        return "conflict: this id was sent before with another content, which stands"
    # What was refused on arrival never stood for a signal, so it may come corrected. Its row has
    # no place among the confluences, and none can be given to it any more.
    if signal.confluence_type is None:
        return None
    return "this id was refused before; a signal of a confluence then needs a new one"


def _already(earlier: SignalRecord) -> str:
    return f"duplicate: the signal was sent before and is {earlier.request_status}"


def _means(signal: Signal, earlier: Signal) -> bool:
    return all(getattr(signal, name) == getattr(earlier, name) for name in _MEANING)


def _duplicate(item: Item, earlier: SignalRecord, reasons: tuple[str, ...]) -> Arrival:
    return Arrival(
        item=item, verdict=Verdict.DUPLICATE, reasons=reasons, signal_id=earlier.signal_id
    )


# --- dead letters -------------------------------------------------------------------------------


def _letter(item: Item, reasons: tuple[str, ...], now: datetime) -> DeadLetter:
    """Named after what and where it is, so that what is read twice in a day is kept once."""
    body = _digest_of(item.raw)
    name = _digest(item.source, item.place, now.date().isoformat(), body)
    return DeadLetter(
        letter_id=f"dl-{name[:20]}",
        source=item.source,
        place=item.place,
        reason="; ".join(reasons),
        body=_as_text(item.raw),
        at=now,
    )


def _as_text(raw: bytes) -> str:
    """As it came when it is text; otherwise with the bytes that are none made visible."""
    return raw[:BYTES_MAX].decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def _digest_of(raw: bytes) -> str:
    return sha256(raw).hexdigest()


def _digest(*meaning: str) -> str:
    return sha256("|".join(meaning).encode()).hexdigest()
