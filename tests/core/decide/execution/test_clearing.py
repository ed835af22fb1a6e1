"""What makes way for a signal's order, and what never does."""

from collections.abc import Sequence
from typing import Any

import pytest

from core.decide.execution.clearing import steps
from core.domain.intent import IntentOrder
from core.domain.order import BookOrder
from core.plan.change import AmendOrder, CancelOrder, PlaceOrder
from tests.build import NOON, book_order, settings
from tests.core.decide.execution.asking import asked


def pending(order_id: str = "o-1", **given: Any) -> BookOrder:
    """Ours, of an earlier signal: a limit to buy 10 at 100 that rests."""
    values = {
        "origin": "owned",
        "signal_id": "sig-0",
        "broker_order_id": f"V-{order_id}",
        "reduce_only": False,
        "post_only": False,
    }
    return book_order(order_id, **(values | given))


def cleared(
    live: Sequence[BookOrder],
    *orders: IntentOrder,
    amends: bool = False,
    **keys: Any,
) -> list[str]:
    """The steps in words: `cancel o-1`, `amend o-1`, `place 1`."""
    found = steps(
        orders or [asked(price=101)],
        live,
        settings(**keys),
        account="main",
        amends=amends,
        now=NOON,
    )
    return [_word(change) for change in found]


def _word(change: AmendOrder | CancelOrder | PlaceOrder) -> str:
    match change:
        case CancelOrder():
            return f"cancel {change.target}"
        case AmendOrder():
            return f"amend {change.target}"
        case PlaceOrder():
            return f"place {change.after.sequence}"


def test_an_order_with_nothing_in_its_way_is_placed() -> None:
    assert cleared([]) == ["place 1"]


def test_both_sides_make_way_in_a_fixed_order() -> None:
    live = [pending("o-2", side="sell"), pending("o-1")]
    assert cleared(live) == ["cancel o-1", "cancel o-2", "place 1"]


def test_only_the_other_side_when_so_configured() -> None:
    live = [pending("o-2", side="sell"), pending("o-1")]
    assert cleared(live, cancel_opposite_orders_only=True) == ["cancel o-2", "place 1"]


def test_a_market_order_cancels_limits_that_rest() -> None:
    assert cleared([pending()], asked(type="market", price=None)) == ["cancel o-1", "place 1"]


def test_every_part_is_placed_after_what_makes_way() -> None:
    parts = [asked(1, of=2, quantity=5), asked(2, of=2, quantity=5)]
    assert cleared([pending()], *parts, amends=True) == ["cancel o-1", "place 1", "place 2"]


@pytest.mark.parametrize("origin", ["external", "liquidation", "dry_run"])
@pytest.mark.parametrize("partly", [False, True])
def test_what_is_not_ours_is_never_touched(origin: str, partly: bool) -> None:
    assert cleared([pending(origin=origin)], cancel_partially_filled=partly) == ["place 1"]


@pytest.mark.parametrize(
    "kind", ["stop", "stop_limit", "trailing_stop", "take_profit", "take_profit_limit"]
)
@pytest.mark.parametrize("reduces", [True, False])
@pytest.mark.parametrize("closing", [True, False])
def test_a_protective_order_never_makes_way(kind: str, reduces: bool, closing: bool) -> None:
    row = pending(side="sell", order_type=kind, trigger_price=90, reduce_only=reduces)
    order = asked(side="sell", reduce_only=True, purpose="close") if closing else asked()
    assert cleared([row], order) == ["place 1"]


def test_neither_does_an_exit_that_a_person_approved() -> None:
    """It comes of a plan, not of a signal."""
    row = pending(side="sell", reduce_only=True, signal_id=None)
    assert cleared([row]) == ["place 1"]
    assert cleared([row], asked(side="sell", reduce_only=True, purpose="close")) == ["place 1"]


def test_a_stub_of_unknown_type_stays() -> None:
    assert cleared([pending(order_type=None)]) == ["place 1"]


def test_an_order_that_the_venue_has_not_told_of_stays() -> None:
    assert cleared([pending(broker_order_id=None)]) == ["place 1"]


