"""The same order just sent for the same signal."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.decide.execution.duplicates import duplicate_of
from core.domain.intent import IntentOrder, Purpose
from core.domain.order import OrderType, Side
from tests.build import NOON, book_order

SENT = NOON - timedelta(seconds=5)


def wanted(**given: Any) -> IntentOrder:
    values: dict[str, Any] = {
        "intent_id": "i-2",
        "signal_id": "sig-1",
        "sequence": 1,
        "purpose": Purpose.OPEN,
        "amount": Decimal(1000),
        "symbol": "BTCUSDT",
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "quantity": Decimal(10),
        "price": Decimal(100),
    }
    return IntentOrder(**(values | given))


def blocked(order: IntentOrder | None = None, *, window: int = 10, **row: Any) -> str | None:
    values = {"signal_id": "sig-1", "created_at": SENT, "origin": "owned"}
    recent = [book_order("o-9", **(values | row))]
    return duplicate_of(
        order or wanted(), "main", recent, now=NOON, window=timedelta(seconds=window)
    )


def test_the_same_order_for_the_same_signal_is_blocked() -> None:
    assert blocked() == "o-9"


@pytest.mark.parametrize(
    "row",
    [
        {"signal_id": "sig-2"},
        {"account": "spare"},
        {"symbol": "ETHUSDT"},
        {"side": "sell"},
        {"quantity": "10.001"},
        {"price": "100.1"},
        {"price": None},
        {"status": "rejected"},
        {"status": "dry_run"},
        {"created_at": None},
    ],
    ids=str,
)
def test_another_one_is_not(row: dict[str, Any]) -> None:
    assert blocked(**row) is None


@pytest.mark.parametrize(("seconds", "stops"), [(0, True), (9.999, True), (10, False), (11, False)])
def test_the_window(seconds: float, stops: bool) -> None:
    assert (blocked(created_at=NOON - timedelta(seconds=seconds)) is not None) == stops


def test_no_window_blocks_nothing() -> None:
    assert blocked(window=0) is None


def test_parts_of_one_intent_may_be_alike() -> None:
    part = wanted(sequence=2, of=2)
    first = wanted(sequence=1, of=2)
    recent = [book_order(first.key, signal_id="sig-1", created_at=SENT)]
    assert duplicate_of(part, "main", recent, now=NOON, window=timedelta(seconds=10)) is None


def test_the_order_itself_is_no_duplicate() -> None:
    order = wanted()
    recent = [book_order(order.key, signal_id="sig-1", created_at=SENT)]
    assert duplicate_of(order, "main", recent, now=NOON, window=timedelta(seconds=10)) is None
