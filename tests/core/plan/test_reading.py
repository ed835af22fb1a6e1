"""A staged file is read strictly: a plan comes out, or a BrokenDocument that names the place."""

import json
import re
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import core.plan.reading as reading
from core.domain.errors import BrokenDocument
from core.plan.change import KINDS
from core.plan.codec import Approval, action_document, action_from_document, document_of
from core.plan.document import pretty
from core.plan.plan import Action
from core.plan.proposal import Proposal
from core.plan.reading import read_staged
from core.plan.staged import content_digest
from tests.build import NOON
from tests.core.plan.kinds import TABLE, Row, delete_order, plan_of
from tests.core.plan.leaves import Place, at, places, shown, with_value, without

APPROVAL = Approval(by="ana", at=NOON, content_digest="sha256:1", decisions_digest="sha256:2")
DOCUMENT = document_of(plan_of(), APPROVAL)
PLACES = list(places(DOCUMENT))

each_kind = pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.kind}-{row.decision}")


def resealed(document: Any) -> bytes:
    """The file with a digest that fits, so that nothing but its content can be objected to."""
    if isinstance(document, dict):
        document = document | {"content_digest": content_digest(document)}
    return pretty(document)


def objection(document: Any) -> str:
    with pytest.raises(BrokenDocument) as caught:
        read_staged(resealed(document))
    return caught.value.message


# --- the file as a whole ----------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2", b"\xff", b"NaN", b"[" * 100_000])
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(BrokenDocument, match=r"^staged_actions\.json is "):
        read_staged(content)


@pytest.mark.parametrize("document", [None, 1, "text", [], [DOCUMENT]])
def test_what_is_no_object_is_refused(document: Any) -> None:
    assert objection(document) == "staged_actions.json: expected an object"


def test_a_file_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BYTES_MAX", 100)

    with pytest.raises(BrokenDocument, match="larger than 100 bytes"):
        read_staged(pretty(DOCUMENT))


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.99", "1"])
def test_a_minor_version_is_read(version: str) -> None:
    assert read_staged(resealed(DOCUMENT | {"format_version": version})).plan == plan_of()


@pytest.mark.parametrize("version", ["2.0", "0.9", "10.0", "", "one", " 1.0", 1, None, ["1.0"]])
def test_a_major_version_is_refused(version: Any) -> None:
    told = objection(DOCUMENT | {"format_version": version})

    assert told == (f"staged_actions.json has format_version {version!r}; this program reads 1.x")


def test_a_file_without_a_version_is_refused() -> None:
    assert "format_version None" in objection(without(DOCUMENT, ("format_version",)))


def test_another_layout_is_read_too() -> None:
    for indent in (None, 1, 8):
        assert read_staged(json.dumps(DOCUMENT, indent=indent).encode()).plan == plan_of()


# --- places -----------------------------------------------------------------------------------

INSERT = ("plan", "to_insert", 0)
ADOPT = ("plan", "to_update", 3)
MATCH = ("plan", "ambiguous_matches", 0)

