"""Taking in what arrives from outside: spool, queue and REST bring it, one transaction keeps it.

Persist first, emit second. Signals, their deliveries, dead letters, the events that tell of them
and the cursor of where they came from stand in the book together or not at all, so that whoever is
killed in between reads the same once more and nothing comes twice. None of it is a trade or a fact
about one: it goes on under SAFE_MODE and DRY_RUN, and the book's serial stays where it is.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.config.settings import Settings
from core.decide.qualify.arrival import (
    TAKEN,
    Arrival,
    Sorting,
    Verdict,
    beaten,
    deliveries_of,
)
from core.decide.qualify.reading import Refused, read_signal
from core.domain.arrival import Batch, Item
from core.domain.errors import DiskError
from core.domain.intent import IntentState
from core.domain.record import Event
from core.domain.signal import Delivery, RequestStatus, Signal, SignalRecord
from core.domain.text import printable, to_row
from core.operate.alerting import raise_alert
from core.operate.desk import Desk
from core.ports import BookReading

# Arriving this long after its own time a signal is still good, and worth a line in the log.
LATE_AFTER_SECONDS = 10
# Intents that leave an account free to be asked again.
_CAME_TO_NOTHING = frozenset({IntentState.REJECTED, IntentState.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """How each item ended, in their order, and the lanes (account, symbol) that have work now."""

    arrivals: tuple[Arrival, ...]
    lanes: tuple[tuple[str, str], ...]


def take_in(desk: Desk, batch: Batch) -> TakenIn:
    """Commits the batch as a whole; a BookError leaves everything where it was."""
    now = desk.clock.now()
    read = [(item, _read(item, now, desk.settings)) for item in batch.items]
    with desk.book.write() as book:
        known = _known(book, read)
        sorting = Sorting(
            now=now, settings=desk.settings, known=known, answered=_answered(book, known)
        )
        arrivals = sorting.sort(read)
        inserted = set(book.insert_signals(_of(arrivals, Verdict.ACCEPTED, Verdict.REFUSED)))
        arrivals = [
            beaten(each)
            if each.verdict is Verdict.ACCEPTED and each.signal_id not in inserted
            else each
            for each in arrivals
        ]
        book.update_signals(_of(arrivals, Verdict.AGAIN))
        deliveries = [row for each in _taken(arrivals) for row in deliveries_of(each, now)]
        book.put_deliveries(deliveries)
        letters = {each.letter.letter_id: each.letter for each in arrivals if each.letter}
        fresh = [each for each in letters.values() if book.dead_letter(each.letter_id) is None]
        book.insert_dead_letters(fresh)
        book.insert_events(_events(desk, arrivals, deliveries))
        if batch.cursor is not None:
            book.put_cursor(batch.cursor)
    _log(desk, arrivals)
    if fresh:
        _alert(desk, f"{fresh[0].place}: {fresh[0].reason}", len(fresh), fresh[0].letter_id)
    lanes = dict.fromkeys((each.account, each.symbol) for each in deliveries)
    return TakenIn(arrivals=tuple(arrivals), lanes=tuple(lanes))


def _read(item: Item, now: datetime, settings: Settings) -> Signal | Refused:
    found = read_signal(item.raw, now=now, settings=settings)
    if isinstance(found, Signal) and found.trace_id is None:
        return replace(found, trace_id=item.trace_id)
    return found


def _known(
    book: BookReading, read: Sequence[tuple[Item, Signal | Refused]]
) -> dict[str, SignalRecord]:
    ids = {found.signal_id for _, found in read if found.signal_id is not None}
    return {each.signal_id: each for each in book.signals(ids)} if ids else {}


def _answered(book: BookReading, known: Mapping[str, SignalRecord]) -> dict[str, frozenset[str]]:
    """An account that has carried a signal out must not be sent it again with the others."""
    return {
        name: frozenset(
            intent.account
            for intent in book.intents(signal_id=name)
            if intent.state not in _CAME_TO_NOTHING
        )
        for name, record in known.items()
        if record.request_status is RequestStatus.FAILED
    }


def _of(arrivals: Sequence[Arrival], *verdicts: Verdict) -> list[SignalRecord]:
    return [each.record for each in arrivals if each.verdict in verdicts and each.record]


def _taken(arrivals: Sequence[Arrival]) -> list[Arrival]:
    return [each for each in arrivals if each.verdict in TAKEN]


# --- telling ------------------------------------------------------------------------------------


def _events(desk: Desk, arrivals: Sequence[Arrival], deliveries: Sequence[Delivery]) -> list[Event]:
    published = [_published(each.record) for each in _taken(arrivals) if each.record]
    created = [_created(each) for each in deliveries]
    rejected = [_rejected(desk, each) for each in arrivals if each.verdict not in TAKEN]
    return [*published, *created, *rejected]


def _published(record: SignalRecord) -> Event:
    return Event(
        event_id=f"{record.signal_id}:published:{record.attempt}",
        event_type="signal.published",
        occurred_at=record.received_at,
        account=record.account,
        symbol=record.symbol,
        trace_id=record.trace_id,
        correlation_id=record.signal_id,
        payload=to_row(record),
    )


def _created(delivery: Delivery) -> Event:
    return Event(
        event_id=f"{delivery.delivery_id}:created:{delivery.attempt}",
        event_type="signal.delivery_created",
        occurred_at=delivery.created_at,
        account=delivery.account,
        symbol=delivery.symbol,
        correlation_id=delivery.signal_id,
        payload=to_row(delivery),
    )


def _rejected(desk: Desk, arrival: Arrival) -> Event:
    """A duplicate may come any number of times from one place: each is told."""
    letter = arrival.letter
    return Event(
        event_id=f"{desk.ids.token(12)}:rejected",
        event_type="signal.rejected",
        occurred_at=desk.clock.now(),
        correlation_id=arrival.signal_id,
        payload={
            "signal_id": arrival.signal_id,
            "verdict": arrival.verdict.value,
            "reasons": list(arrival.reasons),
            "source": arrival.item.source,
            "place": arrival.item.place,
            "letter_id": letter.letter_id if letter else None,
        },
    )


def _log(desk: Desk, arrivals: Sequence[Arrival]) -> None:
    if not arrivals:
        return
    counts = Counter(arrival.verdict.value for arrival in arrivals)
    told: dict[str, object] = {each.value: counts[each.value] for each in Verdict}
    desk.log.event("signals_taken_in", counts=told)
    for arrival in _taken(arrivals):
        record = arrival.record
        if record is None:
            continue
        late = (record.received_at - record.timestamp).total_seconds()
        if abs(late) >= LATE_AFTER_SECONDS:
            desk.log.event(
                "signal_late",
                level="warning",
                signal_id=record.signal_id,
                symbol=record.symbol,
                seconds=round(late, 3),
            )


def _alert(desk: Desk, first: str, count: int, letter_id: str) -> None:
    """One for the batch: a producer that writes nothing but nonsense is one piece of news."""
    told = "1 message" if count == 1 else f"{count} messages"
    message = f"{told} could not be taken in as signals; the first: {printable(first):.300}"
    try:
        raise_alert(desk, "signal_dead_lettered", message, subject=letter_id)
    except DiskError as error:
        # The letters are in the book; a full disk must not stop what can still be taken in.
        desk.log.event("alert_not_written", level="error", error=error.message)
