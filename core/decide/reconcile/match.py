"""Who is who: each listed order is one book row, a new order, or a question for a person."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from core.config.settings import Settings
from core.decide.reconcile.claims import (
    HELD,
    Busy,
    Claim,
    Standing,
    by_looks,
    claims_by_name,
    free_rows,
)
from core.decide.reconcile.identity import Rows
from core.decide.reconcile.replaced import BrokerName, listed_once, name_of
from core.decide.reconcile.signature import LookAlikes, weighed
from core.domain.ambiguity import AmbiguousMatch, MatchDecision
from core.domain.observation import Observation, OpenStep
from core.domain.order import BookOrder, BrokerOrder, Origin, PositionSide, is_our_key
from core.domain.problem import STEP_UNRESOLVED, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Held orders and rows are left alone until a person, or the broker, has settled them."""

    rows: Rows
    orders: tuple[BrokerOrder, ...]
    pairs: tuple[tuple[BrokerOrder, BookOrder], ...]
    new: tuple[BrokerOrder, ...]
    missing: tuple[BookOrder, ...]
    ambiguous: tuple[AmbiguousMatch, ...]
    problems: tuple[Problem, ...]
    # From an order's earlier name to the one that stands for it now.
    survivor_of: Mapping[BrokerName, BrokerName]
    listed: frozenset[BrokerName]
    # Our order id of what is listed, where there is a row.
    linked: Mapping[BrokerName, str]
    held_orders: frozenset[BrokerName]
    held_rows: frozenset[str]
    # Our ids and keys of orders about which a call's outcome is open, listed or not.
    in_flight: frozenset[str]
    # Positions whose difference may be the doing of an order that waits for a decision.
    waiting: frozenset[tuple[str, PositionSide]]

    def holds(self, order: BrokerOrder) -> bool:
        return name_of(order) in self.held_orders

    def row_of(self, order: BrokerOrder) -> BookOrder | None:
        return self.rows.by_order_id.get(self.linked.get(name_of(order), ""))

    def owns(self, order: BrokerOrder) -> bool:
        """Whether we placed it, by its key or by the book's word."""
        row = self.row_of(order)
        return is_our_key(order.client_order_id) or (row is not None and row.origin is Origin.OWNED)


def match(observation: Observation, settings: Settings) -> Matching:
    """Takes each row for one order at most, and each order for one row at most."""
    rows, busy = Rows(observation.book.orders), Busy(observation.book)
    listed = listed_once(observation.broker.orders, rows.by_broker_name)
    claims = claims_by_name(listed, rows, busy, observation.book)
    free = free_rows(rows, busy, claims)
    alike = LookAlikes(free, settings.RECONCILE, observation.broker.instruments)
    claims = [by_looks(claim, alike.of) for claim in claims]
    held_rows = _held_rows(claims)
    return Matching(
        rows=rows,
        orders=listed.orders,
        pairs=tuple((c.order, c.rows[0]) for c in claims if c.standing is Standing.MATCHED),
        new=tuple(c.order for c in claims if c.standing is Standing.NEW),
        missing=tuple(row for row in free if row.order_id not in held_rows),
        ambiguous=tuple(_questions(observation.account, claims)),
        problems=tuple(_problems(observation, claims)),
        survivor_of=listed.survivor_of,
        listed=frozenset(map(name_of, observation.broker.orders)),
        linked=_linked(claims),
        held_orders=_held_orders(claims, listed.survivor_of),
        held_rows=held_rows | busy.names,
        in_flight=busy.names,
        waiting=frozenset(_waiting(claims)),
    )


def _held_orders(
    claims: Iterable[Claim], survivor_of: Mapping[BrokerName, BrokerName]
) -> frozenset[BrokerName]:
    held = {name_of(claim.order) for claim in claims if claim.standing in HELD}
    return frozenset(held | {past for past, now in survivor_of.items() if now in held})


def _held_rows(claims: Iterable[Claim]) -> frozenset[str]:
    held = {name for claim in claims if claim.standing in HELD for name in claim.names}
    # A row that an ignored order speaks of may be another's by decision.
    matched = {claim.names for claim in claims if claim.standing is Standing.MATCHED}
    return frozenset(held).difference(*matched)


def _linked(claims: Iterable[Claim]) -> dict[BrokerName, str]:
    known = (Standing.MATCHED, Standing.PAST)
    return {name_of(c.order): c.rows[0].order_id for c in claims if c.standing in known}


def _doubted(claims: Iterable[Claim]) -> Iterator[Claim]:
    return (claim for claim in claims if claim.standing is Standing.DOUBTED)


def _waiting(claims: Iterable[Claim]) -> Iterator[tuple[str, PositionSide]]:
    for claim in _doubted(claims):
        yield claim.order.symbol, claim.order.position_side
        yield from ((row.symbol, row.position_side) for row in claim.rows)


def _questions(account: str, claims: Iterable[Claim]) -> Iterator[AmbiguousMatch]:
    for claim in _doubted(claims):
        yield AmbiguousMatch(
            account=account,
            reason=claim.reason,
            broker_order=claim.order,
            candidates=weighed(claim.order, claim.rows),
        )


def _problems(observation: Observation, claims: Iterable[Claim]) -> Iterator[Problem]:
    yield from (_unresolved(step) for step in observation.book.open_steps)
    for claim in claims:
        match claim:
            case Claim(order, Standing.IGNORED, _, MatchDecision() as decision):
                yield _ignored(order, decision)
            case Claim(order, Standing.DOUBTED, _, MatchDecision() as decision):
                yield _outdated(order, decision)


def _unresolved(step: OpenStep) -> Problem:
    return Problem(
        STEP_UNRESOLVED,
        step.account,
        step.step_id,
        f"What became of {step.kind} for {step.symbol} (step {step.step_id}) is not known yet; "
        "nothing that depends on it is proposed until it is settled.",
    )


def _ignored(order: BrokerOrder, decision: MatchDecision) -> Problem:
    return Problem(
        "ignored_by_decision",
        decision.account,
        order.broker_order_id,
        f"{decision.by} decided to ignore the {order.symbol} order {order.broker_order_id}; "
        "it and its executions stay out of the book.",
    )


def _outdated(order: BrokerOrder, decision: MatchDecision) -> Problem:
    return Problem(
        "decision_outdated",
        decision.account,
        order.broker_order_id,
        f"The {order.symbol} order {order.broker_order_id} was decided to be {decision.order_id}, "
        "which the book no longer has; it must be decided again.",
    )
