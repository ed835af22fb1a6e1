"""The stop of a position that has just been entered, from what the book alone knows of it."""

from decimal import Decimal
from typing import Any

import pytest

from core.decide.reconcile.stop_price import stop_of_entry
from core.domain.order import OrderType, PositionSide, Side
from core.plan.change import PlaceStop
from tests.build import instrument, life, settings, stored


def stop(
    *, quantity: Any = 5, market: dict[str, Any] | None = None, keys: Any = None, **terms: Any
) -> PlaceStop | None:
    """Of a long of 5 at 100, ten times leveraged, unless told otherwise."""
    held = life(quantity=quantity, **terms)
    signed = held.direction.sign * held.quantity if held.side is PositionSide.BOTH else quantity
    return stop_of_entry(
        held,
        stored(signed, side=held.side, average_price=held.entry_price),
        Decimal(10),
        instrument(**(market or {})),
        settings(**(keys or {})),
    )


def trigger(**given: Any) -> Decimal | None:
    found = stop(**given)
    assert found is not None
    return found.after.trigger_price


def test_it_sells_all_that_is_held_where_the_configured_loss_is_reached() -> None:
    """8 % of the equity at a leverage of 10: 0.8 % of the price."""
    found = stop()
    assert found is not None
    wanted = found.after
    assert (wanted.side, wanted.type, wanted.reduce_only) == (Side.SELL, OrderType.STOP, True)
    assert (wanted.quantity, wanted.trigger_price) == (Decimal(5), Decimal("99.2"))
    assert found.is_first
    assert found.target == "BTCUSDT"


def test_a_short_is_bought_back_above() -> None:
    found = stop(direction="short")
    assert found is not None
    assert (found.after.side, found.after.trigger_price) == (Side.BUY, Decimal("100.8"))


def test_a_leg_of_a_hedge_is_protected_as_that_leg() -> None:
    found = stop(direction="short", side="short", mode="hedge")
    assert found is not None
    assert (found.after.position_side, found.after.side) == (PositionSide.SHORT, Side.BUY)


def test_what_its_signal_asked_for_comes_first() -> None:
    assert trigger(stop_loss_pct=4) == Decimal("99.6")


@pytest.mark.parametrize(("stood", "expected"), [("99.5", "99.5"), ("95", "99.2")])
def test_it_is_never_looser_than_the_last_one_that_stood(stood: str, expected: str) -> None:
    """An entry that adds to a position whose stop has just gone."""
    assert trigger(stop_price=stood) == Decimal(expected)


def test_only_whole_steps_are_protected() -> None:
    found = stop(quantity="4.9999")
    assert found is not None
    assert found.after.quantity == Decimal("4.999")


@pytest.mark.parametrize(
    "given",
    [
        {"entry_price": None},
        {"quantity": "0.0005"},
        {"quantity": "0.004", "market": {"min_quantity": "0.005"}},
        {"quantity": "0.0005", "market": {"min_quantity": None}},
        {"market": {"kind": "spot"}},
        {"keys": {"require_stop": False}},
    ],
    ids=[
        "no price is known",
        "less than a step",
        "less than the venue trades",
        "less than a step, and no minimum is told",
        "owned on spot",
        "no stop is wanted",
    ],
)
def test_nothing_is_placed_where_none_belongs_or_none_can_be_reckoned(
    given: dict[str, Any],
) -> None:
    assert stop(**given) is None
