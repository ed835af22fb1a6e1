"""A plan: changes in order, named, decided as far as they decide themselves, and waiting."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.ambiguity import AmbiguousMatch
from core.plan.change import RANK, AnyChange, CancelOrphanStop
from core.plan.plan import Decision, first_decision, number_actions, number_matches
from core.plan.proposal import Proposal
from tests.build import order, stop
from tests.core.plan.kinds import (
    EVERYTHING,
    MATCH,
    PROBLEM,
    TABLE,
    WHY,
    Row,
    adopt,
    cancel_duplicate,
    delete_order,
    insert_execution,
    insert_order,
    plan_of,
    update_execution,
    update_order,
)


def numbered(*changes: AnyChange) -> list[tuple[str, str, tuple[str, ...]]]:
    """Id, target and what it waits for."""
    actions = number_actions(Proposal(changes=changes))
    return [(action.id, action.change.target, action.depends_on) for action in actions]


# --- numbering --------------------------------------------------------------------------------


@given(st.permutations(EVERYTHING.changes))
def test_the_order_in_which_changes_come_does_not_matter(changes: list[AnyChange]) -> None:
    assert number_actions(Proposal(changes=tuple(changes))) == number_actions(EVERYTHING)


def test_two_changes_of_one_subject_keep_their_places_too() -> None:
    """book: o-1 open / two rules want the same row: the plan reads alike whoever spoke first"""
    one, two = update_order(status="cancelled"), update_order(status="expired")

    forth = number_actions(Proposal(changes=(one, two)))
    back = number_actions(Proposal(changes=(two, one)))

    assert forth == back


def test_facts_are_numbered_before_what_follows_from_them() -> None:
    ranks = [RANK[action.change.kind] for action in plan_of().actions]

    assert ranks == sorted(ranks)


def test_within_a_kind_account_symbol_and_target_decide() -> None:
    changes = [
        insert_order("o-2"),
        insert_order("o-1"),
        insert_order("o-0", symbol="ETHUSDT"),
        replace(insert_order("o-3"), account="alt"),
    ]

    assert numbered(*changes) == [
        ("a001", "o-3", ()),
        ("a002", "o-1", ()),
        ("a003", "o-2", ()),
        ("a004", "o-0", ()),
    ]


@pytest.mark.parametrize(
    ("count", "first", "last"),
    [(1, "a001", "a001"), (999, "a001", "a999"), (1000, "a0001", "a1000")],
)
def test_ids_grow_so_that_they_sort_as_text(count: int, first: str, last: str) -> None:
    ids = [row[0] for row in numbered(*(insert_order(f"o-{n}") for n in range(count)))]

    assert (ids[0], ids[-1]) == (first, last)
    assert ids == sorted(ids)
    assert len(set(ids)) == count


def test_no_changes_no_actions() -> None:
    assert numbered() == []


# --- who waits for whom -----------------------------------------------------------------------


def test_an_execution_waits_for_the_row_of_its_order() -> None:
    assert numbered(
        insert_execution("T-1", order_id="o-1"),
        insert_execution("T-2", order_id="o-2"),
        insert_execution("T-3"),
        insert_order("o-1"),
    ) == [
        ("a001", "o-1", ()),
        ("a002", "main|BTCUSDT|V-1|T-1", ("a001",)),
        ("a003", "main|BTCUSDT|V-1|T-2", ()),
        ("a004", "main|BTCUSDT|V-1|T-3", ()),
    ]


def test_a_corrected_execution_waits_for_the_row_of_its_order() -> None:
    assert numbered(update_execution("T-1", order_id="o-1"), insert_order("o-1")) == [
        ("a001", "o-1", ()),
        ("a002", "main|BTCUSDT|V-1|T-1", ("a001",)),
    ]


def test_an_adoption_waits_for_every_execution_of_its_symbol() -> None:
    """book: 5 / broker: 9, executions for 3 of the 4: the fourth is unexplained only after them"""
    other = insert_execution("T-3", symbol="ETHUSDT")
    elsewhere = insert_execution("T-4", account="alt")

    assert numbered(
        adopt(9, was=5), insert_execution("T-1"), update_execution("T-2"), other, elsewhere
    ) == [
        ("a001", "alt|BTCUSDT|V-1|T-4", ()),
        ("a002", "main|BTCUSDT|V-1|T-1", ()),
        ("a003", "main|ETHUSDT|V-1|T-3", ()),
        ("a004", "main|BTCUSDT|V-1|T-2", ()),
        ("a005", "BTCUSDT", ("a002", "a004")),
    ]


def test_nothing_else_waits() -> None:
    alone = [row.change for row in TABLE if row.kind not in ("insert_order", "insert_execution")]

    assert {
        action.change.kind: action.depends_on
        for action in number_actions(Proposal(changes=tuple(alone)))
        if action.depends_on
    } == {
        "adopt_position": ("a005",),
        "cancel_duplicate_stop": ("a010",),
        "place_order": ("a018",),
    }


# --- first decisions --------------------------------------------------------------------------


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.kind}-{row.decision}")
def test_facts_are_approved_and_the_rest_waits_for_a_person(row: Row) -> None:
    assert first_decision(row.change) is row.decision


def test_actions_start_with_their_first_decision() -> None:
    actions = plan_of().actions

    assert all(action.decision is first_decision(action.change) for action in actions)
    assert {action.decision_note for action in actions} == {""}


# --- matches ----------------------------------------------------------------------------------


def match(broker_order_id: str, **given: Any) -> AmbiguousMatch:
    account = given.pop("account", "main")
    return replace(MATCH, account=account, broker_order=order(broker_order_id, **given))


MATCHES = [
    match("V-2"),
    match("V-1"),
    match("V-1", symbol="ETHUSDT"),
    match("V-3", account="alt"),
]


@given(st.permutations(MATCHES))
def test_matches_are_named_by_account_symbol_and_order(matches: list[AmbiguousMatch]) -> None:
    named = number_matches(Proposal(ambiguous=tuple(matches)))

    assert [(each.id, each.broker_order.broker_order_id) for each in named] == [
        ("m001", "V-3"),
        ("m002", "V-1"),
        ("m003", "V-2"),
        ("m004", "V-1"),
    ]


def test_names_of_matches_grow_too() -> None:
    named = number_matches(Proposal(ambiguous=tuple(match(f"V-{n}") for n in range(1000))))

    assert (named[0].id, named[-1].id) == ("m0001", "m1000")


# --- the plan as a whole ----------------------------------------------------------------------


def test_the_summary_counts_what_the_sections_hold() -> None:
    assert plan_of().summary == {
        "insert": 3,
        "update": 4,
        "delete": 2,
        "ambiguous": 1,
        "spy_futures": 4,
        "broker": 10,
        "unchanged": 214,
    }
    assert plan_of(Proposal()).summary == dict.fromkeys(plan_of().summary, 0)


def test_information_alone_is_no_difference() -> None:
    informational = [row.change for row in TABLE if row.kind == "initial_state"]

    assert not plan_of(Proposal(unchanged=3)).differs
    assert not plan_of(Proposal(changes=tuple(informational), problems=(PROBLEM,))).differs
    assert plan_of(Proposal(changes=(*informational, delete_order()))).differs


def test_an_action_is_found_by_its_id() -> None:
    plan = plan_of()

    assert plan.action("a002") is plan.actions[1]
    assert plan.action("a999") is None


def test_deciding_changes_decisions_and_nothing_else() -> None:
    plan = plan_of()
    after = plan.decided({"a002": (Decision.REJECT, "not ours"), "a999": (Decision.SKIP, "")})

    assert [action.id for action in after.actions if action not in plan.actions] == ["a002"]
    assert after.actions[1] == replace(
        plan.actions[1], decision=Decision.REJECT, decision_note="not ours"
    )
    assert replace(after, actions=plan.actions) == plan


# --- proposals --------------------------------------------------------------------------------


def test_proposals_are_put_together_in_their_order() -> None:
    one = Proposal(changes=(insert_order(),), problems=(PROBLEM,), unchanged=2)
    two = Proposal(changes=(cancel_duplicate(),), ambiguous=(MATCH,), unchanged=3)
    orphan = CancelOrphanStop(**WHY, target="S-2", before=stop("S-2"))

    assert Proposal.of(iter([one, two, Proposal(changes=(orphan,))])) == Proposal(
        changes=(insert_order(), cancel_duplicate(), orphan),
        ambiguous=(MATCH,),
        problems=(PROBLEM,),
        unchanged=5,
    )
    assert Proposal.of([]) == Proposal()
