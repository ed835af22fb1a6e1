"""Who is who: by identifiers, never by looks; what is doubtful is a question, never an action."""

from decimal import Decimal
from typing import Any

import pytest

from core.domain.ambiguity import AmbiguityReason
from core.domain.order import BookOrder, BrokerOrder
from core.domain.snapshot import Absent
from core.plan.proposal import Proposal
from tests.build import (
    book_order,
    booked,
    decision,
    execution,
    instrument,
    order,
    position,
    stored,
)
from tests.told import plan, told

# An order as the book has it before any word from the broker.
SENT: dict[str, Any] = {"broker_order_id": None, "status": "pending"}


# --- by identifiers -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["broker_order_id", "client_order_id", "perm_id"])
def test_one_durable_identifier_is_enough(name: str) -> None:
    listed = order("V-1", client_order_id="c-1", perm_id="P-1")
    row = book_order("o-1", **(SENT | {name: getattr(listed, name)}))
    changes = plan([listed], [row]).changes
    assert [change.target for change in changes] == ["o-1"]


def test_the_row_learns_the_identifiers_that_it_lacked() -> None:
    row = book_order("tu-1", client_order_id="tu-1", **SENT)
    seen = plan([order("V-1", client_order_id="tu-1", perm_id="P-1")], [row])
    assert told(seen) == ["~ order tu-1: broker_order_id V-1, perm_id P-1, status open"]


def test_identifiers_that_point_at_two_rows_are_a_question() -> None:
    one, other = book_order("o-1", "V-1"), book_order("o-2", "V-2", client_order_id="c-2")
    seen = plan([order("V-1", client_order_id="c-2")], [one, other])
    assert told(seen) == ["? V-1 identifiers_disagree: o-1 o-2"]


def test_one_identifier_that_agrees_does_not_outweigh_one_that_does_not() -> None:
    row = book_order("o-1", "V-7", client_order_id="c-1")
    assert told(plan([order("V-1", client_order_id="c-1")], [row])) == [
        "? V-1 identifiers_disagree: o-1"
    ]


def test_the_same_id_on_the_other_side_is_a_question() -> None:
    assert told(plan([order(side="sell")], [book_order()])) == ["? V-1 identifiers_disagree: o-1"]


def test_a_row_that_two_live_orders_claim_belongs_to_neither() -> None:
    row = book_order("o-1", None, client_order_id="c-1")
    twice = [order("V-1", client_order_id="c-1"), order("V-2", client_order_id="c-1")]
    assert told(plan(twice, [row])) == [
        "? V-1 identifiers_disagree: o-1",
        "? V-2 identifiers_disagree: o-1",
    ]


def test_a_doubt_about_a_row_holds_back_its_rightful_order_too() -> None:
    row = book_order("o-1", "V-1", client_order_id="c-1")
    twice = [order("V-1", client_order_id="c-1", price=99), order("V-2", client_order_id="c-1")]
    assert told(plan(twice, [row])) == [
        "? V-1 identifiers_disagree: o-1",
        "? V-2 identifiers_disagree: o-1",
    ]


def test_a_foreign_client_id_used_for_every_order_does_not_confuse_known_ones() -> None:
    listed = [order(name, client_order_id="bot") for name in ("V-1", "V-2")]
    rows = [booked(each, f"o-{each.broker_order_id}") for each in listed]
    assert told(plan(listed, rows)) == []


# --- by looks -----------------------------------------------------------------------------------


def test_a_single_order_that_looks_the_same_is_a_question_not_a_match() -> None:
    row = book_order("o-1", created_at="10:57", **SENT)
    seen = plan([order()], [row])
    assert told(seen) == ["? V-1 signature_match: o-1"]
    (question,) = seen.ambiguous
    (candidate,) = question.candidates
    assert candidate.agree == (
        "symbol",
        "side",
        "position_side",
        "price",
        "quantity",
        "order_type",
    )
    assert candidate.differ == ("created_at",)
    assert candidate.score == Decimal("0.86")


