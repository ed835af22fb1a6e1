"""Matches that a person must decide, and the decisions made."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.domain.order import BookOrder, BrokerOrder


class AmbiguityReason(StrEnum):
    SIGNATURE_MATCH = "signature_match"
    IDENTIFIERS_DISAGREE = "identifiers_disagree"
    SEVERAL_CANDIDATES = "several_candidates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    book_order: BookOrder
    score: Decimal
    agree: tuple[str, ...]
    differ: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AmbiguousMatch:
    """One broker order and the book rows it might be; `id` is given when a plan is made."""

    id: str = ""
    account: str
    reason: AmbiguityReason
    broker_order: BrokerOrder
    candidates: tuple[Candidate, ...]


class Choice(StrEnum):
    MATCH = "match"
    INSERT = "insert"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchDecision:
    """A person's word on one broker order; the next plan honours it."""

    account: str
    broker_order_id: str
    choice: Choice
    order_id: str | None
    by: str
    at: datetime
    note: str = ""
