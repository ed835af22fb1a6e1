"""Orders, executions, positions and what was adopted: stored and read back, digit for digit."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from core.domain.errors import BookError
from core.domain.execution import BookExecution
from core.domain.order import BookOrder, OrderStatus, OrderType, Origin, PositionSide, Side
from core.domain.position import Adjustment, BookPosition
from core.ports import Book
from tests.build import NOON, adjustment, book_execution, book_order, decision, stored

NINETEEN_DIGITS = "9223372036854775808"
TWENTY_PLACES = Decimal("-12345678901234567890.00000000000000000001")
LATE = datetime(2026, 1, 5, 11, 0, 0, 123456, tzinfo=UTC)

FULL_ORDER = BookOrder(
    order_id="o-full",
    account="main",
    broker_order_id=NINETEEN_DIGITS,
    client_order_id="tu-ünïcode '\"; --",
    perm_id="0012",
    symbol="BTCUSDT",
    side=Side.SELL,
    position_side=PositionSide.SHORT,
    order_type=OrderType.TRAILING_STOP,
    quantity=Decimal("0.00000000000000000001"),
    filled_quantity=Decimal("12345678901234567890"),
    price=TWENTY_PLACES,
    trigger_price=Decimal("1E+3"),
    average_price=Decimal("0.10"),
    time_in_force="GTC",
    reduce_only=True,
    post_only=False,
    status=OrderStatus.ORPHANED_DELETED,
    origin=Origin.LIQUIDATION,
    signal_id="sig",
    parent_order_id="o-0",
    trace_id="trace",
    fees=Decimal("-0.5"),
    created_at=LATE,
    updated_at=NOON,
    executed_at=LATE,
)
BARE_ORDER = BookOrder(
    order_id="o-bare",
    account="main",
    symbol="BTCUSDT",
    side=Side.BUY,
    quantity=Decimal(1),
    status=OrderStatus.PENDING,
    origin=Origin.OWNED,
)


@pytest.mark.parametrize("order", [FULL_ORDER, BARE_ORDER], ids=["full", "bare"])
def test_an_order_comes_back_as_it_went_in(book: Book, order: BookOrder) -> None:
    with book.write() as writing:
        writing.insert_orders([order])
        assert writing.orders("main", order_ids=[order.order_id]) == [order]
    with book.read() as reading:
        assert reading.orders("main", order_ids=[order.order_id]) == [order]


FULL_EXECUTION = replace(
    book_execution(
        NINETEEN_DIGITS,
        "0.00000000000000000001",
        side="sell",
        position_side="long",
        price=TWENTY_PLACES,
        fee="-0.1",
        kind="settlement",
        executed_at=LATE,
    ),
    realized_pnl=Decimal("-7.5"),
    recorded_serial=41,
)


@pytest.mark.parametrize(
    "execution",
    [FULL_EXECUTION, book_execution(fee=None, fee_currency=None, broker_order_id=None)],
    ids=["full", "bare"],
)
def test_an_execution_comes_back_as_it_went_in(book: Book, execution: BookExecution) -> None:
    with book.write() as writing:
        writing.insert_executions([execution])
    with book.read() as reading:
        assert reading.executions("main", [execution.execution_key]) == [execution]


def test_positions_adjustments_and_decisions_come_back_as_they_went_in(book: Book) -> None:
    full = stored("-0.001", side="short", mark_price=101, unrealized_pnl="-1", dust=True)
    full = replace(full, realized_pnl=TWENTY_PLACES, updated_at=LATE, last_snapshot_at=NOON)
    bare = BookPosition(account="main", symbol="ETHUSDT", quantity=Decimal(0))
    kept = adjustment("-0.5", average_price=None, recorded_serial=3)
    choice = decision("ignore", note="that one is ours")
    with book.write() as writing:
        writing.put_positions([full, bare])
        writing.insert_adjustments([kept])
        writing.put_decision(choice)
    with book.read() as reading:
        assert reading.positions("main") == [full, bare]
        assert reading.adjustments("main") == [kept]
        assert reading.decisions("main") == [choice]


def test_a_moment_is_kept_whatever_zone_it_was_told_in(book: Book) -> None:
    tokyo = timezone(timedelta(hours=9))
    with book.write() as writing:
        writing.insert_orders([book_order(created_at=NOON.astimezone(tokyo))])
    with book.read() as reading:
        (order,) = reading.orders("main", order_ids=["o-1"])
    assert order.created_at == NOON
    assert order.created_at.tzinfo is UTC


@pytest.mark.parametrize("number", ["1e-21", "123456789012345678901", "0.000000000000000000001"])
def test_what_could_not_be_read_again_is_not_stored(book: Book, number: str) -> None:
    with pytest.raises(BookError, match="more than 20 digits"), book.write() as writing:
        writing.insert_orders([book_order(price=Decimal(number))])
    with book.read() as reading:
        assert reading.orders("main", order_ids=["o-1"]) == []


def test_half_a_character_is_not_stored(book: Book) -> None:
    with pytest.raises(BookError, match="cannot be stored"), book.write() as writing:
        writing.insert_orders([book_order(client_order_id="\ud83d")])
    with book.read() as reading:
        assert reading.identity().serial == 0


# --- finding --------------------------------------------------------------------------------------


def order_ids(orders: list[BookOrder]) -> list[str]:
    return [order.order_id for order in orders]


@pytest.fixture
def five(book: Book) -> Book:
    """o-1 open V-1, o-2 filled V-2 c-2, o-3 cancelled perm 3, o-4 unknown; o-9 is another's."""
    with book.write() as writing:
        writing.insert_orders(
            [
                book_order("o-1", "V-1"),
                book_order("o-2", "V-2", client_order_id="c-2", status="filled"),
                book_order("o-3", None, perm_id="3", status="cancelled"),
                book_order("o-4", None, status="unknown"),
                book_order("o-9", "V-1", account="other", client_order_id="c-2", perm_id="3"),
            ]
        )
    return book


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, []),
        ({"live": True}, ["o-1", "o-4"]),
        ({"order_ids": ["o-2", "o-9", "o-404"]}, ["o-2"]),
        ({"broker_order_ids": ["V-1"]}, ["o-1"]),
        ({"client_order_ids": ["c-2"]}, ["o-2"]),
        ({"perm_ids": iter(["3"])}, ["o-3"]),
        ({"live": True, "order_ids": ["o-1"], "broker_order_ids": ["V-1", "V-1"]}, ["o-1", "o-4"]),
    ],
)
def test_orders_are_found_by_any_identifier_each_once(
    five: Book, asked: dict[str, Any], found: list[str]
) -> None:
    with five.read() as reading:
        assert order_ids(reading.orders("main", **asked)) == found


