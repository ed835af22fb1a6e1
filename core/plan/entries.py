"""Actions and matches as they lie in a document, read back strictly.

A ValueError begins with the field it speaks of; whoever knows where that lies puts it in front.
"""

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import NoneType
from typing import Any, TypeVar

from core.domain.ambiguity import AmbiguityReason, AmbiguousMatch, Candidate
from core.domain.order import BookOrder, BrokerOrder
from core.domain.text import from_row
from core.plan.change import KINDS, AdoptPosition, AnyChange, Risk, UpdateOrder, class_of
from core.plan.plan import Action, Decision

T = TypeVar("T")


def noun_at(path: str, noun: type[T], row: Mapping[str, Any]) -> T:
    """Like from_row, for a noun that lies within another."""
    try:
        return from_row(noun, row)
    except ValueError as error:
        raise ValueError(f"{path}.{error}") from None


# --- actions ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """An action as it lies in the document; `class` is read apart, Python keeps the word."""

    id: str
    kind: str
    entity: str
    account: str
    symbol: str
    target: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str
    because: str
    risk: Risk
    depends_on: tuple[str, ...]
    decision: Decision = Decision.PENDING
    decision_note: str | None = None
    unexplained: Decimal | None = None


def action_from_document(document: Mapping[str, Any]) -> Action:
    """One action, whether from a staged file or from the journal; a ValueError names the field."""
    entry = from_row(_Entry, document)
    change = _change(entry, document.get("class"))
    return Action(
        id=entry.id,
        change=change,
        depends_on=entry.depends_on,
        decision=entry.decision,
        decision_note=entry.decision_note or "",
    )


def _change(entry: _Entry, change_class: object) -> AnyChange:
    kind = KINDS.get(entry.kind)
    if kind is None:
        raise ValueError(f"kind: {entry.kind!r:.40} is not known")
    extras: dict[str, Any] = {}
    if kind is UpdateOrder:
        extras["corrects"] = change_class == "correct"
    if kind is AdoptPosition:
        if entry.unexplained is None:
            raise ValueError("unexplained: missing")
        extras["unexplained"] = entry.unexplained
    change = kind(
        account=entry.account,
        symbol=entry.symbol,
        target=entry.target,
        reason=entry.reason,
        because=entry.because,
        risk=entry.risk,
        before=_side(kind, "before", entry.before),
        after=_side(kind, "after", entry.after),
        **extras,
    )
    # A reviewer reads these words; they must not say less than what would be done.
    for name, told, meant in (
        ("entity", entry.entity, change.entity),
        ("class", change_class, class_of(change)),
    ):
        if told != meant:
            raise ValueError(f"{name}: {told!r:.40} does not fit {entry.kind}, which is {meant}")
    return change


def _side(kind: type[AnyChange], side: str, value: Mapping[str, Any] | None) -> Any:
    """`before` or `after` as the type that this kind of change declares for it."""
    options = _nouns_of(kind, side)
    if value is None:
        if NoneType in options:
            return None
        raise ValueError(f"{side}: missing")
    noun = options[0]
    if noun is NoneType:
        raise ValueError(f"{side}: {kind.kind} has none")
    return noun_at(side, noun, value)


def _nouns_of(kind: type[AnyChange], side: str) -> tuple[type[Any], ...]:
    if (kind, side) not in _NOUNS:
        hint = typing.get_type_hints(kind)[side]
        _NOUNS[kind, side] = typing.get_args(hint) or (hint,)
    return _NOUNS[kind, side]


_NOUNS: dict[tuple[type[AnyChange], str], tuple[type[Any], ...]] = {}


# --- ambiguous matches ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _MatchEntry:
    id: str
    account: str
    reason: AmbiguityReason
    broker_order: dict[str, Any]
    candidates: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _CandidateEntry:
    book_order: dict[str, Any]
    score: Decimal
    agree: tuple[str, ...]
    differ: tuple[str, ...]


def match_from_document(document: Mapping[str, Any]) -> AmbiguousMatch:
    entry = from_row(_MatchEntry, document)
    return AmbiguousMatch(
        id=entry.id,
        account=entry.account,
        reason=entry.reason,
        broker_order=noun_at("broker_order", BrokerOrder, entry.broker_order),
        candidates=tuple(
            _candidate(f"candidates[{index}]", each) for index, each in enumerate(entry.candidates)
        ),
    )


def _candidate(path: str, document: Mapping[str, Any]) -> Candidate:
    entry = noun_at(path, _CandidateEntry, document)
    return Candidate(
        book_order=noun_at(f"{path}.book_order", BookOrder, entry.book_order),
        score=entry.score,
        agree=entry.agree,
        differ=entry.differ,
    )