MALFORMED: list[tuple[Place, Any, str]] = [
    (("plan_id",), 5, "$.plan_id: Expected `str`, got `int`"),
    (("generated_at",), "yesterday", "$.generated_at: not a moment in time: 'yesterday'"),
    (("expires_at",), "2026-01-05T12:00:00", "$.expires_at: no time zone in '2026-01-05T12:00:00'"),
    (("accounts",), "main", "$.accounts: Expected `array`, got `str`"),
    (("accounts", 0), 1, "$.accounts[0]: Expected `str`, got `int`"),
    (("base",), None, "$.base: Expected `object`, got `null`"),
    (("base", "book_serial"), "412", "$.base.book_serial: Expected `int`, got `str`"),
    (("base", "book_serial"), 2**63, "$.base.book_serial: does not fit into 64 bits"),
    (("base", "complete"), "yes", "$.base.complete: Expected `bool`, got `str`"),
    (("config", "dry_run"), "false", "$.config.dry_run: Expected `bool`, got `str`"),
    (("config", "safe_mode"), None, "$.config.safe_mode: Expected `bool`, got `null`"),
    (
        ("config", "dry_run_confirm"),
        2,
        "$.config.dry_run_confirm: Expected `bool | str`, got `int`",
    ),
    (("plan",), [], "$.plan: Expected `object`, got `array`"),
    (("plan", "to_insert"), {}, "$.plan.to_insert: Expected `array`, got `object`"),
    (("plan", "to_delete"), None, "$.plan.to_delete: Expected `array`, got `null`"),
    (("plan", "summary", "unchanged"), "3", "$.plan.summary.unchanged: Expected `int`, got `str`"),
    (INSERT, "a001", "$.plan.to_insert[0]: expected an object"),
    (INSERT, None, "$.plan.to_insert[0]: expected an object"),
    ((*INSERT, "id"), 1, "$.plan.to_insert[0].id: Expected `str`, got `int`"),
    ((*INSERT, "kind"), "buy_all", "$.plan.to_insert[0].kind: 'buy_all' is not known"),
    ((*INSERT, "kind"), ["x"], "$.plan.to_insert[0].kind: Expected `str`, got `array`"),
    ((*INSERT, "account"), None, "$.plan.to_insert[0].account: Expected `str`, got `null`"),
    ((*INSERT, "risk"), "none", "$.plan.to_insert[0].risk: Invalid enum value 'none'"),
    ((*INSERT, "decision"), "yes", "$.plan.to_insert[0].decision: Invalid enum value 'yes'"),
    ((*INSERT, "decision"), None, "$.plan.to_insert[0].decision: Expected `str`, got `null`"),
    ((*INSERT, "decision_note"), 5, "$.plan.to_insert[0].decision_note: Expected `str | null`,"),
    ((*INSERT, "depends_on"), "a001", "$.plan.to_insert[0].depends_on: Expected `array`, got"),
    ((*INSERT, "depends_on"), [1], "$.plan.to_insert[0].depends_on[0]: Expected `str`, got `int`"),
    ((*INSERT, "before"), {"a": 1}, "$.plan.to_insert[0].before: insert_order has none"),
    ((*INSERT, "after"), None, "$.plan.to_insert[0].after: missing"),
    ((*INSERT, "after"), "row", "$.plan.to_insert[0].after: Expected `object | null`, got `str`"),
    ((*INSERT, "after", "side"), "hold", "$.plan.to_insert[0].after.side: Invalid enum value"),
    (
        (*INSERT, "after", "quantity"),
        "1e999",
        "$.plan.to_insert[0].after.quantity: not a plain decimal number: '1e999'",
    ),
    (
        (*INSERT, "after", "quantity"),
        10,
        "$.plan.to_insert[0].after.quantity: expected a decimal as text, got int",
    ),
    (
        (*INSERT, "class"),
        "protect",
        "$.plan.to_insert[0].class: 'protect' does not fit insert_order, which is record",
    ),
    (
        (*INSERT, "entity"),
        "position",
        "$.plan.to_insert[0].entity: 'position' does not fit insert_order, which is order",
    ),
    ((*ADOPT, "unexplained"), None, "$.plan.to_update[3].unexplained: missing"),
    ((*ADOPT, "unexplained"), "NaN", "$.plan.to_update[3].unexplained: not a plain decimal"),
    ((*ADOPT, "class"), "record", "$.plan.to_update[3].class: 'record' does not fit"),
    (MATCH, 5, "$.plan.ambiguous_matches[0]: expected an object"),
    ((*MATCH, "reason"), "guess", "$.plan.ambiguous_matches[0].reason: Invalid enum value"),
    (
        (*MATCH, "broker_order", "status"),
        "lost",
        "$.plan.ambiguous_matches[0].broker_order.status: Invalid enum value 'lost'",
    ),
    (
        (*MATCH, "candidates"),
        {},
        "$.plan.ambiguous_matches[0].candidates: Expected `array`, got `object`",
    ),
    (
        (*MATCH, "candidates", 0),
        "o-9",
        "$.plan.ambiguous_matches[0].candidates[0]: Expected `object`, got `str`",
    ),
    (
        (*MATCH, "candidates", 0, "score"),
        "high",
        "$.plan.ambiguous_matches[0].candidates[0].score: not a plain decimal",
    ),
    (
        (*MATCH, "candidates", 0, "book_order", "price"),
        "-0",
        "$.plan.ambiguous_matches[0].candidates[0].book_order.price: not a plain decimal",
    ),
    (("problems",), None, "$.problems: Expected `array`, got `null`"),
    (("problems", 0), "external_order", "$.problems[0]: expected an object"),
    (("problems", 0, "code"), None, "$.problems[0].code: Expected `str`, got `null`"),
    (("approval",), "ana", "$.approval: Expected `object | null`, got `str`"),
    (("approval", "at"), "noon", "$.approval.at: not a moment in time: 'noon'"),
]


@pytest.mark.parametrize(
    ("place", "value", "told"),
    MALFORMED,
    ids=[f"{shown(place)}={ascii(value)[:20]}" for place, value, _ in MALFORMED],
)
def test_the_objection_names_the_place(place: Place, value: Any, told: str) -> None:
    assert objection(with_value(DOCUMENT, place, value)).startswith(
        f"staged_actions.json at {told}"
    )


# The reviewer's own, what is counted anew, and what says nothing when it is missing.
MAY_BE_MISSING = {"decision", "decision_note", "changed", "approval"} | {
    name for name in DOCUMENT["plan"]["summary"] if name != "unchanged"
}
ROWS = ("before", "after", "broker_order", "book_order")


def test_a_field_of_the_contract_may_not_be_missing() -> None:
    for place in PLACES:
        if isinstance(place[-1], int) or any(name in ROWS for name in place[:-1]):
            continue
        document = without(DOCUMENT, place)
        if place[-1] in MAY_BE_MISSING:
            assert read_staged(resealed(document)).plan.plan_id == plan_of().plan_id
        elif place[-1] not in ("format_version", "content_digest"):
            path = "".join(f"[{name}]" if isinstance(name, int) else f".{name}" for name in place)
            assert objection(document).startswith(f"staged_actions.json at ${path}: ")


