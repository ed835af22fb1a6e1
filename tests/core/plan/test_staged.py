"""Digests: what a reviewer may change is not covered, everything else is."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.plan.codec import document_of, read_staged
from core.plan.document import pretty
from core.plan.plan import Action, Decision
from core.plan.staged import content_digest, decisions_digest
from tests.core.plan.kinds import insert_order, plan_of
from tests.core.plan.leaves import Place, at, places, shown, with_value, without

DOCUMENT = document_of(plan_of())
SECTIONS = ("to_update", "to_delete", "to_insert", "spy_futures_actions", "broker_actions")


def is_free(place: Place) -> bool:
    """Whether a reviewer, or nobody at all, decides what stands here."""
    if place[0] in ("content_digest", "approval"):
        return True
    return (
        place[0] == "plan"
        and len(place) == 4
        and place[1] in SECTIONS
        and place[3] in ("decision", "decision_note")
    )


FREE = [place for place in places(DOCUMENT) if is_free(place)]
COVERED = [place for place in places(DOCUMENT) if not is_free(place)]


def other(value: Any) -> Any:
    """Another value of the same type, as near as can be."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return value + " "
        case list():
            return [*value, "more"]
        case dict():
            return {**value, "more": None}
    return "something"


def is_noticed(document: Any) -> bool:
    return content_digest(document) != DOCUMENT["content_digest"]


def test_the_digest_covers_every_place_but_those() -> None:
    unseen = [
        shown(place)
        for place in COVERED
        if not is_noticed(with_value(DOCUMENT, place, other(at(DOCUMENT, place))))
        or not is_noticed(without(DOCUMENT, place))
    ]

    assert len(COVERED) > 500
    assert unseen == []


def test_the_digest_leaves_those_to_the_reviewer() -> None:
    seen = [
        shown(place)
        for place in FREE
        if is_noticed(with_value(DOCUMENT, place, "reject")) or is_noticed(without(DOCUMENT, place))
    ]

    assert seen == []


def test_every_action_can_be_decided() -> None:
    decisions = [place for place in FREE if place[-1] == "decision"]

    assert len(decisions) == len(plan_of().actions)


@pytest.mark.parametrize(
    "place",
    [
        ("decision",),
        ("plan", "decision"),
        ("base", "decision"),
        ("plan", "summary", "decision"),
        ("plan", "to_insert", 0, "after", "decision"),
        ("plan", "ambiguous_matches", 0, "decision"),
        ("problems", 0, "decision_note"),
        ("plan", "future_actions"),
        ("plan", "content_digest"),
        ("plan", "to_insert", 0, "approval"),
    ],
    ids=shown,
)
def test_what_is_free_in_an_action_is_not_free_elsewhere(place: Place) -> None:
    assert content_digest(with_value(DOCUMENT, place, "approve")) != DOCUMENT["content_digest"]


@pytest.mark.parametrize("value", [None, 1, "text", "", {}, {"a": {"id": 1}}, [1], [["x"]], [None]])
@pytest.mark.parametrize("section", SECTIONS)
def test_what_is_no_list_of_actions_is_covered_too(section: str, value: Any) -> None:
    """Whatever someone puts there, two different things never have the same digest."""
    changed = with_value(DOCUMENT, ("plan", section), value)
    again = with_value(DOCUMENT, ("plan", section), [value])

    assert len({content_digest(each) for each in (DOCUMENT, changed, again)}) == 3


@pytest.mark.parametrize("plan", [None, [], "text", 5])
def test_a_plan_that_is_none_has_a_digest(plan: Any) -> None:
    assert content_digest(with_value(DOCUMENT, ("plan",), plan)) != DOCUMENT["content_digest"]


def test_the_order_of_keys_does_not_matter() -> None:
    turned = dict(reversed(DOCUMENT.items()))
    turned["plan"] = dict(reversed(DOCUMENT["plan"].items()))

    assert content_digest(turned) == DOCUMENT["content_digest"]


def test_a_digest_changes_nothing() -> None:
    before = deepcopy(DOCUMENT)
    content_digest(DOCUMENT)

    assert before == DOCUMENT


