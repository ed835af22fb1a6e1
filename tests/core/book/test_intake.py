"""What the book keeps of signals on their way to orders: one intake, one delivery, one intent."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.book.tables import DELIVERIES
from core.domain.errors import BookError
from core.domain.intent import (
    INTENT_MOVES,
    Halt,
    IntentState,
    Relationship,
    SignalOrder,
)
from core.domain.order import OrderType, Side
from core.domain.signal import (
    Aim,
    Cursor,
    DeadLetter,
    Delivery,
    DeliveryState,
    RequestStatus,
    SignalState,
)
from core.ports import Book, BookReading, BookWriting
from tests.build import NOON, book_execution, book_order, clock, delivery, intent, signal
from tests.core.book.conftest import OpenBook, Sql

LATER = NOON + timedelta(minutes=5)

CONFLUENCE = {
    "direction": "long",
    "confluence_type": "wave",
    "signal_day": "2026-01-05",
    "effective_floor": 90,
    "effective_ceiling": 110,
}


# --- signals --------------------------------------------------------------------------------------


def test_a_signal_is_kept_with_everything_it_said(book: Book) -> None:
    full = signal(
        model_version="v3", is_warmup=True, trace_id="t-1", account="main", order_type="limit",
        urgency=True, leverage=3, stop_loss_pct=8, take_profit_pct="12.5", expires_at=NOON,
        aim="close", state="PUBLISHED", request_status="failed", attempt=2, reason="too late",
        finished_at=LATER, market_data_snapshot={"price": "100", "technical_indicators": None},
        metadata={"reasoning": "ünïcode", "n": [1, 2]}, **CONFLUENCE,
    )  # fmt: skip
    with book.write() as writing:
        assert writing.insert_signals([full]) == ["sig-1"]
    with book.read() as reading:
        assert reading.signal("sig-1") == full
        assert reading.signal("sig-404") is None


def test_one_id_is_one_signal_however_often_it_arrives(book: Book) -> None:
    with book.write() as writing:
        new = [writing.insert_signals([signal("sig-1"), signal("sig-2")])]
        new.append(writing.insert_signals([signal("sig-2", amount=5), signal("sig-3")]))
        new.append(writing.insert_signals([signal("sig-4"), signal("sig-4", amount=5)]))
        new.append(writing.insert_signals([]))
    assert new == [["sig-1", "sig-2"], ["sig-3"], ["sig-4"], []]
    with book.read() as reading:
        found = reading.signals(["sig-4", "sig-2", "sig-404"])
    assert found == [signal("sig-2"), signal("sig-4")]


@pytest.mark.parametrize(
    ("other", "new"),
    [
        ({}, False),
        ({"effective_floor": "90.0"}, False),
        ({"symbol": "ETHUSDT"}, True),
        ({"direction": "short"}, True),
        ({"confluence_type": "tide"}, True),
        ({"signal_day": "2026-01-06"}, True),
        ({"effective_floor": 91}, True),
        ({"effective_ceiling": 111}, True),
        # Without a name for it, it is no confluence.
        ({"confluence_type": None}, True),
    ],
)
def test_one_confluence_is_one_signal_whatever_its_id(
    book: Book, other: dict[str, Any], new: bool
) -> None:
    with book.write() as writing:
        writing.insert_signals([signal("sig-1", **CONFLUENCE)])
        found = writing.insert_signals([signal("sig-2", **(CONFLUENCE | other))])
    assert found == (["sig-2"] if new else [])


def test_signals_without_a_confluence_may_be_alike(book: Book) -> None:
    alike = CONFLUENCE | {"confluence_type": None}
    with book.write() as writing:
        assert writing.insert_signals([signal("s-1", **alike), signal("s-2", **alike)]) == [
            "s-1",
            "s-2",
        ]


def test_what_became_of_a_signal_is_kept(book: Book) -> None:
    done = signal(
        "sig-2", state="PUBLISHED", request_status="done", attempt=2, finished_at="11:00:05"
    )
    with book.write() as writing:
        writing.insert_signals([signal("sig-1"), signal("sig-2")])
        writing.update_signals([done, signal("sig-1", state="REJECTED", reason="too old")])
    with book.read() as reading:
        first, second = reading.signals(["sig-1", "sig-2"])
    assert second == done
    assert (first.state, first.reason) == (SignalState.REJECTED, "too old")
    assert first.request_status is RequestStatus.PENDING


def test_a_signal_that_is_not_there_cannot_be_changed(book: Book) -> None:
    with book.write() as writing:
        writing.insert_signals([signal()])
    with pytest.raises(BookError, match="no signal_id 'sig-404'") as told, book.write() as writing:
        writing.update_signals([signal(amount=5), signal("sig-404")])
    assert told.value.hint
    with book.read() as reading:
        assert reading.signal("sig-1") == signal()


def test_more_signals_than_a_statement_has_places_for(book: Book) -> None:
    many = [signal(f"sig-{number:04}") for number in range(1200)]
    with book.write() as writing:
        assert len(writing.insert_signals(many)) == 1200
    with book.read() as reading:
        assert reading.signals([each.signal_id for each in reversed(many)]) == many


# --- deliveries -----------------------------------------------------------------------------------


def test_deliveries_wait_in_the_order_of_their_arrival(book: Book) -> None:
    first = delivery("sig-2", created_at="11:00:09")
    theirs = delivery("sig-1", "other")
    ether = delivery("sig-3", symbol="ETHUSDT")
    last = delivery("sig-1")
    with book.write() as writing:
        writing.put_deliveries([first, theirs])
        writing.put_deliveries([ether, last])
    with book.read() as reading:
        assert reading.next_delivery("main", "BTCUSDT") == first
        assert reading.next_delivery("main", "ETHUSDT") == ether
        assert reading.next_delivery("other", "BTCUSDT") == theirs
        assert reading.next_delivery("other", "ETHUSDT") is None
        lanes = {("main", "BTCUSDT"): 2, ("main", "ETHUSDT"): 1, ("other", "BTCUSDT"): 1}
        assert reading.deliveries_waiting() == lanes
        assert reading.delivery("sig-1", "other") == theirs
        assert reading.delivery("sig-3", "other") is None


def qualified(signal_id: str, **given: Any) -> Any:
    return delivery(signal_id, state=DeliveryState.QUALIFIED, qualified_at=LATER, **given)


def test_a_qualified_delivery_waits_no_more_and_is_kept(book: Book) -> None:
    with book.write() as writing:
        writing.put_deliveries([delivery("sig-1"), delivery("sig-2")])
        writing.put_deliveries([qualified("sig-1")])
    with book.read() as reading:
        assert reading.deliveries_waiting() == {("main", "BTCUSDT"): 1}
        assert reading.next_delivery("main", "BTCUSDT") == delivery("sig-2")
        assert reading.delivery("sig-1", "main") == qualified("sig-1")


def test_delivered_once_more_it_goes_to_the_end_of_its_lane(book: Book, sql: Sql) -> None:
    again = delivery("sig-1", delivery_id="d-other", attempt=2)
    with book.write() as writing:
        writing.put_deliveries([delivery("sig-1"), delivery("sig-2")])
        writing.put_deliveries([qualified("sig-1")])
        writing.put_deliveries([again])
        # Told twice, it stays where it is.
        writing.put_deliveries([delivery("sig-2"), again, delivery("sig-3")])
        for each in (delivery("sig-2"), again, delivery("sig-3")):
            assert writing.next_delivery("main", "BTCUSDT") == each
            writing.put_deliveries([replace(each, state=DeliveryState.QUALIFIED)])
        assert writing.next_delivery("main", "BTCUSDT") is None
    assert sql("SELECT count(*) FROM signal_deliveries") == [(3,)]


def test_the_next_of_a_heap_is_read_alone(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    whole = DELIVERIES.read

    def counted(row: Sequence[Any]) -> Delivery:
        read.append(row)
        return whole(row)

    monkeypatch.setattr(DELIVERIES, "read", counted)
    heap = [delivery(f"sig-{number}") for number in range(100)]
    with book.write() as writing:
        writing.put_deliveries(heap)
    with book.read() as reading:
        assert reading.next_delivery("main", "BTCUSDT") == heap[0]
        assert reading.deliveries_waiting() == {("main", "BTCUSDT"): 100}
    assert len(read) == 1


def test_one_signal_is_delivered_once_to_an_account(book: Book, sql: Sql) -> None:
    with book.write() as writing:
        writing.put_deliveries([delivery("sig-1"), delivery("sig-1", delivery_id="d-other")])
    assert sql("SELECT delivery_id FROM signal_deliveries") == [("d-other",)]


# --- intents --------------------------------------------------------------------------------------


def test_an_intent_is_kept_with_its_reasons_and_its_orders(book: Book) -> None:
    full = intent(
        state="REJECTED", attempt=2, tries=3, trace_id="t-1", expires_at=NOON, not_before=LATER,
        outcome="too late", reasons={"reasons": [{"code": "too_old", "message": "301 s"}]},
        because={"because": ["limit: confidence 0.85 is not above 0.9"], "warnings": []},
        orders={"orders": [{"quantity": "0.01", "price": None, "post_only": True}]},
    )  # fmt: skip
    with book.write() as writing:
        assert writing.insert_intents([full]) == [full.intent_id]
    with book.read() as reading:
        assert reading.intent(full.intent_id) == full
        assert reading.intent("i-404") is None


def test_a_signal_is_answered_once_for_an_account_and_intake(book: Book) -> None:
    answer = intent("sig-1")
    with book.write() as writing:
        writing.insert_intents([answer])
        assert writing.insert_intents([answer]) == []
        # By another name it is still the same answer.
        assert writing.insert_intents([replace(answer, intent_id="i-other", side=Side.SELL)]) == []
        others = [intent("sig-1", attempt=2), intent("sig-1", "other"), intent("sig-2")]
        assert writing.insert_intents([*others, answer]) == [each.intent_id for each in others]
        assert writing.intent(answer.intent_id) == answer


def test_intents_stand_in_the_order_of_their_signals(book: Book) -> None:
    with book.write() as writing:
        writing.put_deliveries([delivery("sig-2"), delivery("sig-1"), delivery("sig-2", "other")])
        writing.insert_intents(
            [intent("sig-2", "other"), intent("sig-1", state="PLACED"), intent("sig-2")]
        )
        # It failed and comes once more.
        writing.put_deliveries([delivery("sig-2", attempt=2)])
        writing.insert_intents([intent("sig-2", attempt=2, symbol="ETHUSDT")])
    with book.read() as reading:

        def found(*account: str, **asked: Any) -> list[tuple[str, str, int]]:
            intents = reading.intents(*account, **asked)
            return [(each.signal_id, each.account, each.attempt) for each in intents]

        first, theirs = ("sig-1", "main", 1), ("sig-2", "other", 1)
        old, again = ("sig-2", "main", 1), ("sig-2", "main", 2)
        assert found() == [first, theirs, old, again]
        assert found("main") == [first, old, again]
        assert found(signal_id="sig-2") == [theirs, old, again]
        assert found("main", symbol="BTCUSDT") == [first, old]
        assert found(states=[IntentState.APPROVED]) == [theirs, old, again]
        assert found("main", states={IntentState.PLACED, IntentState.FILLED}) == [first]
        assert found(states=[IntentState.FILLED]) == []


@pytest.mark.parametrize("state", IntentState)
@pytest.mark.parametrize("to", IntentState)
def test_an_intent_moves_along_the_table_only(
    book: Book, state: IntentState, to: IntentState
) -> None:
    before = intent(state=state)
    after = replace(before, state=to, outcome="so it went", updated_at=LATER, tries=2)
    with book.write() as writing:
        writing.insert_intents([before])
    allowed = to is state or to in INTENT_MOVES[state]
    if allowed:
        with book.write() as writing:
            assert writing.move_intent(after, from_state=state)
    else:
        refused = pytest.raises(BookError, match=f"is {state} and cannot become {to}")
        with refused, book.write() as writing:
            writing.move_intent(after, from_state=state)
    with book.read() as reading:
        assert reading.intents() == [after if allowed else before]


def test_of_two_that_move_an_intent_one_wins(open_book: OpenBook) -> None:
    waiting = intent()
    placed = replace(waiting, state=IntentState.PLACED)
    with open_book().write() as writing:
        writing.insert_intents([waiting])
        assert writing.move_intent(placed, from_state=IntentState.APPROVED)
    late = replace(waiting, state=IntentState.CANCELLED)
    with open_book().write() as writing:
        assert not writing.move_intent(late, from_state=IntentState.APPROVED)
        assert not writing.move_intent(intent("sig-404"), from_state=IntentState.APPROVED)
        assert writing.intents() == [placed]


def test_lanes_with_something_to_do(book: Book) -> None:
    with book.read() as reading:
        assert reading.lanes_waiting() == []
    with book.write() as writing:
        writing.put_deliveries([delivery("sig-1"), delivery("sig-2"), qualified("sig-9")])
        writing.insert_intents(
            [
                intent("sig-3", symbol="ETHUSDT"),
                intent("sig-4", "other"),
                intent("sig-5", symbol="XRPUSDT", state="PLACED"),
                intent("sig-6", symbol="ADAUSDT", state="REJECTED"),
            ]
        )
        writing.put_deliveries([qualified("sig-7", symbol="LTCUSDT")])
    with book.read() as reading:
        assert reading.lanes_waiting() == [
            ("main", "BTCUSDT"),
            ("main", "ETHUSDT"),
            ("other", "BTCUSDT"),
        ]


# --- orders of signals ----------------------------------------------------------------------------


def came_of(signal_id: str, order_id: str, **given: Any) -> SignalOrder:
    values: dict[str, Any] = {
        "relationship_type": Relationship.ONE_TO_MANY,
        "execution_sequence": 1,
        "allocation_amount": Decimal("500.5"),
        "allocation_quantity": Decimal("0.005"),
    }
    return SignalOrder(signal_id=signal_id, order_id=order_id, **(values | given))


def test_which_order_came_of_which_signal(book: Book) -> None:
    second = came_of("sig-1", "o-1", execution_sequence=2)
    first, merged = came_of("sig-1", "o-2"), came_of("sig-2", "o-2")
    with book.write() as writing:
        writing.put_signal_orders([second, came_of("sig-1", "o-2", execution_sequence=9)])
        # One row for each pair, as it was told last.
        writing.put_signal_orders([first, merged])
    with book.read() as reading:
        assert reading.signal_orders(signal_ids=["sig-1"]) == [first, second]
        assert reading.signal_orders(order_ids=["o-2"]) == [first, merged]
        assert reading.signal_orders(signal_ids=["sig-2"], order_ids=["o-1"]) == [second, merged]
        assert reading.signal_orders() == []


def test_orders_are_found_by_their_signal_or_by_what_ties_them_to_it(book: Book) -> None:
    own = book_order("o-1", "V-1", signal_id="sig-1")
    shared = book_order("o-2", "V-2", signal_id="sig-2")
    with book.write() as writing:
        writing.insert_orders([own, shared, book_order("o-3", "V-3")])
        writing.put_signal_orders([came_of("sig-1", "o-2"), came_of("sig-1", "o-404")])
    with book.read() as reading:
        assert reading.orders_of_signals(["sig-1"]) == [own, shared]
        assert reading.orders_of_signals(["sig-2", "sig-404"]) == [shared]
        assert reading.orders_of_signals([]) == []


def test_live_orders_of_a_lane(book: Book) -> None:
    live = [book_order("o-1"), book_order("o-2", None, status="pending")]
    with book.write() as writing:
        writing.insert_orders(
            [
                *live,
                book_order("o-3", "V-3", symbol="ETHUSDT"),
                book_order("o-4", "V-4", account="other"),
                book_order("o-5", "V-5", status="filled"),
            ]
        )
    with book.read() as reading:
        assert reading.live_orders_in("main", "BTCUSDT") == live


def test_executions_since_a_moment(book: Book, sql: Sql) -> None:
    times = {"T-1": "10:59:59", "T-2": "11:00", "T-3": "12:00"}
    early, on_time, late = (book_execution(each, executed_at=at) for each, at in times.items())
    theirs = book_execution("T-4", account="other", executed_at="12:00")
    with book.write() as writing:
        writing.insert_executions([late, early, theirs, on_time])
    with book.read() as reading:
        assert list(reading.executions_since("main", clock("11:00"))) == [on_time, late]
        assert list(reading.executions_since("main", LATER)) == []
    # The same moments as people elsewhere write them.
    sql("UPDATE executions SET executed_at = '2026-01-05T03:00:00-08:00' WHERE execution_id='T-2'")
    sql("UPDATE executions SET executed_at = '2026-01-05T19:59:59+09:00' WHERE execution_id='T-1'")
    with book.read() as reading:
        assert list(reading.executions_since("main", clock("11:00"))) == [on_time, late]


# --- how far it has been read, and what could not be ----------------------------------------------


def read_to(offset: int, **given: Any) -> Cursor:
    values: dict[str, Any] = {
        "source": "spool",
        "file_id": "8:15",
        "head_bytes": 64,
        "head_digest": "sha256:abc",
        "offset": offset,
        "line": 7,
        "at": NOON,
    }
    return Cursor(**(values | given))


def test_a_cursor_moves_with_what_was_taken_in(book: Book) -> None:
    with book.read() as reading:
        assert reading.cursor("spool") is None
    with book.write() as writing:
        writing.insert_signals([signal("sig-1")])
        writing.put_cursor(read_to(100))
        writing.put_cursor(read_to(5, source="other"))
    with pytest.raises(RuntimeError), book.write() as writing:
        writing.insert_signals([signal("sig-2")])
        writing.put_cursor(read_to(200, line=8))
        raise RuntimeError("power cut")
    with book.read() as reading:
        assert reading.cursor("spool") == read_to(100)
        assert reading.signal("sig-2") is None


def letter(letter_id: str = "l-1", **given: Any) -> DeadLetter:
    values: dict[str, Any] = {
        "source": "spool",
        "place": "signals.jsonl:7",
        "reason": "amount: NaN",
        "body": '{"amount": NaN}\x00',
        "at": NOON,
    }
    return DeadLetter(letter_id=letter_id, **(values | given))


def test_dead_letters_are_kept_once_and_wait_until_they_are_replayed(book: Book) -> None:
    with book.write() as writing:
        writing.insert_dead_letters([letter("l-1"), letter("l-2")])
        writing.insert_dead_letters([letter("l-1", reason="another")])
        assert writing.dead_letters_waiting() == 2
        writing.note_replayed("l-1", LATER)
    with book.read() as reading:
        assert reading.dead_letters_waiting() == 1
        assert reading.dead_letter("l-1") == letter("l-1", replayed_at=LATER)
        assert reading.dead_letter("l-2") == letter("l-2")
        assert reading.dead_letter("l-404") is None
    with pytest.raises(BookError, match="no letter_id 'l-404'"), book.write() as writing:
        writing.note_replayed("l-404", LATER)


# --- halts ----------------------------------------------------------------------------------------


def halt(halt_id: str = "h-1", **given: Any) -> Halt:
    values: dict[str, Any] = {
        "account": "main",
        "kind": "daily_loss",
        "reason": "lost 120 of 100",
        "since": NOON,
    }
    return Halt(halt_id=halt_id, **(values | given))


def test_a_halt_stands_until_it_is_lifted(open_book: OpenBook, sql: Sql) -> None:
    book = open_book()
    early = halt("h-2", since=NOON - timedelta(hours=1), kind="liquidation")
    theirs = halt("h-3", account="other")
    with book.write() as writing:
        writing.put_halt(halt())
        writing.put_halt(early)
        writing.put_halt(theirs)
    with open_book().read() as reading:
        assert reading.halts() == [early, halt(), theirs]
        assert reading.halts("main") == [early, halt()]
    lifted = halt(lifted_at=LATER, lifted_by="ana", lifted_because="seen")
    with book.write() as writing:
        writing.put_halt(lifted)
        assert writing.halts("main") == [early]
    assert sql("SELECT lifted_by, lifted_because FROM halts WHERE halt_id = 'h-1'") == [
        ("ana", "seen")
    ]


# --- all of them ----------------------------------------------------------------------------------

Write = Callable[[BookWriting], object]
WRITES: dict[str, Write] = {
    "insert_signals": lambda book: book.insert_signals([signal("sig-new")]),
    "update_signals": lambda book: book.update_signals([signal(amount=7)]),
    "put_deliveries": lambda book: book.put_deliveries([delivery()]),
    "insert_intents": lambda book: book.insert_intents([intent("sig-new")]),
    "move_intent": lambda book: book.move_intent(
        intent(state="PLACED"), from_state=IntentState.APPROVED
    ),
    "put_signal_orders": lambda book: book.put_signal_orders([came_of("sig-1", "o-1")]),
    "put_cursor": lambda book: book.put_cursor(read_to(1)),
    "insert_dead_letters": lambda book: book.insert_dead_letters([letter("l-new")]),
    "note_replayed": lambda book: book.note_replayed("l-1", LATER),
    "put_halt": lambda book: book.put_halt(halt()),
}


@pytest.mark.parametrize("name", WRITES)
def test_no_plan_goes_stale_because_a_signal_moved(book: Book, name: str) -> None:
    with book.write() as writing:
        writing.insert_signals([signal()])
        writing.insert_intents([intent()])
        writing.insert_dead_letters([letter()])
        WRITES[name](writing)
    with book.read() as reading:
        assert reading.identity().serial == 0


READS: dict[str, Callable[[BookReading], object]] = {
    "signal": lambda book: book.signal("sig-1"),
    "delivery": lambda book: book.delivery("sig-1", "main"),
    "intent": lambda book: book.intents(),
    "cursor": lambda book: book.cursor("spool"),
    "halt": lambda book: book.halts(),
    "dead letter": lambda book: book.dead_letter("l-1"),
}


@pytest.mark.parametrize(
    ("spoil", "read", "place"),
    [
        ("signals SET amount = 'much'", "signal", "signals .* signal_id sig-1: column amount"),
        ("signals SET metadata = '['", "signal", "signals .* column metadata: not a JSON"),
        ("signal_deliveries SET state = 'LOST'", "delivery", "signal_deliveries .* column state"),
        ("trade_intents SET orders = '[]'", "intent", "trade_intents .* column orders"),
        ("intake_cursors SET at = 'noon'", "cursor", "intake_cursors .* source spool: column at"),
        ("dead_letters SET at = ''", "dead letter", "dead_letters .* letter_id l-1: column at"),
        ("halts SET since = '12'", "halt", "halts .* halt_id h-1: column since"),
    ],
)
def test_an_unreadable_row_is_named_with_its_column(
    book: Book, sql: Sql, spoil: str, read: str, place: str
) -> None:
    with book.write() as writing:
        writing.insert_signals([signal()])
        writing.put_deliveries([delivery()])
        writing.insert_intents([intent()])
        writing.put_cursor(read_to(1))
        writing.insert_dead_letters([letter()])
        writing.put_halt(halt())
    sql(f"UPDATE {spoil}")
    with pytest.raises(BookError, match=place), book.read() as reading:
        READS[read](reading)


# --- rows of people and other programs ------------------------------------------------------------


def test_the_fewest_columns_of_each_row_are_enough(book: Book, sql: Sql) -> None:
    with book.read():
        pass
    sql(
        "INSERT INTO signals (signal_id, signal_type, symbol, amount, confidence, timestamp,"
        " strategy_id, source, received_at) VALUES ('sig-1', 'buy', 'BTCUSDT', 1000, 0.85,"
        " '2026-01-05T11:00:00Z', 'strategy', 'spool', '2026-01-05T11:00:01Z')"
    )
    sql(
        "INSERT INTO signal_deliveries (delivery_id, signal_id, account, symbol, created_at)"
        " VALUES ('d-sig-1-main', 'sig-1', 'main', 'BTCUSDT', '2026-01-05T11:00:01Z')"
    )
    expected = intent()
    sql(
        "INSERT INTO trade_intents (intent_id, signal_id, account, symbol, side, state, created_at,"
        " updated_at) VALUES (?, 'sig-1', 'main', 'BTCUSDT', 'buy', 'APPROVED',"
        " '2026-01-05T11:00:01Z', '2026-01-05T11:00:01Z')",
        expected.intent_id,
    )
    sql(
        "INSERT INTO dead_letters (letter_id, source, place, reason, body, at) VALUES ('l-1',"
        " 'spool', 'signals.jsonl:7', 'amount: NaN', ?, '2026-01-05T12:00:00Z')",
        letter().body,
    )
    sql(
        "INSERT INTO halts (halt_id, account, kind, reason, since)"
        " VALUES ('h-1', 'main', 'daily_loss', 'lost 120 of 100', '2026-01-05T12:00:00Z')"
    )
    with book.read() as reading:
        assert reading.signal("sig-1") == signal()
        assert reading.next_delivery("main", "BTCUSDT") == delivery()
        assert reading.intents() == [expected]
        assert reading.dead_letter("l-1") == letter()
        assert reading.halts() == [halt()]


def test_what_is_explicitly_null_takes_the_default_too(book: Book, sql: Sql) -> None:
    with book.write() as writing:
        writing.insert_signals([signal(order_type="market", urgency=True, aim="close", attempt=3)])
    sql(
        "UPDATE signals SET is_warmup = NULL, urgency = NULL, aim = NULL, state = NULL,"
        " request_status = NULL, attempt = NULL"
    )
    with book.read() as reading:
        found = reading.signal("sig-1")
    assert found == signal(order_type=OrderType.MARKET)
    assert found is not None
    assert (found.aim, found.attempt) == (Aim.OPEN, 1)