def test_a_file_without_its_digest_is_refused() -> None:
    with pytest.raises(BrokenDocument, match=r"at \$\.content_digest: missing$"):
        read_staged(pretty(without(DOCUMENT, ("content_digest",))))


def test_a_missing_decision_waits_for_a_person() -> None:
    document = without(without(DOCUMENT, (*INSERT, "decision")), (*INSERT, "decision_note"))
    (action,) = [each for each in read_staged(resealed(document)).plan.actions if each.id == "a001"]

    assert (action.decision, action.decision_note) == ("pending", "")


def test_a_missing_row_is_no_hard_deletion() -> None:
    """plan: - o-1, soft / file: the line with `after` is gone"""
    document = document_of(plan_of(Proposal(changes=(delete_order(),))))
    place = ("plan", "to_delete", 0, "after")

    assert objection(without(document, place)) == (
        "staged_actions.json at $.plan.to_delete[0].after: missing"
    )


# --- actions among each other -----------------------------------------------------------------


def test_an_action_must_stand_in_its_section() -> None:
    document = deepcopy(DOCUMENT)
    document["plan"]["to_insert"].append(document["plan"]["to_delete"].pop())

    assert objection(document) == (
        "staged_actions.json at $.plan.to_insert[3].kind: delete_order has no place in to_insert"
    )


def test_two_actions_cannot_share_an_id() -> None:
    document = with_value(DOCUMENT, (*INSERT, "id"), DOCUMENT["plan"]["to_delete"][0]["id"])

    assert "is the id of two actions" in objection(document)


def test_an_action_depends_on_what_is_there() -> None:
    document = with_value(DOCUMENT, (*INSERT, "depends_on"), ["a404"])

    assert objection(document) == (
        "staged_actions.json at $.plan: a001 depends on 'a404', which is not there"
    )


@each_kind
@pytest.mark.parametrize("kind", [*KINDS, "insert_orders", "", "Change"])
def test_an_action_cannot_pass_for_another_kind(row: Row, kind: str) -> None:
    """Only kinds of like shape, class and section can be told apart by nothing but their name."""
    document = action_document(Action(id="a001", change=row.change)) | {"kind": kind}
    try:
        change = action_from_document(document).change
    except ValueError as error:
        assert re.match(r"(kind|before|after|class|entity|unexplained)\b", str(error))
        return
    assert change.kind == kind
    assert action_document(Action(id="a001", change=change)) == document


# --- whatever may come ------------------------------------------------------------------------

words = st.sampled_from(
    [
        "",
        "a001",
        "main",
        "buy",
        "open",
        "approve",
        "insert_order",
        "delete_order",
        "place_stop",
        "record",
        "trade",
        "-1",
        "1e999",
        "NaN",
        "2026-01-05T12:00:00Z",
        "0001-01-01T00:00:00+14:00",
    ]
)
values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | words
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=4,
)


def read_or_refused(document: Any) -> None:
    """The reader's whole promise: a plan that can be written again, or one kind of error."""
    try:
        staged = read_staged(resealed(document))
    except BrokenDocument as error:
        assert error.message.startswith("staged_actions.json")
        assert len(error.message) < 500
        return
    assert staged.intact
    again = read_staged(pretty(document_of(staged.plan, staged.approval)))
    assert again.plan == staged.plan


@settings(max_examples=400)
@given(st.sampled_from(PLACES), values)
def test_any_value_at_any_place_is_read_or_refused(place: Place, value: Any) -> None:
    read_or_refused(with_value(DOCUMENT, place, value))


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0), values), min_size=2, max_size=5))
def test_several_at_once_too(changes: list[tuple[int, Any]]) -> None:
    document = DOCUMENT
    for number, value in changes:
        left = list(places(document))
        document = with_value(document, left[number % len(left)], value)
    read_or_refused(document)


@settings(max_examples=150)
@given(st.sampled_from(PLACES), st.sampled_from(PLACES))
def test_one_part_in_the_place_of_another_too(place: Place, origin: Place) -> None:
    read_or_refused(with_value(DOCUMENT, place, at(DOCUMENT, origin)))


def test_a_part_that_is_gone_too() -> None:
    for place in PLACES:
        read_or_refused(without(DOCUMENT, place))


@given(values)
def test_any_document_at_all(document: Any) -> None:
    read_or_refused(document)


@settings(max_examples=60)
@given(st.integers(0, len(pretty(DOCUMENT)) - 1), st.integers(0, 255))
def test_one_byte_more_or_less(where: int, byte: int) -> None:
    content = pretty(DOCUMENT)
    for damaged in (
        content[:where],
        content[:where] + bytes([byte]) + content[where:],
        content[:where] + bytes([byte]) + content[where + 1 :],
    ):
        try:
            staged = read_staged(damaged)
        except BrokenDocument:
            continue
        if staged.intact:
            assert content_digest(staged.document) == DOCUMENT["content_digest"]
