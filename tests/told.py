"""Proposals as lines that a test can hold against what it expects.

`+` adopt or place, `~` change, `-` remove or cancel, `?` a question, `!` a problem, `i` a remark.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from core.decide.reconcile.propose import propose
from core.domain.money import decimal_text
from core.domain.observation import BookView
from core.domain.snapshot import BrokerSnapshot
from core.domain.text import differing, plain
from core.plan.change import (
    AdoptPosition,
    AnyChange,
    CancelDuplicateStop,
    CancelOrphanStop,
    CancelStaleOrder,
    DeleteOrder,
    InitialState,
    InsertExecution,
    InsertOrder,
    PlaceStop,
    ResizeStop,
    UpdateExecution,
    UpdateOrder,
)
from core.plan.proposal import Proposal
from tests.build import NOON, observation, settings


def plan(
    broker: Iterable[Any] | BrokerSnapshot = (),
    book: Iterable[Any] | BookView = (),
    *,
    keys: Mapping[str, Any] | None = None,
    **given: Any,
) -> Proposal:
    """What is proposed at noon; stops are not asked for unless `keys` do."""
    configured = settings(**{"require_stop": False, **(keys or {})})
    return propose(observation(broker, book, **given), configured, NOON)


_GOING = {
    CancelDuplicateStop: "duplicate stop",
    CancelOrphanStop: "orphan stop",
    CancelStaleOrder: "stale order",
}
# Follow from the fields that a line names.
_UNSAID = frozenset({"updated_at", "executed_at", "execution_key", "execution_id"})


def told(proposal: Proposal) -> list[str]:
    """All that it says, in its own order."""
    return [
        *told_changes(proposal),
        *(
            f"? {match.broker_order.broker_order_id} {match.reason}: "
            + " ".join(each.book_order.order_id for each in match.candidates)
            for match in proposal.ambiguous
        ),
        *told_problems(proposal),
    ]


def told_changes(proposal: Proposal) -> list[str]:
    return [line(change) for change in proposal.changes]


def told_problems(proposal: Proposal) -> list[str]:
    return [f"! {problem.code} {problem.subject}" for problem in proposal.problems]


def line(change: AnyChange) -> str:
    match change:
        case InsertOrder(after=row):
            filled = f", {decimal_text(row.filled_quantity)} filled" if row.filled_quantity else ""
            return f"+ order {row.origin} {row.side} {plain(row.quantity)} {row.status}{filled}"
        case UpdateOrder(before=before, after=after):
            return f"~ order {before.order_id}: {_fields(before, after)}"
        case DeleteOrder(before=before, after=after):
            return f"- order {before.order_id} {after.status if after else 'erased'}"
        case InsertExecution(after=row):
            return f"+ execution {row.execution_id} {row.side} {_at(row.quantity, row.price)}"
        case UpdateExecution(before=before, after=after):
            renamed = (
                "" if before.execution_id == after.execution_id else f" → {after.execution_id}"
            )
            return f"~ execution {before.execution_id}{renamed}: {_fields(before, after)}"
        case AdoptPosition(before=held, after=row, unexplained=rest):
            was = decimal_text(held.quantity) if held else "nothing"
            now = _at(row.quantity, row.average_price)
            return f"~ position {change.target}: {was} → {now}, {decimal_text(rest)} unexplained"
        case PlaceStop(after=request):
            at = _at(request.quantity, request.trigger_price)
            return f"+ stop {change.target} {request.side} {at}"
        case ResizeStop(before=before, after=after):
            return f"~ stop {change.target}: {plain(before.quantity)} → {plain(after.quantity)}"
        case CancelDuplicateStop() | CancelOrphanStop() | CancelStaleOrder():
            return f"- {_GOING[type(change)]} {change.target}"
        case InitialState(before=position):
            return f"i {change.target} {_at(position.quantity, position.average_price)}"
        case _:
            leave = f"{change.after.side} {plain(change.after.quantity)}"
            return f"- position {change.target}: {leave}, {change.reason}"


def _fields(before: Any, after: Any) -> str:
    names = [name for name in differing(before, after) if name not in _UNSAID]
    return ", ".join(f"{name} {plain(getattr(after, name))}" for name in names)


def _at(quantity: Any, price: Any) -> str:
    return decimal_text(quantity) + ("" if price is None else f" at {decimal_text(price)}")
