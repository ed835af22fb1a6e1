"""Everything about a signal, order or position, from any of its ids, in the order of time."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from core.domain.intent import Relationship, SignalOrder
from core.domain.record import Audit, Event, OrderEvent
from core.ports import Book
from tests.build import (
    adjustment,
    book_execution,
    book_order,
    clock,
    delivery,
    intent,
    signal,
)
from tests.core.book.test_doings import step

TOLD = [
    "11:00:00 order o-1",
    "11:00:00 journal s-1",
    "11:00:00 order event 1",
    "11:00:01 execution main|BTCUSDT|V-1|T-1",
    "11:00:02 order event 2",
    "11:00:02 audit 1",
    "11:00:02 outbox e-1",
]


def order_event(order_id: str, at: datetime) -> OrderEvent:
    return OrderEvent(
        order_id=order_id, account="main", event_type="update_order", source="reconcile",
        occurred_at=at,
    )  # fmt: skip


def audit(order_id: str | None, broker_order_id: str | None, at: datetime) -> Audit:
    return Audit(
        timestamp=at, correlation_id="p-1", action_type="update_order", order_id=order_id,
        broker_order_id=broker_order_id, executed=True,
    )  # fmt: skip


@pytest.fixture
def book(book: Book) -> Book:
    """o-1 with a life; o-2 of the same symbol, o-3 of another; o-9 is another account's V-1."""
    with book.write() as writing:
        writing.insert_orders(
            [
                book_order("o-1", client_order_id="tu-1", perm_id="77", signal_id="sig-1"),
                book_order("o-2", "V-2", created_at=None, updated_at="10:00"),
                book_order("o-3", "V-3", symbol="ETHUSDT"),
                book_order("o-9", "V-1", account="other", symbol="ETHUSDT"),
            ]
        )
        writing.insert_executions(
            [
                book_execution(order_id="o-1"),
                book_execution(account="other", symbol="ETHUSDT"),
            ]
        )
        writing.insert_step(step("s-1", order_id="o-1", begun_at=clock("11:00")))
        writing.insert_order_events(
            [
                order_event("o-1", clock("11:00")),
                order_event("o-1", clock("11:00:02")),
                order_event("o-3", clock("11:00:02")),
            ]
        )
        writing.insert_audit([audit("o-1", "V-1", clock("11:00:02"))])
        writing.insert_events(
            [
                Event(
                    event_id="e-1",
                    event_type="order.filled",
                    occurred_at=clock("11:00:02"),
                    payload={"order_id": "o-1"},
                )
            ]
        )
        writing.insert_adjustments([adjustment(as_of=clock("10:30"))])
    return book


def history(book: Book, subject: str) -> list[Mapping[str, Any]]:
    with book.read() as reading:
        return reading.history(subject)


def told(book: Book, subject: str) -> list[str]:
    rows = history(book, subject)
    return [f"{row['at'][11:].removesuffix('Z')} {row['what']} {row['id']}" for row in rows]


@pytest.mark.parametrize(
    "subject", ["o-1", "tu-1", "77", "sig-1", "s-1", "tu-s-1", "main|BTCUSDT|V-1|T-1"]
)
def test_any_id_of_an_order_tells_its_whole_story(book: Book, subject: str) -> None:
    assert told(book, subject) == TOLD


def test_an_id_that_two_accounts_use_tells_both_stories(book: Book) -> None:
    theirs = ["11:00:00 order o-9", "11:00:01 execution other|ETHUSDT|V-1|T-1"]
    assert sorted(told(book, "V-1")) == sorted(told(book, "T-1")) == sorted(TOLD + theirs)


def test_a_symbol_tells_the_story_of_its_position(book: Book) -> None:
    assert told(book, "BTCUSDT") == ["10:00:00 order o-2", "10:30:00 adjustment adj-1", *TOLD]


def test_an_erased_order_still_has_a_history(book: Book) -> None:
    with book.write() as writing:
        writing.delete_orders(["o-1"])
    # The execution has lost its order, and nothing leads to it any more but the venue's id.
    assert told(book, "o-1") == [
        line for line in TOLD if " order o-1" not in line and " execution " not in line
    ]
    assert TOLD[3] in told(book, "V-1")


def test_what_was_audited_before_the_order_had_an_id_of_ours(book: Book) -> None:
    with book.write() as writing:
        writing.insert_audit(
            [audit(None, "V-2", clock("10:05")), audit("o-9", "V-2", clock("10:06"))]
        )
    assert told(book, "o-2") == ["10:00:00 order o-2", "10:05:00 audit 2"]


