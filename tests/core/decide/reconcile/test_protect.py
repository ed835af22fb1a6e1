"""One stop per position: none missing, none too many, each as large as what it protects."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.config.settings import Account
from core.domain.moment import parse_moment
from core.domain.order import OrderRequest, OrderType, Side
from core.domain.snapshot import Found, Inconclusive, Partial, Unavailable
from core.plan.change import ChangeClass, PlaceStop, ResizeStop, class_of
from core.plan.plan import number_actions
from core.plan.proposal import Proposal
from tests.build import (
    NOON,
    book_order,
    booked,
    decision,
    instrument,
    open_step,
    order,
    position,
    quote,
    stop,
    stored,
)
from tests.told import plan, told

ON = {"require_stop": True}


def guard(*broker: Any, book: tuple[Any, ...] = (), **given: Any) -> Proposal:
    """Both sides agree about everything but what the stops are."""
    keys = {**ON, **given.pop("keys", {})}
    known = [
        *(booked(each, f"o-{each.broker_order_id}") for each in broker if hasattr(each, "type")),
        *(
            stored(
                each.quantity, side=each.side, average_price=each.average_price, symbol=each.symbol
            )
            for each in broker
            if hasattr(each, "leverage")
        ),
    ]
    return plan(list(broker), [*known, *book], keys=keys, **given)


# --- place ----------------------------------------------------------------------------------------


def test_a_position_without_a_stop_gets_one() -> None:
    seen = guard(position(5, leverage=10), instrument())
    assert told(seen) == ["+ stop BTCUSDT sell 5 at 99.2"]
    change = seen.changes[0]
    assert isinstance(change, PlaceStop)
    assert change.after == OrderRequest(
        symbol="BTCUSDT",
        side=Side.SELL,
        type=OrderType.STOP,
        quantity=Decimal(5),
        trigger_price=Decimal("99.2"),
        reduce_only=True,
    )
    assert (change.reason, class_of(change)) == ("no_stop", ChangeClass.PROTECT)
    assert change.because == (
        "The position of 5 at 100 has no stop; a loss of 8 % at leverage 10 is reached at 99.2."
    )


@pytest.mark.parametrize(
    ("held", "listed", "line"),
    [
        (position(-5, leverage=10), [instrument()], "+ stop BTCUSDT buy 5 at 100.8"),
        (position(5), [], "+ stop BTCUSDT sell 5 at 92"),
        (position(5, average_price="100.03"), [instrument()], "+ stop BTCUSDT sell 5 at 92.1"),
        (position(-5, average_price="100.03"), [instrument()], "+ stop BTCUSDT buy 5 at 108"),
        (
            position("5.0009"),
            [instrument(quantity_step="0.001")],
            "+ stop BTCUSDT sell 5 at 92",
        ),
        (position(5, side="long"), [], "+ stop BTCUSDT/long sell 5 at 92"),
        (position(5, side="short"), [], "+ stop BTCUSDT/short buy 5 at 108"),
        (position(5, leverage=0), [], "+ stop BTCUSDT sell 5 at 92"),
    ],
    ids=[
        "short",
        "default leverage",
        "rounded up, towards the entry",
        "rounded down, towards the entry",
        "in whole steps",
        "long leg",
        "short leg",
        "leverage of zero",
    ],
)
def test_where_the_stop_goes(held: Any, listed: list[Any], line: str) -> None:
    mode = "one-way" if held.side == "both" else "hedge"
    assert told(guard(held, *listed, position_mode=mode)) == [line]


def test_distance_and_leverage_are_configured() -> None:
    keys = {"initial_stop_pct": "10", "default_leverage": "5"}
    assert told(guard(position(5), keys=keys)) == ["+ stop BTCUSDT sell 5 at 98"]


@pytest.mark.parametrize(
    ("held", "keys"),
    [
        (position(5, average_price=None), {}),
        (position(5), {"initial_stop_pct": "100"}),
    ],
    ids=["no average", "the whole price"],
)
def test_without_a_price_to_stop_at_it_is_a_problem(held: Any, keys: dict[str, Any]) -> None:
    assert told(guard(held, keys=keys)) == ["! stop_price_unknown BTCUSDT"]


@pytest.mark.parametrize(
    ("held", "market", "crossed"),
    [
        (position(5), [quote(bid=92)], True),
        (position(5), [quote(bid="92.1", ask=80)], False),
        (position(-5), [quote(ask=108)], True),
        (position(-5), [quote(ask="107.9", bid=200)], False),
        (position(5, mark_price=91), [], True),
        (position(5, mark_price=91), [quote(bid=None)], True),
        (position(5, mark_price=91), [quote(bid=95)], False),
        (position(5), [], False),
    ],
)
def test_a_stop_that_is_already_crossed_is_not_placed(
    held: Any, market: list[Any], crossed: bool
) -> None:
    first = told(guard(held, *market))[0]
    assert first.startswith("! stop_already_crossed" if crossed else "+ stop")


@pytest.mark.parametrize(
    ("held", "listed", "given"),
    [
        (position(5), [], {"keys": {"require_stop": False}}),
        (
            position(5),
            [],
            {"keys": {"ACCOUNTS": {"main": Account(require_stop=False)}}},
        ),
        (position(5), [instrument(kind="spot")], {}),
        (position("0.0005"), [instrument()], {}),
        (position("0.0005"), [instrument(min_quantity=None)], {}),
        (position("1.5"), [instrument(quantity_step=1, min_quantity="1.2")], {}),
        (position(5), [], {"parts": {"orders": Partial("one page")}}),
        (position(5), [], {"parts": {"orders": Unavailable("timeout")}}),
        (position(5), [], {"parts": {"positions": Partial("one page")}}),
        (position(5), [], {"book": (open_step(),)}),
    ],
    ids=[
        "not required",
        "not required here",
        "spot",
        "dust",
        "less than a step",
        "too little in whole steps",
        "orders in part",
        "no orders",
        "positions in part",
        "a call in flight",
    ],
)
def test_when_no_stop_is_placed(held: Any, listed: list[Any], given: dict[str, Any]) -> None:
    assert guard(held, *listed, **given).changes == ()


def test_an_account_may_require_what_the_rest_does_not() -> None:
    keys = {"require_stop": False, "ACCOUNTS": {"main": Account(require_stop=True)}}
    assert told(guard(position(5), keys=keys)) == ["+ stop BTCUSDT sell 5 at 92"]
    assert guard(position(5), keys={"ACCOUNTS": {}}).changes


def test_a_stop_of_unknown_outcome_may_still_come_alive() -> None:
    lost = book_order(
        "tu-1", None, client_order_id="tu-1", order_type="stop", side="sell", status="unknown"
    )
    seen = guard(position(5), book=(lost,), lookups={"tu-1": Inconclusive("no answer")})
    assert told(seen) == [
        "! order_outcome_unknown tu-1",
        "! stop_outcome_unknown BTCUSDT",
    ]


def test_a_stop_that_only_asking_shows_is_a_stop() -> None:
    hidden = stop("S-1", 5)
    seen = guard(position(5), book=(booked(hidden, "o-s"),), lookups={"o-s": Found(hidden)})
    assert told(seen) == []


# --- resize ---------------------------------------------------------------------------------------


def test_a_stop_of_the_right_size_is_left_alone() -> None:
    assert told(guard(position(5), stop("S-1", 5))) == []
    assert told(guard(position("5.0004"), stop("S-1", 5), instrument())) == []


@pytest.mark.parametrize("type", ["stop", "stop_limit", "trailing_stop"])
def test_a_stop_of_another_size_is_resized(type: str) -> None:
    seen = guard(position(6), stop("S-1", 10, type=type))
    assert told(seen) == ["~ stop S-1: 10 → 6"]
    change = seen.changes[0]
    assert isinstance(change, ResizeStop)
    assert change.because == "The position is 6, but an external stop S-1 covers 10."


def test_what_a_stop_has_sold_already_covers_nothing_more() -> None:
    half_done = stop("S-1", 10, filled_quantity=4, status="partially_filled")
    assert "~ stop" not in " ".join(told(guard(position(6), half_done)))
    assert told(guard(position(5), half_done))[0] == "~ stop S-1: 10 → 9"


# --- one too many ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stops", "going"),
    [
        ([stop("S-1", 5), stop("S-2", 7)], "S-2"),
        ([stop("S-1", 9), stop("S-2", 6)], "S-1"),
        ([stop("S-1", 5, created_at="10:00"), stop("S-2", 5, created_at="11:00")], "S-1"),
        ([stop("S-1", 5, created_at="10:00"), stop("S-2", 5, created_at=None)], "S-2"),
        ([stop("S-1", 5), stop("S-2", 5)], "S-2"),
    ],
    ids=["exact", "nearest", "newest", "an age that is known", "first id"],
)
def test_of_two_stops_the_one_that_fits_best_stays(stops: list[Any], going: str) -> None:
    lines = told(guard(position(5), *stops))
    assert [line for line in lines if line.startswith("-")] == [f"- duplicate stop {going}"]
    assert lines == told(guard(position(5), *reversed(stops)))


def test_the_one_that_stays_is_resized_before_the_other_goes() -> None:
    seen = guard(position(5), stop("S-1", 9), stop("S-2", 6))
    assert told(seen) == ["~ stop S-2: 6 → 5", "- duplicate stop S-1"]
    assert seen.changes[1].because == (
        "The position of 5 has more than one stop; S-2 for 6 stays, an external stop for 9 goes."
    )
    resize, cancel = number_actions(seen)
    assert cancel.depends_on == (resize.id,)


def test_ours_is_called_ours() -> None:
    mine = stop("S-2", 7, client_order_id="tu-2")
    assert "our stop for 7 goes" in guard(position(5), stop("S-1"), mine).changes[0].because
    by_row = booked(stop("S-2", 7), "o-2", origin="owned")
    seen = plan([position(), stop("S-1"), stop("S-2", 7)], [stored(), booked(stop("S-1")), by_row])
    assert "our stop for 7 goes" in seen.changes[0].because


# --- stops that are not simply changed ------------------------------------------------------------


def test_of_several_the_tightest_stays_whatever_its_size() -> None:
    """A stop never loosens, also when two parts of the program moved it at once."""
    loose, tight = stop("S-1", 5), stop("S-2", 6, trigger_price="92")
    seen = guard(position(5), loose, tight)
    assert told(seen) == ["~ stop S-2: 6 → 5", "- duplicate stop S-1"]
    above = {"side": "buy", "trigger_price": "110"}
    loose, tight = stop("S-1", 5, **above), stop("S-2", 6, **above | {"trigger_price": "108"})
    seen = guard(position(-5), loose, tight)
    assert told(seen) == ["~ stop S-2: 6 → 5", "- duplicate stop S-1"]


def fixed(name: str, quantity: Any, **given: Any) -> Any:
    """A stop that its venue can only cancel, such as MEXC's plan orders."""
    return stop(name, quantity, allows="cancel", **given)