def test_several_that_look_the_same_are_listed_the_likeliest_first() -> None:
    rows = [
        book_order("o-1", created_at="10:57", **SENT),
        book_order("o-2", **SENT),
        book_order("o-3", time_in_force="IOC", **SENT),
    ]
    seen = plan([order(time_in_force="GTC")], rows)
    assert told(seen) == ["? V-1 several_candidates: o-2 o-3 o-1"]


@pytest.mark.parametrize(
    "differing",
    [
        {"symbol": "ETHUSDT"},
        {"side": "sell"},
        {"position_side": "long"},
        {"order_type": "stop_limit"},
        {"quantity": 11},
        {"price": "100.2"},
        {"price": None},
        {"created_at": "10:54:59"},
        {"created_at": "11:05:01"},
        {"created_at": None},
        {"status": "cancelled"},
        {"status": "dry_run"},
    ],
    ids=lambda differing: "-".join(map(str, *differing.items())),
)
def test_what_differs_in_its_looks_is_another_order(differing: dict[str, Any]) -> None:
    row = book_order("o-1", **(SENT | differing))
    seen = plan([order(), instrument()], [row], lookups={"o-1": Absent()})
    assert told(seen)[0] == "+ order external buy 10 open"
    assert not seen.ambiguous


def test_within_one_tick_prices_look_the_same_unless_they_must_be_exact() -> None:
    row = book_order("o-1", price="100.1", **SENT)
    assert plan([order(), instrument()], [row]).ambiguous
    assert not plan([order()], [row]).ambiguous  # no tick is known
    exact = {"require_exact_price_match": True}
    assert not plan([order(), instrument()], [row], keys=exact).ambiguous


def test_two_market_orders_look_the_same_without_a_price() -> None:
    row = book_order("o-1", order_type="market", **SENT)
    assert plan([order(type="market")], [row]).ambiguous


def test_an_order_without_a_birthday_looks_like_no_other() -> None:
    assert told(plan([order(created_at=None)], [])) == ["+ order external buy 10 open"]
    row = book_order("o-1", **SENT)
    assert not plan([order(created_at=None)], [row]).ambiguous


def test_a_row_that_an_identifier_claims_is_no_candidate() -> None:
    row = book_order("o-1", "V-1")
    seen = plan([order("V-1"), order("V-2")], [row])
    assert told(seen) == ["+ order external buy 10 open"]


# --- nothing happens while a question is open ----------------------------------------------------


def test_a_question_holds_back_everything_that_hangs_on_it() -> None:
    """book: a buy of 10 sent / broker: such a buy, 4 filled, 4 held / plan: only the question"""
    row = book_order("o-1", **SENT)
    broker = [
        order(filled_quantity=4, status="partially_filled"),
        execution("T-1", 4),
        position(4),
    ]
    seen = plan(broker, [row], lookups={"o-1": Absent()})
    assert told(seen) == [
        "? V-1 signature_match: o-1",
        "! position_waits_for_match BTCUSDT",
    ]
    assert "no execution explains 4" in seen.problems[0].message


def test_the_executions_of_a_candidate_wait_too() -> None:
    row = book_order("o-1", None, client_order_id="c-1")
    late = execution("T-1", 4, broker_order_id="V-8", client_order_id="c-1")
    assert told(plan([order(), late], [row])) == ["? V-1 signature_match: o-1"]


def test_other_positions_do_not_wait() -> None:
    row = book_order("o-1", **SENT)
    seen = plan([order(), position(2, symbol="ETHUSDT")], [row])
    assert told(seen) == [
        "~ position ETHUSDT: nothing → 2 at 100, 2 unexplained",
        "? V-1 signature_match: o-1",
    ]


# --- what a person decided ------------------------------------------------------------------------


