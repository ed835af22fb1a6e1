"""What the witness says of one position: three figures, exactly one stop, or what is amiss."""

from typing import Any

import pytest

from core.decide import witness
from core.domain.money import decimal_text
from core.domain.snapshot import Partial, Unavailable
from tests.build import instrument, observation, order, position, stop, stored


def witnessed(
    broker: tuple[Any, ...], book: tuple[Any, ...] = (), **given: Any
) -> witness.Testimony:
    """The only testimony there is."""
    (only,) = witness.testify(observation((instrument(), *broker), book, **given))
    return only


def findings(broker: tuple[Any, ...], book: tuple[Any, ...] = (), **given: Any) -> list[str]:
    return list(witnessed(broker, book, **given).findings)


def test_three_equal_figures_and_one_stop_leave_nothing_to_say() -> None:
    told = witnessed((position(5), stop("S-1", 5)), (stored(5),))
    assert (told.stored, told.computed, told.broker) == (5, 5, 5)
    assert (told.stops, told.stopped_quantity, told.findings) == (("S-1",), 5, ())


@pytest.mark.parametrize(
    ("held", "booked", "told"),
    [
        (5, 4, ["stored 4 ≠ broker 5", "computed 4 ≠ broker 5"]),
        (5, 0, ["stored 0 ≠ broker 5", "computed 0 ≠ broker 5"]),
        (0, 4, ["stored 4 ≠ broker 0", "computed 4 ≠ broker 0"]),
    ],
)
def test_every_pair_that_differs_is_named(held: int, booked: int, told: list[str]) -> None:
    assert findings((position(held), stop("S-1", 5)), (stored(booked),)) == told


def test_what_neither_side_holds_is_not_spoken_of() -> None:
    assert witness.testify(observation((position(0), stop("S-1", 5)), (stored(0),))) == []


# --- the stop -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stops", "told"),
    [
        ([], ["no reduce-only stop"]),
        ([stop("S-1", 5), stop("S-2", 5)], ["2 reduce-only stops"]),
        ([stop("S-1", 8)], ["stop for 8, position 5"]),
        ([stop("S-1", 8, filled_quantity=3, status="partially_filled")], []),
        ([stop("S-1", 5, type="trailing_stop")], []),
        ([stop("S-1", 5, type="take_profit")], ["no reduce-only stop"]),
        ([stop("S-1", 5, reduce_only=False)], ["no reduce-only stop"]),
        ([stop("S-1", 5, reduce_only=None)], ["no reduce-only stop"]),
        ([stop("S-1", 5, status="cancelled")], ["no reduce-only stop"]),
        ([stop("S-1", 5, side="buy")], ["no reduce-only stop"]),
        ([stop("S-1", 5, symbol="ETHUSDT")], ["no reduce-only stop"]),
        ([order("V-1", side="sell", quantity=5, reduce_only=True)], ["no reduce-only stop"]),
    ],
)
def test_exactly_one_live_stop_of_the_right_size_protects(
    stops: list[Any], told: list[str]
) -> None:
    assert findings((position(5), *stops), (stored(5),)) == told


@pytest.mark.parametrize(
    ("held", "stopped", "step", "told"),
    [
        ("5.0005", "5", "0.001", []),
        ("5.001", "5", "0.001", ["stop for 5, position 5.001"]),
        ("5", "5.0005", "0.001", ["stop for 5.0005, position 5"]),
        ("5.0005", "5", None, ["stop for 5, position 5.0005"]),
    ],
)
def test_only_a_rest_below_the_step_may_stay_without_a_stop(
    held: str, stopped: str, step: str | None, told: list[str]
) -> None:
    market = instrument(quantity_step=step)
    assert findings((market, position(held), stop("S-1", stopped)), (stored(held),)) == told


def test_without_an_instrument_a_stop_is_for_all_of_it() -> None:
    held = position(5, symbol="ETHUSDT")
    seen = (held, stop("S-1", 4, symbol="ETHUSDT"))
    assert findings(seen, (stored(5, symbol="ETHUSDT"),)) == ["stop for 4, position 5"]


def test_a_short_position_is_protected_by_a_purchase() -> None:
    assert findings((position(-5), stop("S-1", 5, side="buy")), (stored(-5),)) == []
    assert findings((position(-5), stop("S-1", 5)), (stored(-5),)) == ["no reduce-only stop"]


@pytest.mark.parametrize(
    ("leg", "meant_for", "told"),
    [
        ("long", "long", []),
        ("long", "both", []),
        ("long", "short", ["no reduce-only stop"]),
        ("short", "both", ["no reduce-only stop"]),  # it sells, and so opens more of a short
    ],
)
def test_a_leg_of_a_hedge_has_a_stop_of_its_own(leg: str, meant_for: str, told: list[str]) -> None:
    held = position(5, side=leg)
    booked = stored(5, side=leg, mode="hedge")
    seen = (held, stop("S-1", 5, position_side=meant_for))
    assert findings(seen, (booked,), position_mode="hedge") == told


def test_both_legs_of_a_hedge_are_told_apart() -> None:
    legs = (position(5, side="long"), position(3, side="short"))
    stops = (
        stop("S-1", 5, position_side="long"),
        stop("S-2", 3, position_side="short", side="buy"),
    )
    told = witness.testify(observation((*legs, *stops), position_mode="hedge"))
    assert [(one.key.side, one.stops, decimal_text(one.stopped_quantity)) for one in told] == [
        ("long", ("S-1",), "5"),
        ("short", ("S-2",), "3"),
    ]


# --- exempt -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "market",
    [instrument("ETHUSDT", kind="spot"), instrument("ETHUSDT", min_quantity=10)],
    ids=["spot", "dust"],
)
def test_holdings_on_spot_and_dust_need_no_stop(market: Any) -> None:
    held = position(5, symbol="ETHUSDT")
    assert findings((market, held), (stored(5, symbol="ETHUSDT"),)) == []


@pytest.mark.parametrize("markets", [(), (instrument("ETHUSDT", min_quantity=None),)])
def test_without_a_minimum_nothing_is_dust(markets: tuple[Any, ...]) -> None:
    held = position("0.001", symbol="ETHUSDT")
    booked = stored("0.001", symbol="ETHUSDT")
    assert findings((*markets, held), (booked,)) == ["no reduce-only stop"]


# --- what the broker does not tell ----------------------------------------------------------------


def test_a_position_missing_from_an_incomplete_listing_is_not_zero() -> None:
    told = witnessed((), (stored(5),), parts={"positions": Partial("one page of two")})
    assert (told.broker, told.findings) == (None, ("the broker's position is not known",))


def test_a_position_told_in_an_incomplete_listing_is_believed() -> None:
    parts = {"positions": Partial("one page of two")}
    assert findings((position(5), stop("S-1", 5)), (stored(5),), parts=parts) == []


def test_stops_of_an_incomplete_listing_are_not_judged() -> None:
    parts = {"orders": Unavailable("timeout")}
    assert findings((position(5),), (stored(5),), parts=parts) == [
        "the broker's orders are not known, so its stops are not either"
    ]