def foreign(name: str, quantity: Any, **given: Any) -> Any:
    """A stop that only another client, or a person, can touch."""
    return stop(name, quantity, allows="nothing", **given)


def test_a_stop_that_cannot_be_changed_is_replaced_the_new_one_first() -> None:
    seen = guard(position(8), fixed("S-1", 5, trigger_price="91.5", client_order_id="tu-1"))
    assert told(seen) == ["+ stop BTCUSDT sell 8 at 91.5", "- duplicate stop S-1"]
    new, old = seen.changes
    assert isinstance(new, PlaceStop)
    assert new.after == OrderRequest(
        symbol="BTCUSDT",
        side=Side.SELL,
        type=OrderType.STOP,
        quantity=Decimal(8),
        trigger_price=Decimal("91.5"),
        reduce_only=True,
    )
    assert (new.reason, old.reason) == ("replaces_stop", "replaced_stop")
    assert new.because == (
        "The position is 8, but our stop S-1 covers 5. The venue cannot change it, so a new one "
        "with the same trigger, 91.5, is placed first; S-1 is cancelled once that one stands."
    )
    assert old.because == "Once the new stop for 8 stands, our stop S-1 for 5 is one too many."


def test_the_old_stop_goes_only_once_the_new_one_stands() -> None:
    seen = guard(position(8), fixed("S-1", 5), fixed("S-2", 3))
    place, *cancels = number_actions(seen)
    assert [action.change.target for action in cancels] == ["S-1", "S-2"]
    assert {action.depends_on for action in cancels} == {(place.id,)}


