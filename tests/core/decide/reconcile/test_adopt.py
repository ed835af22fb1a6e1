"""The diff table, position by position: explained by executions, or adopted by a person."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.decide.reconcile.propose import propose
from core.domain.position import BookPosition, PositionKey
from core.domain.snapshot import Partial, Unavailable
from core.plan.change import AdoptPosition, ChangeClass, Risk, class_of
from tests.applied import apply_changes
from tests.build import (
    NOON,
    adjustment,
    book_execution,
    book_view,
    execution,
    instrument,
    observation,
    open_step,
    position,
    settings,
    stored,
)
from tests.told import plan, told


def adopted(broker: list[Any], book: list[Any], **given: Any) -> AdoptPosition:
    (change,) = (c for c in plan(broker, book, **given).changes if isinstance(c, AdoptPosition))
    return change


def fill(quantity: Any = 5, **given: Any) -> Any:
    """An execution that names no order, so that a plan speaks of positions alone."""
    return execution(given.pop("name", "T-1"), quantity, broker_order_id=None, **given)


def test_a_position_that_all_tell_alike_is_unchanged() -> None:
    seen = plan([position()], [stored()])
    assert (told(seen), seen.unchanged) == ([], 1)


def test_marks_and_profit_move_by_themselves() -> None:
    seen = plan([position(mark_price=140, unrealized_pnl=200)], [stored(mark_price=90)])
    assert told(seen) == []


def test_new_executions_explain_the_difference_and_nothing_else_is_proposed() -> None:
    """book: 5 at 100 / broker: 10 at 101, and a purchase of 5 at 102 / plan: the purchase"""
    seen = plan([position(10, average_price=101), fill(5, price=102)], [stored()])
    assert told(seen) == ["+ execution T-1 buy 5 at 102"]
    assert seen.unchanged == 0


def test_a_fee_in_kind_is_part_of_the_explanation() -> None:
    bought = fill(1, fee="0.001", fee_currency="BTC")
    seen = plan([position("0.999"), bought, instrument(kind="spot")], [])
    assert told(seen) == ["+ execution T-1 buy 1 at 100"]


def test_what_executions_do_not_explain_waits_for_a_person() -> None:
    """book: 5 / broker: 10, of which a purchase of 3 is told / plan: the purchase, 2 unexplained"""
    seen = plan([position(10, mark_price=103, unrealized_pnl=20), fill(3)], [stored()])
    assert told(seen) == [
        "+ execution T-1 buy 3 at 100",
        "~ position BTCUSDT: 5 → 10 at 100, 2 unexplained",
    ]
    change = seen.changes[1]
    assert isinstance(change, AdoptPosition)
    assert (change.reason, change.risk) == ("position_unexplained", Risk.HIGH)
    assert class_of(change) is ChangeClass.CORRECT
    assert change.because == (
        "The broker reports 10 at 100; the book holds 5 at 100, which its new executions bring to "
        "8 at 100; no execution explains 2."
    )


def test_the_broker_is_taken_over_as_it_is_but_profit_is_kept() -> None:
    before = stored(5, realized_pnl=7, state="trailing", updated_at="10:00")
    change = adopted([position(6, average_price=102, mark_price=103, unrealized_pnl=6)], [before])
    assert change.before == before
    assert change.after == replace(
        before,
        quantity=Decimal(6),
        average_price=Decimal(102),
        mark_price=Decimal(103),
        unrealized_pnl=Decimal(6),
        updated_at=NOON,
        last_snapshot_at=NOON,
    )


def test_a_manual_trade_that_nobody_told_of() -> None:
    change = adopted([position(5)], [])
    assert (change.before, change.unexplained, change.after.state) == (None, 5, "open")
    assert change.because.startswith("The broker reports 5 at 100; the book holds 0;")


def test_an_average_that_differs_is_adopted_too() -> None:
    change = adopted([position(5, average_price=101)], [stored()])
    assert change.unexplained == 0
    assert change.because.endswith("the quantity is explained, the average price is not.")


@pytest.mark.parametrize(
    ("told_average", "kept_average", "listed", "differs"),
    [
        ("100.04", 100, [instrument()], False),
        ("100.05", 100, [instrument()], True),
        ("100.00001", 100, [], False),
        ("100.001", 100, [], True),
        ("100.00001", 100, [instrument(price_tick=None)], False),
        (None, 100, [], False),
        (100, None, [], False),
    ],
)
def test_averages_closer_than_half_a_tick_are_one(
    told_average: Any, kept_average: Any, listed: list[Any], differs: bool
) -> None:
    broker = [position(average_price=told_average), *listed]
    assert bool(plan(broker, [stored(average_price=kept_average)]).changes) is differs


@pytest.mark.parametrize(
    ("told_average", "fee", "differs"),
    [
        ("100.2", "1", False),
        ("99.8", "1", False),
        ("100.24", "1", False),
        ("100.3", "1", True),
        ("100.2", "0", True),
        ("100.2", "-1", False),
        ("140", None, False),
    ],
)
def test_an_average_with_fees_may_differ_by_the_fees_paid(
    told_average: str, fee: str | None, differs: bool
) -> None:
    """book: bought 5 at 100 for a fee / broker: 5 at an average that contains it, within half a
    tick"""
    bought = book_execution(quantity=5, price=100, fee=fee, fee_currency="USDT")
    broker = [position(5, average_price=told_average, fees_in_average=True), instrument()]
    assert bool(plan(broker, [stored(), bought]).changes) is differs


def test_the_fees_of_new_executions_count_as_well_and_per_contract() -> None:
    """book: nothing / broker: bought 2 of multiplier 50 for a fee of 5, told at 100.05"""
    future = instrument(kind="future", multiplier=50, price_tick="0.01")
    held = position(2, average_price="100.05", fees_in_average=True)
    seen = plan([held, fill(2, fee=5), future])
    assert told(seen) == ["+ execution T-1 buy 2 at 100"]
    dearer = replace(held, average_price=Decimal("100.06"))
    assert len(plan([dearer, fill(2, fee=5), future]).changes) == 2


def test_where_fees_are_not_in_the_average_they_explain_nothing() -> None:
    bought = book_execution(quantity=5, price=100, fee=1, fee_currency="USDT")
    assert plan([position(5, average_price="100.2"), instrument()], [stored(), bought]).changes


def test_closed_elsewhere_without_a_trace() -> None:
    """book: 5 / broker: no position / plan: adopt the closing, unexplained"""
    seen = plan([], [stored()])
    assert told(seen) == ["~ position BTCUSDT: 5 → 0, -5 unexplained"]
    change = seen.changes[0]
    assert change.reason == "closed_externally"
    after = change.after
    assert isinstance(after, BookPosition)
    assert (after.average_price, after.state, after.dust) == (None, "closed", False)


def test_closed_elsewhere_but_the_executions_tell_how() -> None:
    seen = plan([fill(5, side="sell", price=110)], [stored()])
    assert told(seen) == ["+ execution T-1 sell 5 at 110"]


def test_closed_elsewhere_with_a_part_of_the_executions() -> None:
    seen = plan([fill(2, side="sell", price=110), position(0)], [stored()])
    assert told(seen) == [
        "+ execution T-1 sell 2 at 110",
        "~ position BTCUSDT: 5 → 0, -3 unexplained",
    ]
    assert seen.changes[1].after.realized_pnl == 20


def test_executions_that_left_no_position_explain_each_other() -> None:
    there_and_back = [fill(5), fill(5, name="T-2", side="sell", executed_at="11:10")]
    assert told(plan(there_and_back, [])) == [
        "+ execution T-1 buy 5 at 100",
        "+ execution T-2 sell 5 at 100",
    ]


def test_executions_whose_position_the_broker_does_not_show() -> None:
    assert told(plan([fill(5)], [])) == [
        "+ execution T-1 buy 5 at 100",
        "~ position BTCUSDT: nothing → 0, -5 unexplained",
    ]


def test_a_corrected_execution_corrects_the_position() -> None:
    book = [book_execution("T-1", 5, broker_order_id=None), stored()]
    assert told(plan([fill(4), position(4)], book)) == ["~ execution T-1: quantity 4"]


def test_a_late_execution_replaces_what_was_adopted_for_it() -> None:
    """adopted at noon: 5 / broker: still 5, and now the purchase is told / plan: the purchase"""
    book = [stored(), adjustment(5)]
    assert told(plan([position(), fill(5)], book)) == ["+ execution T-1 buy 5 at 100"]
    half = [book_execution("T-0", 2, recorded_serial=11), *book]
    assert told(plan([position(), fill(3)], half)) == ["+ execution T-1 buy 3 at 100"]


# --- dust, legs, accounts -------------------------------------------------------------------------


def test_dust_on_both_sides_is_left_alone() -> None:
    assert told(plan([position("0.0005"), instrument()], [])) == []
    assert told(plan([instrument()], [stored("0.0004", dust=True)])) == []
    assert told(plan([position("0.0005"), instrument()], [stored("0.0004")])) == []


def test_dust_on_one_side_only_is_a_difference() -> None:
    seen = plan([position("0.0005"), instrument()], [stored()])
    assert told(seen) == ["~ position BTCUSDT: 5 → 0.0005 at 100, -4.9995 unexplained"]
    assert seen.changes[0].after.dust


def test_legs_of_a_hedge_are_compared_one_by_one() -> None:
    legs = [position(5, side="long"), position(5, side="short")]
    seen = plan(legs, [stored(5, side="long", mode="hedge")], position_mode="hedge")
    assert told(seen) == ["~ position BTCUSDT/short: nothing → 5 at 100, 5 unexplained"]
    assert seen.changes[0].after.mode == "hedge"


def test_a_short_leg_follows_its_sales() -> None:
    sale = fill(5, side="sell", position_side="short")
    seen = plan([position(5, side="short"), sale], [], position_mode="hedge")
    assert told(seen) == ["+ execution T-1 sell 5 at 100"]


def test_two_accounts_with_one_symbol_never_mix() -> None:
    long = plan([position(5)], [stored(5)], account="main")
    short = plan([position(-5)], [stored(-5, account="second")], account="second")
    assert told(long) == told(short) == []


# --- when not enough is known ---------------------------------------------------------------------


@pytest.mark.parametrize("part", [Partial("one page"), Unavailable("timeout")])
def test_an_incomplete_listing_of_positions_changes_none(part: Partial | Unavailable) -> None:
    seen = plan([position(7)], [stored(5)], parts={"positions": part})
    assert [change.kind for change in seen.changes] == []
    assert [problem.subject for problem in seen.problems] == ["positions"]


@pytest.mark.parametrize("part", [Partial("one page"), Unavailable("timeout")])
def test_without_all_executions_a_difference_is_only_named(part: Partial | Unavailable) -> None:
    seen = plan([position(7)], [stored(5)], parts={"executions": part})
    assert not seen.changes
    assert "position_differs" in {problem.code for problem in seen.problems}


def test_a_call_in_flight_may_be_moving_the_position() -> None:
    seen = plan([position(7)], [stored(5), open_step()])
    assert told(seen) == ["! step_unresolved s-1"]


# --- stored, computed, told -----------------------------------------------------------------------


def test_what_is_stored_and_told_alike_but_made_by_no_rows_waits_for_a_person() -> None:
    """book: 5 stored, rows make 3 / broker: 5 / plan: 2 unexplained, as an adjustment"""
    seen = plan([position(5)], [stored(5), book_execution("T-1", 3)])
    assert told(seen) == ["~ position BTCUSDT: 5 → 5 at 100, 2 unexplained"]
    assert seen.changes[0].because == (
        "The broker reports 5 at 100; the book holds 5 at 100, but its own executions and "
        "adjustments add up to 3 at 100; no execution explains 2."
    )


def test_what_is_stored_is_set_right_where_the_rows_make_what_the_broker_tells() -> None:
    """book: 7 stored, rows make 5 / broker: 5 / plan: 7 → 5, and there is nothing to adjust"""
    change = adopted([position(5)], [stored(7), book_execution("T-1", 5)])
    assert (change.before, change.after.quantity, change.unexplained) == (stored(7), 5, 0)
    assert change.because == (
        "The broker reports 5 at 100; the book holds 7 at 100, but its own executions and "
        "adjustments add up to 5 at 100, as the broker says; what is stored is explained by "
        "nothing."
    )


def test_where_all_three_differ_the_adjustment_is_what_the_rows_lack() -> None:
    seen = plan([position(7)], [stored(5), book_execution("T-1", 3)])
    assert told(seen) == ["~ position BTCUSDT: 5 → 7 at 100, 4 unexplained"]


def test_rows_of_a_position_that_nobody_holds_are_set_off() -> None:
    """book: nothing stored, rows make 3 / broker: nothing"""
    seen = plan([], [book_execution("T-1", 3)])
    assert told(seen) == ["~ position BTCUSDT: nothing → 0, -3 unexplained"]


def test_new_rows_move_both_figures_of_the_book() -> None:
    """book: 5 stored, rows make 3 / broker: 7, and a purchase of 2 is told"""
    seen = plan([position(7), fill(2, name="T-2")], [stored(5), book_execution("T-1", 3)])
    assert told(seen) == [
        "+ execution T-2 buy 2 at 100",
        "~ position BTCUSDT: 5 → 7 at 100, 2 unexplained",
    ]


@pytest.mark.parametrize(
    ("told_quantity", "kept", "made"), [(5, 5, 3), (5, 7, 5), (7, 5, 3), (0, 0, 3), (0, 3, 0)]
)
def test_once_it_is_adopted_all_three_agree(told_quantity: int, kept: int, made: int) -> None:
    broker = [position(told_quantity)] if told_quantity else []
    seen = observation(broker, [stored(kept), book_execution("T-1", made)])
    configured = settings(require_stop=False)
    after = apply_changes(seen, propose(seen, configured, NOON))
    key = PositionKey("main", "BTCUSDT")
    assert after.book.computed[key].quantity == told_quantity
    assert told(propose(after, configured, NOON)) == []


def test_a_leg_of_a_hedge_is_set_right_as_a_leg() -> None:
    """book: 5 short stored, rows make 3 short / broker: 5 short"""
    sold = book_execution("T-1", 3, side="sell", position_side="short")
    seen = plan([position(5, side="short")], [stored(5, side="short"), sold])
    assert told(seen) == ["~ position BTCUSDT/short: 5 → 5 at 100, 2 unexplained"]


def test_dust_that_rows_left_behind_is_left_alone() -> None:
    seen = plan([instrument()], [stored(0), book_execution("T-1", "0.0004")])
    assert not seen.changes


@pytest.mark.parametrize("part", ["positions", "executions"])
def test_what_the_rows_do_not_make_is_only_named_while_the_broker_is_not_known(part: str) -> None:
    seen = plan(
        [position(5)], [stored(5), book_execution("T-1", 3)], parts={part: Unavailable("timeout")}
    )
    assert not seen.changes
    (problem,) = (each for each in seen.problems if each.code == "position_computed_differs")
    assert problem.message == (
        "The book stores 5 at 100 of BTCUSDT, but its own executions and adjustments add up to "
        "3 at 100."
    )


def test_an_average_that_the_rows_make_otherwise_is_only_named() -> None:
    """book: 5 at 100 stored, rows make 5 at 98 / broker: 5 at 100"""
    seen = plan([position(5)], [stored(5), book_execution("T-1", 5, price=98)])
    assert told(seen) == ["! position_computed_differs BTCUSDT"]


def test_a_position_that_nobody_added_up_is_not_judged() -> None:
    view = replace(book_view(stored()), computed={})
    assert told(plan([position()], view)) == []


def test_an_adjustment_explains_what_is_stored() -> None:
    book = [stored(5), book_execution("T-1", 3), adjustment(2)]
    assert told(plan([position(5)], book)) == []