# --- the file ---------------------------------------------------------------------------------


def test_decisions_edited_by_hand_leave_a_file_intact() -> None:
    document = deepcopy(DOCUMENT)
    for section in SECTIONS:
        for action in document["plan"][section]:
            action["decision"], action["decision_note"] = "skip", "by hand"
    staged = read_staged(pretty(document))

    assert staged.intact
    assert {action.decision for action in staged.plan.actions} == {Decision.SKIP}
    assert {action.decision_note for action in staged.plan.actions} == {"by hand"}


@pytest.mark.parametrize(
    "place",
    [
        ("plan_id",),
        ("accounts",),
        ("base", "book_serial"),
        ("config", "dry_run_confirm"),
        ("plan", "to_insert", 0, "after", "quantity"),
        ("plan", "to_insert", 0, "kind"),
        ("plan", "to_insert"),
        ("plan", "broker_actions", 0),
        ("plan", "summary", "unchanged"),
        ("plan", "ambiguous_matches"),
        ("plan",),
        ("problems",),
    ],
    ids=shown,
)
def test_a_file_that_was_tampered_with_is_read_as_such(place: Place) -> None:
    staged = read_staged(pretty(with_value(DOCUMENT, place, other(at(DOCUMENT, place)))))

    assert not staged.intact
    assert staged.claimed_digest == DOCUMENT["content_digest"]
    assert staged.content_digest != staged.claimed_digest
    assert staged.plan.actions == ()
    assert staged.plan.ambiguous == ()


def test_of_a_file_that_was_tampered_with_only_the_name_is_read() -> None:
    plan = plan_of()
    nonsense = with_value(DOCUMENT, ("plan", "to_insert"), [{"kind": "buy_everything"}])
    staged = read_staged(pretty(nonsense | {"approval": {"by": 5}}))

    assert not staged.intact
    assert staged.approval is None
    assert staged.plan == replace(plan, actions=(), ambiguous=(), problems=(), unchanged=0)


def test_another_digest_is_no_way_around() -> None:
    staged = read_staged(pretty(DOCUMENT | {"content_digest": "sha256:" + "0" * 64}))

    assert not staged.intact


def test_unknown_fields_are_ignored_and_covered() -> None:
    newer = with_value(DOCUMENT, ("plan", "to_insert", 0, "weight"), "1.5")
    newer["forecast"] = {"x": [1, None]}
    resealed = newer | {"content_digest": content_digest(newer)}

    assert not read_staged(pretty(newer)).intact
    assert read_staged(pretty(resealed)).intact
    assert read_staged(pretty(resealed)).plan == plan_of()


# --- decisions --------------------------------------------------------------------------------


def test_the_digest_of_decisions_covers_decisions_and_notes_alone() -> None:
    plan = plan_of()
    digest = decisions_digest(plan)
    first = plan.actions[0].id

    assert decisions_digest(replace(plan, plan_id="p-1", accounts=("alt",))) == digest
    assert decisions_digest(plan.decided({first: (Decision.SKIP, "")})) != digest
    assert decisions_digest(plan.decided({first: (plan.actions[0].decision, "x")})) != digest
    assert decisions_digest(replace(plan, actions=plan.actions[1:])) != digest


@given(st.permutations(plan_of().actions))
def test_the_order_of_actions_does_not_matter_to_it(actions: list[Action]) -> None:
    assert decisions_digest(replace(plan_of(), actions=tuple(actions))) == decisions_digest(
        plan_of()
    )


def test_decisions_cannot_be_moved_from_one_action_to_another() -> None:
    one, two = (
        Action(id=name, change=insert_order(), decision=Decision.APPROVE) for name in ("a1", "a2")
    )
    skipped_one, skipped_two = (replace(each, decision=Decision.SKIP) for each in (one, two))
    plan = plan_of()

    assert decisions_digest(replace(plan, actions=(skipped_one, two))) != decisions_digest(
        replace(plan, actions=(one, skipped_two))
    )