def test_a_leg_waits_for_its_own_stop_only() -> None:
    legs = [position(5, side="long"), position(3, side="short")]
    stops = [
        fixed("S-1", 4, position_side="long"),
        fixed("S-2", 3, side="buy", position_side="short", created_at="10:00"),
        fixed("S-3", 3, side="buy", position_side="short"),
    ]
    place, *cancels = number_actions(guard(*legs, *stops, position_mode="hedge"))
    assert {action.change.target: action.depends_on for action in cancels} == {
        "S-1": (place.id,),
        "S-2": (),
    }


def test_a_stop_of_the_right_size_is_never_replaced() -> None:
    assert told(guard(position(5), fixed("S-1", 5))) == []
    # This is how a replacement that was cut short in the middle goes on.
    assert told(guard(position(8), fixed("S-1", 5), fixed("S-2", 8))) == ["- duplicate stop S-1"]


@pytest.mark.parametrize(
    "given", [{"type": "trailing_stop"}, {"trigger_price": None}], ids=["trailing", "no trigger"]
)
def test_what_cannot_be_placed_anew_either_is_left_standing(given: dict[str, Any]) -> None:
    seen = guard(position(8), fixed("S-1", 5, **given))
    assert told(seen) == ["! stop_not_replaceable S-1"]
    assert seen.changes == ()


