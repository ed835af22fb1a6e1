"""staged_actions.json read back: strictly, every error with its place inside the document."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from core.domain.errors import BrokenDocument
from core.domain.problem import Problem
from core.domain.text import from_row
from core.plan.change import Section, section_of
from core.plan.document import read_json
from core.plan.entries import action_from_document, match_from_document, noun_at
from core.plan.plan import Action, Base, GateValues, Plan
from core.plan.staged import FORMAT_VERSION, Approval, StagedPlan, content_digest

T = TypeVar("T")

BYTES_MAX = 512 * 1024 * 1024
_NAME = "staged_actions.json"


# --- the document -----------------------------------------------------------------------------


def read_staged(content: bytes) -> StagedPlan:
    """Decodes and checks a staged file; every error names the place inside the document."""
    document = read_json(content, name=_NAME, bytes_max=BYTES_MAX)
    if not isinstance(document, dict):
        raise BrokenDocument(f"{_NAME}: expected an object")
    _check_version(document.get("format_version"))
    head = _at("$", partial(from_row, _Head), document)
    plan = _at("$", _identity, head)
    # The digest first: content that was changed by hand needs no further explanation.
    actual = content_digest(document)
    intact = head.content_digest == actual
    return StagedPlan(
        plan=_with_content(plan, head) if intact else plan,
        claimed_digest=head.content_digest,
        content_digest=actual,
        approval=_at("$", _approval, head) if intact else None,
        document=document,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """The top level of the document."""

    plan_id: str
    generated_at: datetime
    expires_at: datetime
    tool_version: str
    accounts: tuple[str, ...]
    base: dict[str, Any]
    config: dict[str, Any]
    plan: dict[str, Any]
    problems: list[Any]
    content_digest: str
    approval: dict[str, Any] | None = None


def _check_version(version: Any) -> None:
    major = version.partition(".")[0] if isinstance(version, str) else None
    if major != FORMAT_VERSION.partition(".")[0]:
        raise BrokenDocument(f"{_NAME} has format_version {version!r:.40}; this program reads 1.x")


def _identity(head: _Head) -> Plan:
    """Enough of a plan to speak about a file, whether or not its content can be believed."""
    return Plan(
        plan_id=head.plan_id,
        generated_at=head.generated_at,
        expires_at=head.expires_at,
        tool_version=head.tool_version,
        accounts=head.accounts,
        base=noun_at("base", Base, head.base),
        config=noun_at("config", GateValues, head.config),
    )


def _with_content(plan: Plan, head: _Head) -> Plan:
    sections = _at("$.plan", partial(from_row, _Sections), head.plan)
    actions = [
        action
        for section in Section
        for action in _each(
            f"$.plan.{section}", partial(_listed, section), getattr(sections, section)
        )
    ]
    _check_names(actions)
    return replace(
        plan,
        actions=tuple(sorted(actions, key=lambda action: action.id)),
        ambiguous=tuple(
            _each("$.plan.ambiguous_matches", match_from_document, sections.ambiguous_matches)
        ),
        problems=tuple(_each("$.problems", partial(from_row, Problem), head.problems)),
        unchanged=_at("$.plan.summary", partial(from_row, _Summary), sections.summary).unchanged,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Summary:
    """The figures are counted anew; only this one stands for rows that the plan does not list."""

    unchanged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sections:
    to_update: list[Any]
    to_delete: list[Any]
    to_insert: list[Any]
    ambiguous_matches: list[Any]
    spy_futures_actions: list[Any]
    broker_actions: list[Any]
    summary: dict[str, Any]


def _check_names(actions: list[Action]) -> None:
    named = Counter(action.id for action in actions)
    for action in actions:
        if named[action.id] > 1:
            raise BrokenDocument(f"{_NAME} at $.plan: {action.id!r:.40} is the id of two actions")
        for name in action.depends_on:
            if name not in named:
                raise BrokenDocument(
                    f"{_NAME} at $.plan: {action.id} depends on {name!r:.40}, which is not there"
                )


def _approval(head: _Head) -> Approval | None:
    return None if head.approval is None else noun_at("approval", Approval, head.approval)


def _listed(section: Section, document: Mapping[str, Any]) -> Action:
    action = action_from_document(document)
    if section_of(action.change) is not section:
        raise ValueError(f"kind: {action.change.kind} has no place in {section}")
    return action


# --- places -----------------------------------------------------------------------------------


def _at(path: str, read: Callable[[Any], T], value: Any) -> T:
    try:
        return read(value)
    except ValueError as error:
        raise BrokenDocument(f"{_NAME} at {path}.{error}") from None


def _each(path: str, read: Callable[[Mapping[str, Any]], T], entries: list[Any]) -> list[T]:
    found: list[T] = []
    for entry in entries:
        if not isinstance(entry, dict):
            raise BrokenDocument(f"{_NAME} at {path}[{len(found)}]: expected an object")
        try:
            found.append(read(entry))
        except ValueError as error:
            raise BrokenDocument(f"{_NAME} at {path}[{len(found)}].{error}") from None
    return found
