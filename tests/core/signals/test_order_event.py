"""Order updates of a gateway: read strictly, believed only where they agree with the book."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.domain.order import BookOrder, BrokerOrder, OrderStatus, OrderType, Side
from core.signals.order_event import OrderEvent, Unreadable, as_told, is_old, read_order_event
from tests.build import NOON, book_order, clock
from tests.producer import update

AHEAD = timedelta(seconds=5)


def read(**given: Any) -> OrderEvent:
    event = read_order_event(update(**given))
    assert isinstance(event, OrderEvent), event
    return event


def believed(row: BookOrder, **given: Any) -> BrokerOrder | None:
    return as_told(read(**given), row, now=NOON, ahead=AHEAD)


# --- reading --------------------------------------------------------------------------------------


def test_an_update_is_read_whole() -> None:
    assert read() == OrderEvent(
        order_id="V-1",
        symbol="BTCUSDT",
        status=OrderStatus.PARTIALLY_FILLED,
        side=Side.BUY,
        filled=Decimal(4),
        average_price=Decimal(100),
        at=clock("11:59:00"),
    )


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("New", "open"),
        ("Created", "open"),
        ("Untriggered", "open"),
        ("Triggered", "open"),
        ("Active", "open"),
        ("PendingCancel", "open"),
        ("PartiallyFilled", "partially_filled"),
        ("partially_filled", "partially_filled"),
        ("PARTIALLY_FILLED", "partially_filled"),
        ("Filled", "filled"),
        ("filled", "filled"),
        ("Cancelled", "cancelled"),
        ("canceled", "cancelled"),
        ("PartiallyFilledCanceled", "cancelled"),
        ("Deactivated", "cancelled"),
        ("Rejected", "rejected"),
        ("expired", "expired"),
        ("pending", "pending"),
        ("open", "open"),
    ],
)
def test_the_venue_s_words_and_ours_are_understood(word: str, status: str) -> None:
    assert read(status=word).status.value == status


def test_figures_come_as_numbers_or_as_text_and_moments_in_milliseconds_too() -> None:
    event = read(cum_exec_qty=4.25, avg_price=100, timestamp=1767614340000)
    assert (event.filled, event.average_price) == (Decimal("4.25"), Decimal(100))
    assert event.at == clock("11:59:00")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"order_id": None}, "order_id: missing"),
        ({"order_id": 17}, "order_id: expected a text, not a number"),
        ({"symbol": ""}, "symbol: empty"),
        ({"symbol": "BTC\u202eUSDT"}, "symbol: not a symbol"),
        ({"status": None}, "status: missing"),
        ({"status": "Sleeping"}, "status: a word nobody knows: 'Sleeping'"),
        ({"status": "unknown"}, "status: a word nobody knows"),
        ({"status": "orphaned_deleted"}, "status: a word nobody knows"),
        ({"side": "Long"}, "side: a word nobody knows"),
        ({"cum_exec_qty": -1}, "cum_exec_qty: must be at least 0"),
        ({"cum_exec_qty": "1e3"}, "cum_exec_qty: expected a number"),
        ({"avg_price": float("nan")}, "avg_price: NaN is not a number"),
        ({"executed_qty": "much"}, "executed_qty: expected a number"),
        ({"cum_exec_value": True}, "cum_exec_value: expected a number"),
        ({"timestamp": "yesterday"}, "timestamp: not a moment"),
        ({"timestamp": "2026-01-05T11:59:00"}, "timestamp: no time zone"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(given: dict[str, Any], reason: str) -> None:
    found = read_order_event(update(**given))
    assert isinstance(found, Unreadable)
    assert any(each.startswith(reason) for each in found.reasons), found.reasons


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b'{"a":1,"a":2}', b"[" * 100_000])
def test_what_is_no_update_at_all_is_told(raw: bytes) -> None:
    found = read_order_event(raw)
    assert isinstance(found, Unreadable)
    assert found.reasons
    assert found.order_id is None


def test_an_unreadable_one_still_says_which_order_it_meant() -> None:
    found = read_order_event(update(status="Sleeping"))
    assert isinstance(found, Unreadable)
    assert (found.symbol, found.order_id) == ("BTCUSDT", "V-1")


# --- believing ------------------------------------------------------------------------------------


def test_what_the_update_leaves_out_stays_out() -> None:
    told = believed(book_order("O-1", price=100, client_order_id="tu-1", quantity=10))
    assert told == BrokerOrder(
        broker_order_id="V-1",
        symbol="BTCUSDT",
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=Decimal(10),
        filled_quantity=Decimal(4),
        average_price=Decimal(100),
        status=OrderStatus.PARTIALLY_FILLED,
        updated_at=clock("11:59:00"),
    )


@pytest.mark.parametrize(
    "given",
    [
        {"status": "New", "cum_exec_qty": "0", "avg_price": "0"},
        {"status": "New", "cum_exec_qty": "0", "avg_price": None},
        {"status": "Filled", "cum_exec_qty": "10"},
        {"status": "Cancelled", "cum_exec_qty": "0", "avg_price": None},
        {"status": "Cancelled"},
        {"status": "Rejected", "cum_exec_qty": "0"},
        {"side": None, "timestamp": None},
    ],
)
def test_what_adds_up_is_believed(given: dict[str, Any]) -> None:
    told = believed(book_order("O-1", quantity=10), **given)
    assert told is not None
    assert told.quantity == 10
    assert (told.average_price is None) == (told.filled_quantity == 0)


@pytest.mark.parametrize(
    "given",
    [
        {"symbol": "ETHUSDT"},
        {"side": "Sell"},
        {"cum_exec_qty": None},
        {"avg_price": None},
        {"avg_price": "0"},
        {"cum_exec_qty": "0"},
        {"cum_exec_qty": "10"},
        {"cum_exec_qty": "11"},
        {"status": "Filled"},
        {"status": "Filled", "cum_exec_qty": "11"},
        {"status": "New"},
        {"status": "Rejected"},
        {"status": "Cancelled", "cum_exec_qty": "10"},
        {"timestamp": "2026-01-05T12:00:06Z"},
    ],
)
def test_what_is_odd_is_left_to_the_venue(given: dict[str, Any]) -> None:
    assert believed(book_order("O-1", quantity=10), **given) is None


def test_a_row_without_a_type_cannot_stand_in_for_the_venue() -> None:
    stub = book_order("O-1", quantity=10, order_type=None)
    assert believed(stub) is None


@pytest.mark.parametrize(
    ("row", "given", "old"),
    [
        # The same once more, a state the order has left behind, and what the book has not heard.
        ({"status": "partially_filled", "filled_quantity": 4}, {}, True),
        ({"status": "filled", "filled_quantity": 10}, {}, True),
        ({"status": "filled", "filled_quantity": 10}, {"status": "New", "cum_exec_qty": 0}, True),
        ({"status": "open", "filled_quantity": 0}, {}, False),
        ({"status": "partially_filled", "filled_quantity": 3}, {}, False),
        ({"status": "cancelled", "filled_quantity": 4}, {"status": "Filled"}, False),
        ({"status": "filled", "filled_quantity": 10}, {"cum_exec_qty": None}, False),
        ({"status": "filled", "filled_quantity": 10}, {"timestamp": None}, False),
        ({"status": "filled", "filled_quantity": 10, "updated_at": "11:58:00"}, {}, False),
        ({"status": "filled", "filled_quantity": 10, "updated_at": None}, {}, False),
    ],
)
def test_only_what_the_book_is_past_is_old(
    row: dict[str, Any], given: dict[str, Any], old: bool
) -> None:
    values = {"quantity": 10, "updated_at": "11:59:30"}
    assert is_old(read(**given), book_order("O-1", **(values | row))) is old