@pytest.mark.parametrize(
    ("days", "ends", "lines"),
    [
        (6, "2026-01-06T12:00:01Z", []),
        (6, "2026-01-06T12:00:00Z", ["+ stop BTCUSDT sell 5 at 91", "- duplicate stop S-1"]),
        (7, "2026-01-05T12:00:01Z", []),
        (0, "2026-01-12T12:00:00Z", ["+ stop BTCUSDT sell 5 at 91", "- duplicate stop S-1"]),
    ],
)
def test_a_stop_that_the_venue_ends_by_itself_is_renewed_in_time(
    days: int, ends: str, lines: list[str]
) -> None:
    due = fixed("S-1", 5, trigger_price="91", expires_at=parse_moment(ends))
    keys = {"plan_order_renewal_days": days}
    assert told(guard(position(5), due, keys=keys)) == lines


def test_a_renewal_says_when_the_old_one_ends_and_happens_once() -> None:
    due = fixed("S-1", 5, trigger_price="91", expires_at=parse_moment("2026-01-06T00:00:00Z"))
    assert guard(position(5), due).changes[0].because == (
        "The venue ends an external stop S-1 for 5 by itself at 2026-01-06 00:00 UTC, so a new one "
        "with the same trigger, 91, is placed first; S-1 is cancelled once that one stands."
    )
    lasting = parse_moment("2026-01-12T11:59:00Z")
    fresh = fixed("S-2", 5, trigger_price="91", created_at="11:59", expires_at=lasting)
    assert told(guard(position(5), due, fresh)) == ["- duplicate stop S-1"]
    assert told(guard(position(5), fresh)) == []
    by_the_day = replace(due, broker_order_id="S-3", created_at=NOON)
    assert told(guard(position(5), fresh, by_the_day)) == ["- duplicate stop S-3"]
    # What only somebody else can touch ends when it ends.
    theirs = foreign("S-1", 5, expires_at=parse_moment("2026-01-06T00:00:00Z"))
    assert told(guard(position(5), theirs)) == []


def test_a_stop_of_somebody_else_is_that_persons_business() -> None:
    seen = guard(position(8), foreign("S-1", 5))
    assert told(seen) == ["! stop_not_ours S-1"]
    assert seen.problems[0].message == (
        "The position is 8, but an external stop S-1 covers 5. Only whoever placed it can change "
        "it, and that was not this account's connection: make it 8, or cancel it and the next "
        "plan places one, where it was placed."
    )
    assert told(guard(position(5), foreign("S-1", 5))) == []


@pytest.mark.parametrize(
    ("stops", "lines"),
    [
        ([foreign("S-1", 5), stop("S-2", 5)], ["- duplicate stop S-2"]),
        ([foreign("S-1", 4), stop("S-2", 5)], ["! stop_not_ours S-1"]),
        ([foreign("S-1", 4), stop("S-2", 2)], ["~ stop S-2: 2 → 5", "! stop_not_ours S-1"]),
        (
            [foreign("S-1", 4), foreign("S-2", 3)],
            ["! stop_not_ours S-1", "! stop_not_ours S-2"],
        ),
    ],
    ids=["theirs fits", "ours fits", "neither fits", "both theirs"],
)
def test_beside_a_stop_of_somebody_else(stops: list[Any], lines: list[str]) -> None:
    assert told(guard(position(5), *stops)) == lines