@pytest.mark.parametrize(("filled", "partly", "goes"), [
    ("0", False, True), ("0.001", False, False), ("0.001", True, True),
])  # fmt: skip
def test_a_partly_filled_order_stays_unless_so_configured(
    filled: str, partly: bool, goes: bool
) -> None:
    row = pending(filled_quantity=filled, status="partially_filled" if filled != "0" else "open")
    assert ("cancel o-1" in cleared([row], cancel_partially_filled=partly)) == goes


# --- exits ----------------------------------------------------------------------------------------

CLOSE = {"side": "sell", "reduce_only": True, "purpose": "close"}


def test_an_exit_is_cleared_of_what_would_open_again_and_not_of_the_rest() -> None:
    live = [pending("o-1", side="buy"), pending("o-2", side="sell")]
    assert cleared(live, asked(**CLOSE)) == ["cancel o-1", "place 1"]


@pytest.mark.parametrize("only_opposite", [True, False])
def test_a_newer_exit_takes_the_place_of_an_older_one(only_opposite: bool) -> None:
    """Both together would take away more than is held, and the venue refuses the second."""
    older = pending(side="sell", reduce_only=True)
    newer = asked(type="market", price=None, **CLOSE)
    found = cleared([older], newer, cancel_opposite_orders_only=only_opposite)
    assert found == ["cancel o-1", "place 1"]


def test_a_new_entry_takes_the_place_of_an_exit_that_rests() -> None:
    assert cleared([pending(side="sell", reduce_only=True)]) == ["cancel o-1", "place 1"]


def test_the_exit_of_the_other_leg_stays() -> None:
    row = pending(side="buy", position_side="short", reduce_only=True)
    assert cleared([row], asked(position_side="long", **CLOSE)) == ["place 1"]
    assert cleared([row], asked(position_side="long")) == ["place 1"]


# --- amending -------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"price": 101}, {"quantity": 11}, {"price": 99, "quantity": 9}])
def test_a_single_order_that_differs_in_price_or_size_is_amended(change: dict[str, Any]) -> None:
    order = asked(**change)
    (amend,) = steps([order], [pending()], settings(), account="main", amends=True, now=NOON)
    assert isinstance(amend, AmendOrder)
    assert (amend.after.price, amend.after.quantity) == (order.price, order.quantity)
    assert amend.after.broker_order_id == amend.before.broker_order_id == "V-o-1"
    assert (amend.reason, amend.target) == ("newer_signal", "o-1")


def test_an_exit_is_amended_too() -> None:
    older = pending(side="sell", reduce_only=True)
    assert cleared([older], asked(**(CLOSE | {"price": 102})), amends=True) == ["amend o-1"]


@pytest.mark.parametrize(
    ("row", "order"),
    [
        ({"side": "sell"}, {}),
        ({"position_side": "long"}, {}),
        ({"order_type": "market", "price": None}, {}),
        ({"post_only": True}, {}),
        ({"status": "pending"}, {}),
        ({}, {"type": "market", "price": None}),
        ({}, {"price": 100}),  # nothing differs
    ],
    ids=str,
)
def test_anything_else_is_cancelled_and_placed(row: dict[str, Any], order: dict[str, Any]) -> None:
    found = cleared([pending(**row)], asked(**({"price": 101} | order)), amends=True)
    assert found == ["cancel o-1", "place 1"]


def test_a_filled_part_cannot_be_amended_away() -> None:
    row = pending(filled_quantity=1, status="open")
    found = cleared([row], amends=True, cancel_partially_filled=True)
    assert found == ["cancel o-1", "place 1"]


def test_of_several_none_is_amended() -> None:
    assert cleared([pending("o-1"), pending("o-2")], amends=True) == [
        "cancel o-1",
        "cancel o-2",
        "place 1",
    ]


def test_each_step_says_why() -> None:
    found = steps(
        [asked(price=101)], [pending()], settings(), account="main", amends=False, now=NOON
    )
    assert [change.because for change in found] == [
        "It makes way for signal sig-1.",
        "Signal sig-1 asks to open: limit buy 10 at 101.",
    ]
    assert [change.risk for change in found] == ["medium", "high"]
    (place,) = steps(
        [asked(type="market", price=None, **CLOSE)],
        [],
        settings(),
        account="main",
        amends=False,
        now=NOON,
    )
    assert (place.because, place.risk) == ("Signal sig-1 asks to close: market sell 10.", "medium")
    assert place.target == f"{asked().intent_id}.01"