def test_live_orders_by_id_alone(five: Book) -> None:
    with five.read() as reading:
        assert sorted(reading.live_order_ids("main")) == ["o-1", "o-4"]
        assert reading.live_order_ids("other") == ["o-9"]


def test_thousands_of_identifiers_in_one_question(book: Book) -> None:
    orders = [book_order(f"o-{number:04}", f"V-{number}") for number in range(2500)]
    with book.write() as writing:
        writing.insert_orders(orders)
    with book.read() as reading:
        asked = [f"V-{number}" for number in range(4000)]
        assert reading.orders("main", broker_order_ids=asked) == orders
        assert len(list(reading.order_rows("main", asked))) == 2500


def test_executions_of_an_order_and_of_no_order(book: Book) -> None:
    mine, other, loose = (
        book_execution("T-1"),
        book_execution("T-2", broker_order_id="V-2"),
        book_execution("T-3", broker_order_id=None),
    )
    with book.write() as writing:
        writing.insert_executions([mine, other, loose, book_execution("T-1", account="other")])
    with book.read() as reading:
        assert reading.executions_of("main", ["V-1"]) == [mine]
        assert reading.executions_of("main", {None}) == [loose]
        assert reading.executions_of("main", {None, "V-2", "V-404"}) == [loose, other]
        assert reading.executions_of("main", []) == []


def test_executions_of_a_position(book: Book) -> None:
    other = book_execution("T-2", symbol="ETHUSDT")
    theirs = book_execution(account="other")
    with book.write() as writing:
        writing.insert_executions([other, book_execution(), book_execution("T-3"), theirs])
    with book.read() as reading:

        def found(*symbols: str) -> set[str]:
            return {row.execution_id for row in reading.executions_in("main", symbols)}

        assert found("BTCUSDT", "XRPUSDT") == {"T-1", "T-3"}
        assert found("BTCUSDT", "ETHUSDT") == {"T-1", "T-2", "T-3"}
        assert found() == set()


def test_accounts_never_see_each_other(book: Book) -> None:
    theirs: list[Adjustment] = [adjustment(id="adj-2", account="other")]
    with book.write() as writing:
        writing.put_positions([stored(5), stored(7, account="other")])
        writing.insert_adjustments([adjustment(), *theirs])
        writing.put_decision(decision("ignore", account="other"))
    with book.read() as reading:
        assert [position.quantity for position in reading.positions("main")] == [5]
        assert reading.adjustments("other") == theirs
        assert reading.decisions("main") == []
        assert reading.executions("main", []) == []


# --- changing -------------------------------------------------------------------------------------


