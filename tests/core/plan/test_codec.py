"""staged_actions.json and ambiguous_matches.json as other people's scripts find them."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.ambiguity import AmbiguityReason, AmbiguousMatch, Candidate
from core.domain.execution import BookExecution
from core.domain.order import BookOrder, BrokerOrder, OrderRequest
from core.domain.position import BookPosition, BrokerPosition
from core.domain.problem import Problem
from core.plan.change import (
    AdoptPosition,
    AnyChange,
    CancelStaleOrder,
    DeleteOrder,
    InsertExecution,
    InsertOrder,
    PlaceStop,
    ResizeStop,
    Risk,
    TakeProfit,
    UpdateExecution,
    UpdateOrder,
)
from core.plan.codec import (
    Approval,
    action_document,
    action_from_document,
    changed_fields,
    content_digest,
    document_of,
    match_document,
    matches_document,
    read_staged,
    reviewed,
)
from core.plan.document import pretty
from core.plan.plan import Action, Decision
from core.plan.proposal import Proposal
from tests.build import NOON, book_execution, book_order
from tests.core.domain.nouns import any_of, decimals, texts
from tests.core.plan.kinds import (
    MATCH,
    TABLE,
    WHY,
    Row,
    adopt,
    delete_order,
    insert_order,
    plan_of,
    update_order,
)

each_kind = pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.kind}-{row.decision}")
APPROVAL = Approval(by="ana", at=NOON, content_digest="sha256:1", decisions_digest="sha256:2")

# --- the document -----------------------------------------------------------------------------


def test_the_document_has_the_fields_of_the_contract() -> None:
    document = document_of(plan_of(), APPROVAL)

    assert list(document) == [
        "format_version",
        "plan_id",
        "generated_at",
        "expires_at",
        "tool_version",
        "accounts",
        "base",
        "config",
        "plan",
        "problems",
        "content_digest",
        "approval",
    ]
    assert list(document["base"]) == [
        "book_lineage",
        "book_serial",
        "broker_fingerprint",
        "observed_at",
        "complete",
    ]
    assert list(document["config"]) == [
        "dry_run",
        "safe_mode",
        "dry_run_confirm",
        "force_sync_delete",
    ]
    assert list(document["plan"]) == [
        "to_update",
        "to_delete",
        "to_insert",
        "ambiguous_matches",
        "spy_futures_actions",
        "broker_actions",
        "summary",
    ]
    assert list(document["problems"][0]) == ["code", "account", "subject", "message"]
    assert document["approval"] == {
        "by": "ana",
        "at": "2026-01-05T12:00:00Z",
        "content_digest": "sha256:1",
        "decisions_digest": "sha256:2",
    }


def test_the_head_of_the_document() -> None:
    plan = plan_of()
    document = document_of(plan)
    digest = document.pop("content_digest")

    assert digest.startswith("sha256:")
    assert len(digest) == len("sha256:") + 64
    assert {
        name: value for name, value in document.items() if name not in ("plan", "problems")
    } == {
        "format_version": "1.0",
        "plan_id": plan.plan_id,
        "generated_at": "2026-01-05T12:00:00Z",
        "expires_at": "2026-01-05T12:15:00Z",
        "tool_version": "1.2.3",
        "accounts": ["main"],
        "base": {
            "book_lineage": "b-1",
            "book_serial": 412,
            "broker_fingerprint": "sha256:0",
            "observed_at": "2026-01-05T11:59:58Z",
            "complete": True,
        },
        "config": {
            "dry_run": False,
            "safe_mode": False,
            "dry_run_confirm": False,
            "force_sync_delete": False,
        },
        "approval": None,
    }


def test_an_empty_plan_has_every_section() -> None:
    assert document_of(plan_of(Proposal()))["plan"] == {
        "to_update": [],
        "to_delete": [],
        "to_insert": [],
        "ambiguous_matches": [],
        "spy_futures_actions": [],
        "broker_actions": [],
        "summary": {
            "insert": 0,
            "update": 0,
            "delete": 0,
            "ambiguous": 0,
            "spy_futures": 0,
            "broker": 0,
            "unchanged": 0,
        },
    }


@each_kind
def test_every_action_has_the_fields_of_the_contract(row: Row) -> None:
    action = Action(
        id="a007", change=row.change, depends_on=("a001", "a002"), decision=row.decision
    )
    document = action_document(action)
    unexplained = ["unexplained"] if row.kind == "adopt_position" else []

    assert list(document) == [
        "id",
        "kind",
        "entity",
        "class",
        "account",
        "symbol",
        "target",
        "before",
        "after",
        "changed",
        "reason",
        "because",
        "risk",
        "depends_on",
        "decision",
        "decision_note",
        *unexplained,
    ]
    assert document["id"] == "a007"
    assert document["kind"] == row.kind
    assert document["entity"] == row.entity
    assert document["class"] == row.change_class
    assert document["decision"] == row.decision
    assert document["depends_on"] == ["a001", "a002"]
    assert (document["before"] is None) is (row.change.before is None)
    assert (document["after"] is None) is (row.change.after is None)
    json.dumps(document)


@each_kind
def test_every_action_stands_in_its_section_alone(row: Row) -> None:
    document = document_of(plan_of(Proposal(changes=(row.change,))))
    holding = [name for name, entries in document["plan"].items() if entries and name != "summary"]

    assert holding == [row.section]
    assert sum(document["plan"]["summary"].values()) == 1


def test_an_update_says_what_changes() -> None:
    """book: BTCUSDT 10 open / broker: 4 filled, cancelled / plan: ~ order cancelled, filled 4"""
    (action,) = plan_of(Proposal(changes=(update_order(),))).actions
    document = action_document(action)

    assert document["changed"] == ["filled_quantity", "status"]
    assert [document["before"][name] for name in document["changed"]] == ["0", "open"]
    assert [document["after"][name] for name in document["changed"]] == ["4", "cancelled"]


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        (insert_order(), ()),
        (delete_order(hard=True), ()),
        (delete_order(), ("status",)),
        (adopt(7), ("quantity",)),
        (adopt(7, was=None), ()),
        (next(row.change for row in TABLE if row.kind == "roll_due"), ()),
    ],
    ids=["nothing before", "nothing after", "status", "quantity", "adopted", "an order to come"],
)
def test_only_like_things_are_compared(change: AnyChange, changed: tuple[str, ...]) -> None:
    assert changed_fields(change) == changed


def test_an_adoption_says_what_is_unexplained() -> None:
    (action,) = plan_of(Proposal(changes=(adopt("7.50"),))).actions

    assert action_document(action)["unexplained"] == "2.5"


# --- ambiguous_matches.json -------------------------------------------------------------------


def test_matches_are_a_document_of_their_own() -> None:
    plan = plan_of()
    document = matches_document(plan)
    (match,) = document["matches"]

    assert list(document) == ["format_version", "plan_id", "generated_at", "count", "matches"]
    assert document["format_version"] == "1.0"
    assert document["plan_id"] == plan.plan_id
    assert document["generated_at"] == "2026-01-05T12:00:00Z"
    assert document["count"] == 1
    assert list(match) == ["id", "account", "reason", "broker_order", "candidates"]
    assert (match["id"], match["account"], match["reason"]) == ("m001", "main", "signature_match")
    assert match["broker_order"]["broker_order_id"] == "V-9"
    assert match["candidates"][0].pop("book_order")["order_id"] == "o-9"
    assert match["candidates"] == [
        {"score": "0.92", "agree": ["symbol", "side", "quantity"], "differ": ["created_at"]}
    ]


def test_no_matches_are_written_down_too() -> None:
    document = matches_document(plan_of(Proposal()))

    assert (document["count"], document["matches"]) == (0, [])


def test_the_plan_carries_the_same_matches() -> None:
    plan = plan_of()

    assert document_of(plan)["plan"]["ambiguous_matches"] == matches_document(plan)["matches"]


# --- there and back ---------------------------------------------------------------------------


def read_back(plan: Any, approval: Approval | None = None) -> Any:
    return read_staged(pretty(document_of(plan, approval)))


@each_kind
def test_every_kind_is_read_as_it_was_written(row: Row) -> None:
    plan = plan_of(Proposal(changes=(row.change,)))
    staged = read_back(plan)

    assert staged.plan == plan
    assert staged.intact


def test_a_plan_of_everything_is_read_as_it_was_written() -> None:
    plan = plan_of()
    staged = read_back(plan, APPROVAL)

    assert staged.plan == plan
    assert staged.approval == APPROVAL
    assert staged.intact
    assert staged.content_digest == document_of(plan)["content_digest"]
    assert document_of(staged.plan, staged.approval) == staged.document


def test_a_large_plan_keeps_its_order() -> None:
    changes = tuple(insert_order(f"o-{n}") for n in range(1100))
    plan = plan_of(Proposal(changes=(*changes, delete_order(), adopt())))

    assert read_back(plan).plan.actions == plan.actions


WITH_ID = plan_of(config=replace(plan_of().config, dry_run_confirm="p-20260105-7f3c2a"))


@pytest.mark.parametrize(
    "plan",
    [
        plan_of(Proposal()),
        WITH_ID,
        plan_of(config=replace(plan_of().config, dry_run_confirm=True, dry_run=True)),
        plan_of(base=replace(plan_of().base, complete=False)),
        plan_of(accounts=["main", "alt"]),
        plan_of(accounts=[]),
        plan_of(generated_at=NOON + timedelta(microseconds=1)),
    ],
    ids=["empty", "armed by id", "dry", "incomplete", "two accounts", "none", "microsecond"],
)
def test_every_head_is_read_as_it_was_written(plan: Any) -> None:
    assert read_back(plan).plan == plan


def test_words_of_a_stranger_survive() -> None:
    strange = '\x1b[31m \u202e 漢字 😀 \\u0000 \\ " \n\t'
    plan = plan_of(
        Proposal(
            changes=(insert_order(symbol=strange),),
            problems=(Problem("x", strange, strange, strange),),
        )
    )

    assert read_back(plan).plan == plan


whys = st.fixed_dictionaries(
    {
        "account": texts,
        "symbol": texts,
        "target": texts,
        "reason": texts,
        "because": texts,
        "risk": st.sampled_from(Risk),
    }
)


def built(kind: type[AnyChange], **sides: st.SearchStrategy[Any]) -> st.SearchStrategy[AnyChange]:
    return st.builds(lambda why, rest: kind(**why, **rest), whys, st.fixed_dictionaries(sides))


orders, executions, positions = any_of(BookOrder), any_of(BookExecution), any_of(BookPosition)
told, held, requests = any_of(BrokerOrder), any_of(BrokerPosition), any_of(OrderRequest)
changes = st.one_of(
    built(InsertOrder, after=orders),
    built(UpdateOrder, before=orders, after=orders, corrects=st.booleans()),
    built(DeleteOrder, before=orders, after=orders | st.none()),
    built(InsertExecution, after=executions),
    built(UpdateExecution, before=executions, after=executions),
    built(AdoptPosition, before=positions | st.none(), after=positions, unexplained=decimals),
    built(PlaceStop, after=requests),
    built(ResizeStop, before=told, after=told),
    built(CancelStaleOrder, before=told),
    built(TakeProfit, before=held, after=requests),
)
matches = st.builds(
    AmbiguousMatch,
    account=texts,
    reason=st.sampled_from(AmbiguityReason),
    broker_order=told,
    candidates=st.lists(
        st.builds(
            Candidate,
            book_order=orders,
            score=decimals,
            agree=st.lists(texts, max_size=2).map(tuple),
            differ=st.lists(texts, max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
)


def free_of_nul(proposal: Proposal) -> bool:
    return "\\x00" not in repr(proposal)


proposals = st.builds(
    Proposal,
    changes=st.lists(changes, max_size=3).map(tuple),
    ambiguous=st.lists(matches, max_size=1).map(tuple),
    problems=st.lists(any_of(Problem), max_size=2).map(tuple),
    unchanged=st.integers(0, 2**62),
).filter(free_of_nul)


@settings(max_examples=60)
@given(proposals)
def test_any_plan_is_read_as_it_was_written(proposal: Proposal) -> None:
    plan = plan_of(proposal)
    staged = read_back(plan)

    assert staged.intact
    assert staged.plan == plan
    assert document_of(staged.plan) == staged.document


@settings(max_examples=60)
@given(changes, st.lists(texts, max_size=2), st.sampled_from(Decision), texts)
def test_any_action_comes_back_from_the_journal(
    change: AnyChange, depends_on: list[str], decision: Decision, note: str
) -> None:
    action = Action(
        id="a001",
        change=change,
        depends_on=tuple(depends_on),
        decision=decision,
        decision_note=note,
    )

    assert action_from_document(json.loads(json.dumps(action_document(action)))) == action


def test_what_is_a_correction_stays_one() -> None:
    for corrects in (True, False):
        (action,) = plan_of(Proposal(changes=(update_order(corrects=corrects),))).actions

        assert action_from_document(action_document(action)).change == action.change


# --- reviewing --------------------------------------------------------------------------------


def test_a_review_changes_decisions_and_the_approval_alone() -> None:
    staged = read_back(plan_of())
    decided = staged.plan.decided(
        {
            "a001": (Decision.REJECT, "not ours"),
            "a003": (Decision.APPROVE, ""),
            "a011": (Decision.APPROVE, "checked at the venue"),
        }
    )

    document = reviewed(staged, decided, APPROVAL)
    again = read_staged(pretty(document))

    assert again.plan == decided
    assert again.approval == APPROVAL
    assert again.intact
    assert again.content_digest == staged.content_digest
    assert document == document_of(decided, APPROVAL)


def test_a_review_without_a_seal_has_no_approval() -> None:
    staged = read_back(plan_of(), APPROVAL)

    assert reviewed(staged, staged.plan, None) == document_of(plan_of())


def test_a_review_keeps_what_a_newer_version_wrote() -> None:
    document = document_of(plan_of())
    document["format_version"] = "1.7"
    document["forecast"] = {"a": [1]}
    document["plan"]["to_insert"][0]["weight"] = "heavy"
    document["plan"]["summary"]["forecast"] = 1
    document["content_digest"] = content_digest(document)
    staged = read_staged(pretty(document))

    written = reviewed(staged, staged.plan, None)

    assert written == document


def test_a_review_leaves_the_staged_plan_as_it_was() -> None:
    staged = read_back(plan_of())
    before = json.dumps(staged.document)
    all_rejected = staged.plan.decided(
        {action.id: (Decision.REJECT, "no") for action in staged.plan.actions}
    )

    reviewed(staged, all_rejected, APPROVAL)

    assert json.dumps(staged.document) == before


# --- matches on their own ---------------------------------------------------------------------


def test_a_candidate_is_shown_as_its_row() -> None:
    row = book_order("o-9", None, quantity="10.50")
    match = replace(MATCH, candidates=(replace(MATCH.candidates[0], book_order=row),))

    assert match_document(match)["candidates"][0]["book_order"]["quantity"] == "10.5"


def test_a_corrected_execution_shows_the_fee_that_was_not_known() -> None:
    change = UpdateExecution(
        **WHY,
        target="x",
        before=book_execution(fee=None),
        after=replace(book_execution(), fee=Decimal("-0.10")),
    )

    assert changed_fields(change) == ("fee",)
    assert action_document(Action(id="a001", change=change))["after"]["fee"] == "-0.1"
