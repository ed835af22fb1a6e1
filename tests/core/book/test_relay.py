"""Who has been told of the outbox how far: cursors that one writer moves, and what lies behind."""

from datetime import timedelta
from typing import Any

import pytest

from core.domain.record import Event, Posted, RelayCursor
from core.ports import Book
from tests.build import NOON


def event(number: int, **given: Any) -> Event:
    values: dict[str, Any] = {"event_type": "order.open", "occurred_at": NOON}
    return Event(event_id=f"e-{number}", payload={"n": number}, **(values | given))


def commit(book: Book, *events: Event) -> None:
    with book.write() as writing:
        writing.insert_events(events)


def move(book: Book, to: int, before: int | None, sink: str = "log") -> bool:
    cursor = RelayCursor(sink=sink, sequence=to, at=NOON)
    with book.write() as writing:
        return writing.move_relay_cursor(cursor, from_sequence=before)


def place(book: Book, sink: str = "log") -> int | None:
    with book.read() as reading:
        cursor = reading.relay_cursor(sink)
    return cursor.sequence if cursor else None


def test_events_lie_in_the_order_in_which_they_were_committed(book: Book) -> None:
    commit(book, event(2, occurred_at=NOON + timedelta(hours=1), symbol="BTCUSDT"))
    commit(book, event(1), event(3))
    with book.read() as reading:
        first, *rest = reading.events_after(0, 10)
        assert isinstance(first, Posted)
        assert (first.sequence, first.event_id, first.symbol) == (1, "e-2", "BTCUSDT")
        assert first.payload == {"n": 2}
        assert [each.event_id for each in rest] == ["e-1", "e-3"]
        assert [each.event_id for each in reading.events_after(1, 1)] == ["e-1"]
        assert reading.events_after(3, 10) == []


def test_each_sink_has_a_cursor_of_its_own(book: Book) -> None:
    assert place(book) is None
    assert move(book, 5, None)
    assert move(book, 2, None, sink="queue")
    assert (place(book), place(book, "queue")) == (5, 2)


def test_of_two_that_move_a_cursor_one_wins(book: Book) -> None:
    assert move(book, 5, None)
    assert not move(book, 9, None)
    assert move(book, 7, 5)
    assert not move(book, 6, 5)
    assert place(book) == 7


def test_a_cursor_moves_with_its_transaction(book: Book) -> None:
    with pytest.raises(RuntimeError), book.write() as writing:
        assert writing.move_relay_cursor(
            RelayCursor(sink="log", sequence=3, at=NOON), from_sequence=None
        )
        raise RuntimeError("power cut")
    assert place(book) is None


@pytest.mark.parametrize(
    ("hours", "found"), [(-3, 0), (-1, 1), (-0.5, 1), (0, 1), (0.5, 3), (1, 3), (2, 4)]
)
def test_the_last_event_before_the_first_one_of_a_time(
    book: Book, hours: float, found: int
) -> None:
    """Two hours ago, now, two hours ago, and in an hour: in that order they were committed."""
    for number, at in enumerate((-2, 0, -2, 1)):
        commit(book, event(number, occurred_at=NOON + timedelta(hours=at)))
    with book.read() as reading:
        assert reading.outbox_before(NOON + timedelta(hours=hours)) == found


def test_an_empty_outbox_begins_at_nought(book: Book) -> None:
    with book.read() as reading:
        assert reading.outbox_before(NOON) == 0


def test_no_plan_goes_stale_because_a_sink_was_told(book: Book) -> None:
    move(book, 1, None)
    with book.read() as reading:
        assert reading.identity().serial == 0