def test_an_update_replaces_the_whole_row(book: Book) -> None:
    with book.write() as writing:
        writing.insert_orders([FULL_ORDER, book_order()])
        writing.update_orders([replace(BARE_ORDER, order_id="o-full")])
    with book.read() as reading:
        assert reading.orders("main", order_ids=["o-full"]) == [
            replace(BARE_ORDER, order_id="o-full")
        ]
        assert reading.orders("main", order_ids=["o-1"]) == [book_order()]


def test_an_update_of_a_missing_order_changes_nothing_at_all(book: Book) -> None:
    with book.write() as writing:
        writing.insert_orders([book_order("o-1", "V-1"), book_order("o-2", "V-2")])
    filled = [book_order(f"o-{number}", f"V-{number}", status="filled") for number in (1, 404, 2)]
    with pytest.raises(BookError, match="no order_id 'o-404'"), book.write() as writing:
        writing.update_orders(filled)
    with book.read() as reading:
        assert order_ids(reading.orders("main", live=True)) == ["o-1", "o-2"]


def test_a_caught_refusal_leaves_the_rest_of_the_transaction_as_it_was(book: Book) -> None:
    with book.write() as writing:
        writing.insert_orders([book_order()])
        with pytest.raises(BookError, match="o-404"):
            writing.update_orders([book_order(status="filled"), book_order("o-404")])
    with book.read() as reading:
        assert order_ids(reading.orders("main", live=True)) == ["o-1"]


def test_a_deleted_order_leaves_its_executions_behind(book: Book) -> None:
    with book.write() as writing:
        writing.insert_orders([book_order()])
        writing.insert_executions([book_execution(order_id="o-1")])
        writing.delete_orders(["o-1", "o-1"])
    with book.read() as reading:
        assert reading.orders("main", order_ids=["o-1"]) == []
        assert reading.executions_of("main", ["V-1"]) == [book_execution()]


def test_deleting_a_missing_order_is_refused(book: Book) -> None:
    with pytest.raises(BookError, match="no order_id 'o-1'"), book.write() as writing:
        writing.delete_orders(["o-1"])


def test_a_correction_carries_a_new_key(book: Book) -> None:
    old, new = book_execution("0001f4e8.01"), book_execution("0001f4e8.02", 4)
    with book.write() as writing:
        writing.insert_executions([old, book_execution("T-2")])
        writing.update_executions([(old.execution_key, new)])
    with book.read() as reading:
        assert reading.executions_of("main", ["V-1"]) == [new, book_execution("T-2")]


def test_a_correction_of_a_missing_execution_is_refused(book: Book) -> None:
    missing = book_execution("T-404")
    refused = pytest.raises(BookError, match=r"no execution_key 'main\|BTCUSDT\|V-1\|T-404'")
    with refused, book.write() as writing:
        writing.update_executions([(missing.execution_key, missing)])


def test_a_position_is_one_row_per_account_symbol_and_side(book: Book) -> None:
    with book.write() as writing:
        writing.put_positions([stored(5), stored(2, side="long"), stored(1, side="short")])
        writing.put_positions([stored(6, average_price=None)])
    with book.read() as reading:
        assert reading.positions("main") == [
            stored(6, average_price=None),
            stored(2, side="long"),
            stored(1, side="short"),
        ]


def test_a_later_decision_replaces_the_earlier_one(book: Book) -> None:
    with book.write() as writing:
        writing.put_decision(decision("ignore"))
        writing.put_decision(decision("match", "o-1", by="bo"))
    with book.read() as reading:
        assert reading.decisions("main") == [decision("match", "o-1", by="bo")]


@pytest.mark.parametrize("what", ["order", "execution", "adjustment"])
def test_nothing_is_booked_twice(book: Book, what: str) -> None:
    def insert() -> None:
        with book.write() as writing:
            if what == "order":
                writing.insert_orders([book_order()])
            elif what == "execution":
                writing.insert_executions([book_execution()])
            else:
                writing.insert_adjustments([adjustment()])

    insert()
    with pytest.raises(BookError, match="contradicts what the book already holds"):
        insert()


def test_an_execution_of_an_order_that_is_not_there_is_refused(book: Book) -> None:
    with pytest.raises(BookError, match="contradicts"), book.write() as writing:
        writing.insert_executions([book_execution(order_id="o-404")])


def test_nothing_to_change_is_no_change(book: Book) -> None:
    with book.write() as writing:
        writing.insert_orders([])
        writing.update_orders([])
        writing.delete_orders([])
        writing.insert_executions([])
        writing.update_executions([])
        writing.put_positions([])
        writing.insert_adjustments([])
    with book.read() as reading:
        assert reading.identity().serial == 0