def test_an_orphan_of_somebody_else_is_only_told_of() -> None:
    assert told(guard(foreign("S-1", 5))) == ["! stop_not_ours S-1"]


def test_where_nothing_can_be_sent_nothing_is_proposed() -> None:
    seen = guard(position(5), read_only=True)
    assert told(seen) == ["! account_read_only BTCUSDT"]
    assert seen.problems[0].message.endswith(
        "can only be reconciled from here: see to it at the venue."
    )
    assert told(guard(stop("S-1", 5), read_only=True)) == ["! account_read_only S-1"]
    # Facts are recorded as everywhere.
    assert told(plan([order("V-1")], read_only=True)) == ["+ order external buy 10 open"]


# --- orphans --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broker", "why"),
    [
        ([stop("S-1", 5)], "there is no position left for it to reduce."),
        ([stop("S-1", 5), position(0)], "there is no position left for it to reduce."),
        (
            [stop("S-1", 5), position(5, symbol="ETHUSDT"), stop("S-2", 5, symbol="ETHUSDT")],
            "there is no position left for it to reduce.",
        ),
        (
            [stop("S-1", 5), position("0.0005"), instrument()],
            "there is no position left for it to reduce.",
        ),
        (
            [stop("S-1", 5), position("0.0005"), instrument(min_quantity=None)],
            "there is no position left for it to reduce.",
        ),
        (
            [stop("S-1", 5), position(-5), stop("S-2", 5, side="buy")],
            "the position it would reduce is on the other side, -5.",
        ),
    ],
    ids=["flat", "told as zero", "another symbol", "dust", "less than a step", "the other side"],
)
def test_a_stop_without_its_position_goes(broker: list[Any], why: str) -> None:
    seen = guard(*broker)
    assert told(seen) == ["- orphan stop S-1"]
    assert seen.changes[0].because == (
        f"An external reduce-only sell stop for 5 is live, but {why}"
    )


@pytest.mark.parametrize(
    "harmless",
    [
        stop("S-1", 5, reduce_only=False),
        stop("S-1", 5, reduce_only=None),
        stop("S-1", 5, type="take_profit"),
        stop("S-1", 5, status="cancelled"),
    ],
    ids=["may open", "not told", "take-profit", "ended"],
)
def test_what_is_no_stop_is_none_of_our_business(harmless: Any) -> None:
    assert told(guard(harmless)) == []
    assert told(guard(harmless, position(5))) == ["+ stop BTCUSDT sell 5 at 92"]


def test_legs_have_a_stop_each() -> None:
    legs = [position(5, side="long"), position(3, side="short")]
    stops = [
        stop("S-1", 5, position_side="long"),
        stop("S-2", 3, side="buy", position_side="short"),
    ]
    assert told(guard(*legs, *stops, position_mode="hedge")) == []
    assert told(guard(*legs, stops[0], position_mode="hedge")) == [
        "+ stop BTCUSDT/short buy 3 at 108"
    ]


def test_a_hedged_stop_that_names_no_leg_is_told_by_its_side() -> None:
    legs = [position(5, side="long"), position(3, side="short")]
    stops = [stop("S-1", 5), stop("S-2", 3, side="buy")]
    assert told(guard(*legs, *stops, position_mode="hedge")) == []


# --- one thing after the other --------------------------------------------------------------------


@pytest.mark.parametrize(
    "book",
    [(decision("ignore", broker_order_id="S-1"),), (open_step(idempotency_key="tu-9"),)],
    ids=["left alone by decision", "a call in flight"],
)
def test_a_stop_that_waits_is_neither_resized_nor_doubled(book: tuple[Any, ...]) -> None:
    assert guard(position(5), stop("S-1", 9), stop("S-2", 5), book=book).changes == ()


def test_a_stop_that_is_asked_about_is_not_touched() -> None:
    row = book_order(
        "o-1", None, order_type="stop", side="sell", quantity=9, price=None, status="pending"
    )
    seen = plan([position(5), stop("S-1", 9)], [row, stored()], keys=ON)
    assert told(seen) == ["? S-1 signature_match: o-1"]


def test_other_orders_are_not_stops() -> None:
    resting = order("V-1", side="sell", reduce_only=True)
    assert told(guard(position(5), stop("S-1", 5), resting)) == []
