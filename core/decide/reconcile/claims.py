"""What each listed order is taken for: identifiers first, then a person's word, then its looks."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from core.decide.reconcile.identity import Rows, is_past_of
from core.decide.reconcile.replaced import Listed
from core.domain.ambiguity import AmbiguityReason, Choice, MatchDecision
from core.domain.observation import BookView
from core.domain.order import LIVE, BookOrder, BrokerOrder

LooksLike = Callable[[BrokerOrder], tuple[BookOrder, ...]]


class Standing(StrEnum):
    MATCHED = "matched"
    NEW = "new"
    # No identifier points anywhere; what the order looks like comes next.
    UNKNOWN = "unknown"
    # A person must decide.
    DOUBTED = "doubted"
    IGNORED = "ignored"
    IN_FLIGHT = "in_flight"
    # An ended life of an order whose row has moved on.
    PAST = "past"


# Nothing is proposed for these, nor for the rows they speak of.
HELD = frozenset({Standing.DOUBTED, Standing.IGNORED, Standing.IN_FLIGHT})


@dataclass(frozen=True, slots=True)
class Claim:
    """A listed order, what it is taken for, and the rows it speaks of."""

    order: BrokerOrder
    standing: Standing
    rows: tuple[BookOrder, ...] = ()
    # The decision to ignore it, or the one that no longer settles anything.
    decision: MatchDecision | None = None
    reason: AmbiguityReason = AmbiguityReason.IDENTIFIERS_DISAGREE

    @property
    def names(self) -> frozenset[str]:
        return frozenset(row.order_id for row in self.rows)


class Busy:
    """The orders about which a call's outcome is still open, by our id or our key for them."""

    def __init__(self, book: BookView):
        ids = {step.order_id for step in book.open_steps if step.order_id}
        self.names = frozenset(ids | {step.idempotency_key for step in book.open_steps})

    def has(self, row: BookOrder) -> bool:
        return row.order_id in self.names or row.client_order_id in self.names


def claims_by_name(listed: Listed, rows: Rows, busy: Busy, book: BookView) -> list[Claim]:
    """One claim per listed order, by its identifiers and by what was decided about it."""
    decisions = {each.broker_order_id: each for each in book.decisions}
    return _uncontested(
        [
            _claim(order, listed, rows, busy, decisions.get(order.broker_order_id))
            for order in listed.orders
        ]
    )


def free_rows(rows: Rows, busy: Busy, claims: Iterable[Claim]) -> list[BookOrder]:
    """The live rows that nothing listed speaks of by name."""
    spoken_for = _names(claim for claim in claims if claim.standing is not Standing.PAST)
    return [
        row
        for row in rows.by_order_id.values()
        if row.status in LIVE and row.order_id not in spoken_for and not busy.has(row)
    ]


def by_looks(claim: Claim, looks_like: LooksLike) -> Claim:
    """Settles what no identifier could: new, or a question."""
    if claim.standing is not Standing.UNKNOWN:
        return claim
    alike = looks_like(claim.order)
    # A decision for a row that is gone leaves the question open, even if nothing looks alike.
    if not alike and not claim.decision:
        return replace(claim, standing=Standing.NEW)
    several = len(alike) > 1
    return replace(
        claim,
        standing=Standing.DOUBTED,
        rows=alike,
        reason=AmbiguityReason.SEVERAL_CANDIDATES if several else AmbiguityReason.SIGNATURE_MATCH,
    )


def _claim(
    order: BrokerOrder, listed: Listed, rows: Rows, busy: Busy, decision: MatchDecision | None
) -> Claim:
    found = rows.identify(order, listed.survivor_of)
    agreed = found.agreeing if len(found.agreeing) == 1 else ()
    decided = _decided_row(order, decision, rows)
    choice = decision.choice if decision else None
    if order.client_order_id in busy.names or any(map(busy.has, found.rows + decided)):
        return Claim(order, Standing.IN_FLIGHT, found.rows + decided)
    if choice is Choice.IGNORE:
        own = tuple(row for row in found.rows if row.broker_order_id == order.broker_order_id)
        return Claim(order, Standing.IGNORED, agreed or own, decision)
    if decided or agreed:
        return Claim(order, Standing.MATCHED, decided or agreed)
    # Once it is inserted there is a row that agrees, and the decision is spent.
    if choice is Choice.INSERT and not found.agreeing:
        return Claim(order, Standing.NEW)
    if found.rows and all(is_past_of(order, row) for row in found.rows):
        return Claim(order, Standing.PAST, found.rows)
    standing = Standing.DOUBTED if found.rows else Standing.UNKNOWN
    return Claim(order, standing, found.rows, decision if _is_outdated(decision, rows) else None)


def _decided_row(
    order: BrokerOrder, decision: MatchDecision | None, rows: Rows
) -> tuple[BookOrder, ...]:
    if decision is None or decision.choice is not Choice.MATCH:
        return ()
    row = rows.by_order_id.get(decision.order_id or "")
    # The same broker id under another symbol can be another order, of which nothing was decided.
    return (row,) if row and row.symbol == order.symbol else ()


def _is_outdated(decision: MatchDecision | None, rows: Rows) -> bool:
    """Whether it names a row that the book no longer has."""
    return (
        decision is not None
        and decision.choice is Choice.MATCH
        and decision.order_id not in rows.by_order_id
    )


def _uncontested(claims: Sequence[Claim]) -> list[Claim]:
    """A row that two orders claim, or that a doubted order speaks of too, is nobody's yet."""
    claimed = Counter(claim.names for claim in claims if claim.standing is Standing.MATCHED)
    doubted = _names(claim for claim in claims if claim.standing is Standing.DOUBTED)
    return [
        replace(claim, standing=Standing.DOUBTED)
        if claim.standing is Standing.MATCHED
        and (claimed[claim.names] > 1 or claim.names & doubted)
        else claim
        for claim in claims
    ]


def _names(claims: Iterable[Claim]) -> frozenset[str]:
    return frozenset(name for claim in claims for name in claim.names)
