"""Orders: which status may follow which, and a row that catches up with its broker."""

from typing import Any

import pytest

from core.domain.order import (
    COMPARED,
    FORWARD,
    LIVE,
    STOP_TYPES,
    TERMINAL,
    OrderStatus,
    OrderType,
    Side,
    is_our_key,
)
from core.domain.order import caught_up as caught_up_with
from tests.build import book_order, clock, order

NEVER_TOLD = {OrderStatus.DRY_RUN, OrderStatus.ORPHANED_DELETED}


def test_every_status_has_its_row() -> None:
    assert set(FORWARD) == set(OrderStatus)


def test_every_status_is_live_or_terminal_or_ours_alone() -> None:
    assert set(OrderStatus) == LIVE | TERMINAL | NEVER_TOLD
    assert not LIVE & TERMINAL


@pytest.mark.parametrize("status", OrderStatus)
def test_only_what_a_broker_can_tell_follows(status: OrderStatus) -> None:
    assert not FORWARD[status] & NEVER_TOLD


@pytest.mark.parametrize("status", [OrderStatus.FILLED, OrderStatus.REJECTED, OrderStatus.DRY_RUN])
def test_nothing_follows_what_is_over(status: OrderStatus) -> None:
    assert FORWARD[status] == frozenset()


@pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.EXPIRED])
def test_a_cancel_may_lose_against_a_fill_and_nothing_else(status: OrderStatus) -> None:
    assert FORWARD[status] == {OrderStatus.FILLED}


@pytest.mark.parametrize("status", sorted(LIVE))
def test_what_is_live_may_end_in_every_way(status: OrderStatus) -> None:
    assert FORWARD[status] >= TERMINAL


@pytest.mark.parametrize("status", sorted(LIVE - {OrderStatus.PENDING, OrderStatus.UNKNOWN}))
def test_an_acknowledged_order_never_waits_again(status: OrderStatus) -> None:
    assert OrderStatus.PENDING not in FORWARD[status]


def test_fills_are_never_undone() -> None:
    assert OrderStatus.OPEN not in FORWARD[OrderStatus.PARTIALLY_FILLED]


def test_an_order_believed_gone_may_be_anything_again() -> None:
    assert FORWARD[OrderStatus.ORPHANED_DELETED] == LIVE | TERMINAL


def test_a_take_profit_protects_nothing() -> None:
    assert {kind for kind in OrderType if "stop" in kind} == STOP_TYPES


def test_sides() -> None:
    assert (Side.BUY.opposite, Side.SELL.opposite) == (Side.SELL, Side.BUY)
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)


@pytest.mark.parametrize(
    ("key", "ours"),
    [("tu-1", True), ("tu-", True), ("tu", False), ("TU-1", False), ("", False), (None, False)],
)
def test_our_keys_have_their_prefix(key: str | None, ours: bool) -> None:
    assert is_our_key(key) is ours


# --- catching up ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "ours", "told"),
    [
        ("status", "status", OrderStatus.CANCELLED),
        ("filled_quantity", "filled_quantity", 4),
        ("average_price", "average_price", 99),
        ("price", "price", 101),
        ("quantity", "quantity", 12),
        ("trigger_price", "trigger_price", 95),
        ("type", "order_type", OrderType.STOP_LIMIT),
        ("time_in_force", "time_in_force", "IOC"),
        ("reduce_only", "reduce_only", True),
        ("reduce_only", "reduce_only", False),
        ("post_only", "post_only", True),
        ("broker_order_id", "broker_order_id", "V-2"),
        ("client_order_id", "client_order_id", "c-2"),
        ("perm_id", "perm_id", "9"),
    ],
)
def test_what_the_broker_says_is_taken_over(theirs: str, ours: str, told: Any) -> None:
    assert (theirs, ours) in COMPARED

    row = caught_up_with(book_order(), order(**{theirs: told}))

    assert getattr(row, ours) == told


def test_every_compared_field_is_a_field_of_both() -> None:
    broker, book = order(), book_order()

    assert all(hasattr(broker, theirs) and hasattr(book, ours) for theirs, ours in COMPARED)


def test_what_the_broker_leaves_out_stays() -> None:
    row = book_order(
        client_order_id="c-1", perm_id="7", average_price=99, reduce_only=True, signal_id="s-1"
    )
    silent = order(price=None, created_at=None, updated_at=None)

    assert caught_up_with(row, silent) == row


def test_what_is_ours_alone_stays() -> None:
    row = book_order(origin="owned", signal_id="s-1", parent_order_id="o-0", fees="0.1")
    after = caught_up_with(row, order(status="cancelled", updated_at="11:30"))

    assert after.order_id == row.order_id
    assert (after.origin, after.signal_id, after.parent_order_id, after.fees) == (
        row.origin,
        row.signal_id,
        row.parent_order_id,
        row.fees,
    )
    assert after.updated_at == clock("11:30")
    assert after.created_at == row.created_at


def test_a_fill_is_dated_once() -> None:
    filled = order(status="filled", filled_quantity=10, updated_at="11:30")

    first = caught_up_with(book_order(), filled)
    again = caught_up_with(first, order(status="filled", filled_quantity=10, updated_at="11:45"))

    assert first.executed_at == again.executed_at == clock("11:30")
    assert again.updated_at == clock("11:45")


def test_an_order_that_did_not_fill_has_no_date_of_execution() -> None:
    row = caught_up_with(book_order(), order(status="cancelled", filled_quantity=4))

    assert row.executed_at is None