def questioned(*decisions: Any) -> Proposal:
    row = book_order("o-1", **SENT)
    broker = [order(), execution("T-1", 4), position(4)]
    return plan(broker, [row, *decisions], lookups={"o-1": Absent()})


def test_decided_to_be_that_row() -> None:
    assert told(questioned(decision("match", "o-1"))) == [
        "~ order o-1: broker_order_id V-1, status open",
        "+ execution T-1 buy 4 at 100",
    ]


def test_decided_to_be_new() -> None:
    assert told(questioned(decision("insert"))) == [
        "+ order external buy 10 open",
        "- order o-1 orphaned_deleted",
        "+ execution T-1 buy 4 at 100",
    ]


def test_decided_to_be_left_alone() -> None:
    assert told(questioned(decision("ignore"))) == [
        "- order o-1 orphaned_deleted",
        "~ position BTCUSDT: nothing → 4 at 100, 4 unexplained",
        "! ignored_by_decision V-1",
    ]


def test_an_ignored_order_keeps_its_row_as_it_is() -> None:
    seen = plan([order(price=99)], [book_order(), decision("ignore")])
    assert told(seen) == ["! ignored_by_decision V-1"]
    assert "ana decided to ignore" in seen.problems[0].message


def test_a_decision_for_a_row_that_is_gone_must_be_made_again() -> None:
    assert told(questioned(decision("match", "o-9")))[:2] == [
        "? V-1 signature_match: o-1",
        "! decision_outdated V-1",
    ]
    seen = plan([order()], [decision("match", "o-9")])
    assert told(seen) == ["? V-1 signature_match: ", "! decision_outdated V-1"]


def test_a_decision_that_identifiers_have_caught_up_with_is_spent() -> None:
    row = booked(order(), "o-1")
    assert told(plan([order()], [row, decision("insert")])) == []
    assert told(plan([order()], [row, decision("match", "o-1")])) == []
    assert told(plan([order()], [row, decision("match", "o-9")])) == []


def test_a_question_of_identifiers_is_settled_by_a_decision_too() -> None:
    rows = [book_order("o-1", "V-1"), book_order("o-2", "V-2", client_order_id="c-2")]
    listed = [order("V-1", client_order_id="c-2"), order("V-2", price=99)]
    assert told(plan(listed, [*rows, decision("match", "o-1")])) == [
        "~ order o-1: client_order_id c-2",
        "~ order o-2: price 99",
    ]


def test_two_orders_decided_to_be_one_row_are_asked_about_again() -> None:
    row = book_order("o-1", **SENT)
    both = [decision("match", "o-1"), decision("match", "o-1", broker_order_id="V-2")]
    assert told(plan([order("V-1"), order("V-2")], [row, *both])) == [
        "? V-1 identifiers_disagree: o-1",
        "? V-2 identifiers_disagree: o-1",
    ]


# --- replaced orders ------------------------------------------------------------------------------


def replaced(
    *, first: str = "cancelled", second: str = "open", **of_second: Any
) -> list[BrokerOrder]:
    """One client id: V-1 and what became of it, V-2."""
    return [
        order("V-1", client_order_id="c-1", status=first, updated_at="11:10"),
        order("V-2", client_order_id="c-1", status=second, updated_at="11:11", **of_second),
    ]


def old_row(**given: Any) -> BookOrder:
    return book_order("o-1", "V-1", client_order_id="c-1", **given)


def test_a_replaced_order_is_one_order_under_its_new_id() -> None:
    assert told(plan(replaced(price=99), [old_row()])) == [
        "~ order o-1: broker_order_id V-2, price 99"
    ]


def test_once_recorded_a_replaced_order_is_unchanged() -> None:
    row = booked(replaced()[1], "o-1")
    assert told(plan(replaced(), [row])) == []