def test_rows_are_whole(book: Book) -> None:
    order, *_, outbox = history(book, "o-1")
    assert order["price"] == "100"
    assert order["status"] == "open"
    assert order["fees"] is None
    assert outbox["payload"] == '{"order_id":"o-1"}'


@pytest.mark.parametrize("subject", ["o-404", "", "%", "' OR 1=1 --", "o-1\x1f", "]"])
def test_nothing_is_known_of_a_stranger(book: Book, subject: str) -> None:
    assert history(book, subject) == []


def test_fractions_of_a_second_come_after_the_whole_one(book: Book) -> None:
    with book.write() as writing:
        late = clock("11:00:02").replace(microsecond=1)
        writing.insert_order_events(
            [order_event("o-3", late), order_event("o-3", clock("11:00:02"))]
        )
    assert [row["id"] for row in history(book, "o-3")] == ["o-3", "3", "5", "4"]


# --- from a signal to its executions --------------------------------------------------------------

ANSWER = intent("sig-7", trace_id="t-7", created_at="11:10:01", attempt=1)
SIGNAL_TOLD = [
    "11:10:00 signal sig-7",
    "11:10:00 delivery d-sig-7-main",
    "11:10:01 intent " + ANSWER.intent_id,
    "11:10:01 order tu-7",
    "11:10:01 journal s-7",
    "11:10:02 execution main|BTCUSDT|V-7|T-7",
]


@pytest.fixture
def traded(book: Book) -> Book:
    """sig-7 became the order tu-7, which was filled; sig-8 was refused; sig-9 is another's."""
    with book.write() as writing:
        writing.insert_signals(
            [
                signal("sig-7", trace_id="t-7", received_at="11:10"),
                signal("sig-8", trace_id="t-8", received_at="11:11"),
                signal("sig-9", symbol="XRPUSDT", received_at="11:12"),
            ]
        )
        writing.put_deliveries(
            [delivery("sig-7", created_at="11:10"), delivery("sig-8", created_at="11:11")]
        )
        writing.insert_intents(
            [ANSWER, intent("sig-8", state="REJECTED", trace_id="t-8", created_at="11:11")]
        )
        writing.insert_orders(
            [
                book_order(
                    "tu-7", "V-7", client_order_id="tu-7", signal_id="sig-7", trace_id="t-7",
                    created_at="11:10:01",
                )
            ]
        )  # fmt: skip
        writing.insert_step(step("s-7", order_id="tu-7", begun_at=clock("11:10:01")))
        writing.insert_executions(
            [book_execution("T-7", broker_order_id="V-7", order_id="tu-7", executed_at="11:10:02")]
        )
    return book


@pytest.mark.parametrize(
    "subject",
    [
        *("sig-7", "t-7", "d-sig-7-main", ANSWER.intent_id, "tu-7", "V-7", "s-7", "T-7"),
        "main|BTCUSDT|V-7|T-7",
    ],
)
def test_a_signal_tells_its_story_to_the_last_execution(traded: Book, subject: str) -> None:
    assert told(traded, subject) == SIGNAL_TOLD


@pytest.mark.parametrize("subject", ["sig-8", "t-8"])
def test_a_refused_signal_has_a_story_too(traded: Book, subject: str) -> None:
    assert told(traded, subject) == [
        "11:11:00 signal sig-8",
        "11:11:00 delivery d-sig-8-main",
        "11:11:00 intent " + intent("sig-8").intent_id,
    ]


def test_an_order_of_two_signals_leads_to_both(traded: Book) -> None:
    with traded.write() as writing:
        writing.put_signal_orders(
            [
                SignalOrder(
                    signal_id="sig-9",
                    order_id="tu-7",
                    relationship_type=Relationship.MANY_TO_ONE,
                    execution_sequence=1,
                    allocation_amount=Decimal(1),
                    allocation_quantity=Decimal(1),
                )
            ]
        )
    assert told(traded, "tu-7") == [*SIGNAL_TOLD, "11:12:00 signal sig-9"]
    assert told(traded, "sig-9") == [*SIGNAL_TOLD[3:], "11:12:00 signal sig-9"]


def test_a_symbol_tells_of_its_signals(traded: Book) -> None:
    assert told(traded, "XRPUSDT") == ["11:12:00 signal sig-9"]
    assert [line for line in told(traded, "BTCUSDT") if " signal " in line] == [
        "11:10:00 signal sig-7",
        "11:11:00 signal sig-8",
    ]
