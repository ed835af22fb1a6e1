"""Orders as the library holds them, in our words; what it concluded by itself left out."""

from types import SimpleNamespace
from typing import Any

import pytest

from core.brokers.ib.orders import (
    completed_order_of,
    is_acknowledged,
    is_taken,
    open_order_of,
    told_status,
)
from core.domain.order import OrderStatus, OrderType


def entry(status: str, message: str = "", code: int = 0) -> Any:
    return SimpleNamespace(status=status, message=message, errorCode=code)


def trade(*log: Any, status: str = "Submitted", **terms: Any) -> Any:
    """Buy 10 SPY at 490 unless told otherwise; the log is what happened to it."""
    order = {
        "permId": 1, "orderRef": "tu-1", "action": "BUY", "totalQuantity": 10.0, "tif": "GTC",
        "orderType": "LMT", "lmtPrice": 490.0, "auxPrice": 0.0, "trailStopPrice": 480.5,
        "filledQuantity": 1.7976931348623157e308,
    } | terms  # fmt: skip
    return SimpleNamespace(
        contract=SimpleNamespace(secType="STK", symbol="SPY", localSymbol="SPY", currency="USD"),
        order=SimpleNamespace(**order),
        orderStatus=SimpleNamespace(status=status, permId=1, filled=0.0, avgFillPrice=0.0),
        log=list(log),
    )


SUBMITTED, CANCELLED, FILLED = entry("Submitted"), entry("Cancelled"), entry("Filled")
GUESSED = entry("Cancelled", "Error 104, reqId 5: no", 104)


@pytest.mark.parametrize(
    ("log", "status"),
    [
        ([], "PreSubmitted"),
        ([entry("PendingSubmit"), SUBMITTED], "Submitted"),
        ([SUBMITTED, entry("Cancelled", "Error 201, reqId 5: no", 201)], "Submitted"),
        ([SUBMITTED, entry("ValidationError", "Warning 399, reqId 5: later", 399)], "Submitted"),
        # The library writes its own, wrong status into what it notes of fills and changes.
        (
            [SUBMITTED, GUESSED, entry("Cancelled", "Fill 4.0@490.0")],
            "Submitted",
        ),
        ([SUBMITTED, GUESSED, entry("Cancelled", "Modify")], "Submitted"),
        ([SUBMITTED, entry("Submitted", "Modified")], "Submitted"),
        ([SUBMITTED, CANCELLED], "Cancelled"),
        # An end is final, and a fill beats a cancellation.
        ([FILLED, SUBMITTED], "Filled"),
        ([CANCELLED, FILLED], "Filled"),
    ],
)
def test_only_status_messages_count(log: list[Any], status: str) -> None:
    assert told_status(trade(*log, status="PreSubmitted")) == status


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("PendingSubmit", OrderStatus.OPEN),
        ("PreSubmitted", OrderStatus.OPEN),
        ("Submitted", OrderStatus.OPEN),
        ("PendingCancel", OrderStatus.OPEN),
        ("Inactive", OrderStatus.OPEN),
        ("SomethingNew", OrderStatus.OPEN),
        ("Filled", OrderStatus.FILLED),
        ("Cancelled", OrderStatus.CANCELLED),
        ("ApiCancelled", OrderStatus.CANCELLED),
    ],
)
def test_what_is_listed_open_is_open_until_its_end_is_told(word: str, status: OrderStatus) -> None:
    order = open_order_of(trade(entry(word)))
    assert order.status is status
    assert order.filled_quantity == (10 if status is OrderStatus.FILLED else 0)


@pytest.mark.parametrize("word", ["PendingSubmit", "ApiPending", "Inactive"])
def test_words_that_a_rejection_may_follow_are_no_acceptance(word: str) -> None:
    assert is_acknowledged(trade(entry(word)))
    assert not is_taken(trade(entry(word)))
    assert is_taken(trade(entry(word), SUBMITTED))


@pytest.mark.parametrize(
    ("told", "kind", "price", "trigger"),
    [
        ("MKT", OrderType.MARKET, None, None),
        ("LMT", OrderType.LIMIT, 490, None),
        ("STP", OrderType.STOP, None, 485),
        ("STP LMT", OrderType.STOP_LIMIT, 490, 485),
        ("MIT", OrderType.TAKE_PROFIT, None, 485),
        ("LIT", OrderType.TAKE_PROFIT_LIMIT, 490, 485),
        ("TRAIL", OrderType.TRAILING_STOP, None, 480.5),
        ("LOC", OrderType.LIMIT, 490, None),
    ],
)
def test_each_type_has_the_prices_that_belong_to_it(
    told: str, kind: OrderType, price: float | None, trigger: float | None
) -> None:
    order = open_order_of(trade(SUBMITTED, orderType=told, auxPrice=485.0))
    assert order.type is kind
    assert (order.price, order.trigger_price) == (price, trigger)


def test_a_kind_without_a_limit_that_we_do_not_know_trades_at_the_market() -> None:
    order = open_order_of(trade(SUBMITTED, orderType="MOC", lmtPrice=0.0))
    assert (order.type, order.price) == (OrderType.MARKET, None)


@pytest.mark.parametrize(
    ("total", "filled", "status", "quantity"),
    [
        (0.0, 10.0, "Filled", 10),
        (6.0, 4.0, "Cancelled", 10),
        (10.0, 0.0, "Cancelled", 10),
    ],
)
def test_a_completed_order_is_what_filled_and_what_was_left(
    total: float, filled: float, status: str, quantity: int
) -> None:
    order = completed_order_of(trade(status=status, totalQuantity=total, filledQuantity=filled))
    assert (order.quantity, order.filled_quantity) == (quantity, filled)
    assert order.status is OrderStatus(status.lower())


def test_a_rejection_that_was_seen_is_told_unless_it_filled() -> None:
    unfilled = trade(status="Cancelled", filledQuantity=0.0)
    part = trade(status="Cancelled", totalQuantity=6.0, filledQuantity=4.0)
    assert completed_order_of(unfilled, turned_down=True).status is OrderStatus.REJECTED
    assert completed_order_of(unfilled).status is OrderStatus.CANCELLED
    assert completed_order_of(part, turned_down=True).status is OrderStatus.CANCELLED