@pytest.mark.parametrize("second", ["open", "filled", "cancelled"])
def test_the_replaced_life_may_have_left_the_listing(second: str) -> None:
    listed = replaced(second=second)[1:]
    seen = plan(listed, [old_row(status="cancelled", updated_at="11:10")])
    expected = {"open": ", status open", "filled": ", status filled", "cancelled": ""}[second]
    assert told(seen) == [f"~ order o-1: broker_order_id V-2{expected}"]


def test_the_new_life_may_be_known_already() -> None:
    """The sieve hands over only what differs: the live row was equal, its ended past is not."""
    row = booked(replaced()[1], "o-1")
    seen = plan([replaced()[0], execution("T-1", 4), position(4)], [row])
    assert told(seen) == ["+ execution T-1 buy 4 at 100", "! order_outcome_unknown o-1"]
    assert seen.changes[0].after.order_id == "o-1"


def test_an_ended_order_that_is_newer_than_the_row_is_not_its_past() -> None:
    row = book_order("o-1", "V-0", client_order_id="c-1", updated_at="11:00")
    assert told(plan(replaced()[:1], [row])) == ["? V-1 identifiers_disagree: o-1"]


def test_when_all_lives_have_ended_the_newest_tells_how() -> None:
    listed = replaced(first="cancelled", second="expired")
    assert told(plan(listed, [old_row()])) == ["~ order o-1: broker_order_id V-2, status expired"]


def test_a_filled_order_was_not_replaced() -> None:
    listed = [
        order("V-1", client_order_id="c-1", status="filled", filled_quantity=10),
        order("V-2", client_order_id="c-1"),
    ]
    seen = plan([*listed, execution("T-1", 10)], [old_row()])
    assert told(seen)[-2:] == [
        "? V-1 identifiers_disagree: o-1",
        "? V-2 identifiers_disagree: o-1",
    ]


def test_two_lives_that_are_two_rows_stay_two_orders() -> None:
    rows = [old_row(), book_order("o-2", "V-2", client_order_id="c-1")]
    assert told(plan(replaced(), rows)) == ["~ order o-1: status cancelled"]


def test_executions_of_an_earlier_life_belong_to_the_order() -> None:
    broker = [
        *replaced(filled_quantity=6),
        execution("T-1", 4, broker_order_id="V-1"),
        execution("T-2", 2, broker_order_id="V-2", executed_at="11:20"),
    ]
    seen = plan(broker, [old_row(), stored(0)])
    inserts = seen.changes[1:]
    assert {change.after.order_id for change in inserts[:2]} == {"o-1"}
    assert not [each for each in seen.problems if each.code == "executions_incomplete"]


def test_an_earlier_life_waits_with_the_order_that_is_asked_about() -> None:
    broker = [*replaced(perm_id="P-2"), execution("T-1", 4, broker_order_id="V-1")]
    other = book_order("o-2", None, perm_id="P-2")
    assert told(plan(broker, [old_row(), other])) == ["? V-2 identifiers_disagree: o-2 o-1"]


def test_the_same_row_told_twice_counts_once_in_its_latest_state() -> None:
    listed = [order(updated_at="11:30", status="cancelled"), order(updated_at="11:20")]
    assert told(plan(listed, [book_order()])) == ["~ order o-1: status cancelled"]
    same_time = [order(status="cancelled"), order()]
    assert told(plan(same_time, [book_order()])) == ["~ order o-1: status cancelled"]


def test_reasons_are_the_words_of_the_file_format() -> None:
    assert {reason.value for reason in AmbiguityReason} == {
        "signature_match",
        "identifiers_disagree",
        "several_candidates",
    }


def test_an_ended_order_is_past_only_when_nothing_else_claims_it() -> None:
    row = book_order("o-1", "V-2", client_order_id="c-1", updated_at="11:30", status="cancelled")
    other = book_order("o-2", "V-3", perm_id="P-1", status="cancelled")
    ended = order("V-1", client_order_id="c-1", perm_id="P-1", status="cancelled")
    assert told(plan([ended], [row])) == []
    assert told(plan([ended], [row, other])) == ["? V-1 identifiers_disagree: o-1 o-2"]


def test_an_earlier_life_whose_row_lacks_the_client_id_keeps_its_row() -> None:
    """book: V-1, without a client id / broker: V-1 cancelled and V-2 open under one client id"""
    assert told(plan(replaced(), [book_order("o-1", "V-1")])) == [
        "+ order external buy 10 open",
        "~ order o-1: client_order_id c-1, status cancelled",
    ]


def test_a_decision_to_insert_is_carried_out_once() -> None:
    """The row that bears the same id is on the other side; a person says it is another order."""
    other = book_order("o-1", "V-1", side="sell", status="filled")
    first = plan([order()], [other, decision("insert")])
    assert told(first) == ["+ order external buy 10 open"]
    assert told(plan([order()], [other, first.changes[0].after, decision("insert")])) == []


def test_two_rows_that_nothing_speaks_against_are_a_question_even_then() -> None:
    twins = [book_order(name, "V-1", status="filled") for name in ("o-1", "o-2")]
    assert told(plan([order()], [*twins, decision("insert")])) == [
        "? V-1 identifiers_disagree: o-1 o-2"
    ]


def test_an_ignored_order_holds_the_rows_that_bear_its_id() -> None:
    rows = [book_order("o-1", "V-1"), book_order("o-2", "V-2", perm_id="P-1", status="filled")]
    seen = plan([order(perm_id="P-1")], [*rows, decision("ignore")], lookups={"o-1": Absent()})
    assert told(seen) == ["! ignored_by_decision V-1"]


def test_a_row_decided_to_be_another_order_is_not_held_by_an_ignored_one() -> None:
    row = book_order("o-1", "V-3", status="cancelled")
    decisions = [decision("ignore", broker_order_id="V-3"), decision("match", "o-1")]
    broker = [order("V-3"), order("V-1"), execution("T-1", 4, broker_order_id="V-1"), position(4)]
    assert told(plan(broker, [row, *decisions])) == [
        "~ order o-1: broker_order_id V-1, status open",
        "+ execution T-1 buy 4 at 100",
        "! ignored_by_decision V-3",
    ]


@pytest.mark.parametrize(("price", "alike"), [("99.95", True), ("100.1", True), ("99.89", False)])
def test_prices_within_a_tick_look_alike_wherever_the_ticks_lie(price: str, alike: bool) -> None:
    row = book_order("o-1", price=price, **SENT)
    seen = plan([order(price=100), instrument()], [row], lookups={"o-1": Absent()})
    assert bool(seen.ambiguous) is alike


def test_a_row_with_a_listed_past_is_never_erased() -> None:
    """book: V-2 open / broker: V-1 cancelled under its client id, and V-2 is not known to it"""
    row = book_order("o-1", "V-2", client_order_id="c-1", updated_at="11:30")
    past = order("V-1", client_order_id="c-1", status="cancelled", filled_quantity=1)
    answer = {"o-1": Absent()}
    seen = plan([past], [row], lookups=answer, keys={"FORCE_SYNC_DELETE": True})
    assert told(seen) == ["- order o-1 orphaned_deleted"]


def test_an_ended_order_under_its_own_id_is_not_its_own_past() -> None:
    row = book_order("o-1", "V-1", client_order_id="c-1", side="sell", updated_at="11:30")
    ended = order("V-1", client_order_id="c-1", status="cancelled")
    assert told(plan([ended], [row])) == ["? V-1 identifiers_disagree: o-1"]


def test_a_decision_about_an_order_of_another_symbol_is_none_about_this_one() -> None:
    row = book_order("o-1", symbol="ETHUSDT", **SENT)
    both = [order("V-1"), order("V-1", symbol="ETHUSDT")]
    assert told(plan(both, [row, decision("match", "o-1")])) == [
        "+ order external buy 10 open",
        "~ order o-1: broker_order_id V-1, status open",
    ]
