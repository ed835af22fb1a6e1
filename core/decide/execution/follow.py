"""What may be believed of an order that the venue tells of by itself, and what must be asked for.

A venue's events repeat, come late and out of order. What moves an order forward is taken down;
whatever would take something back is old news or a surprise, and asking the venue tells which.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.order import FORWARD
from core.plan.change import AnyChange, UpdateOrder
from core.plan.plan import Decision, first_decision


@dataclass(frozen=True, slots=True)
class SortedOut:
    facts: tuple[AnyChange, ...] = ()
    # Orders to ask the venue about.
    odd: tuple[UpdateOrder, ...] = ()


def sort_out(changes: Iterable[AnyChange]) -> SortedOut:
    """Of what a glance proposes: facts to record, and what is odd; nothing else is acted upon."""
    facts: list[AnyChange] = []
    odd: list[UpdateOrder] = []
    for change in changes:
        if isinstance(change, UpdateOrder) and not goes_forward(change):
            odd.append(change)
        elif is_fact(change):
            facts.append(change)
    return SortedOut(tuple(facts), tuple(odd))


def is_fact(change: AnyChange) -> bool:
    """Whether it only writes down what the broker told, and needs nobody's approval."""
    return not change.at_broker and first_decision(change) is Decision.APPROVE


def goes_forward(change: UpdateOrder) -> bool:
    before, after = change.before, change.after
    if after.status is not before.status and after.status not in FORWARD[before.status]:
        return False
    if after.filled_quantity < before.filled_quantity:
        return False
    # Told before what the book has heard already, and different: which of the two is so?
    older = before.updated_at and after.updated_at and after.updated_at < before.updated_at
    return not older or after.filled_quantity > before.filled_quantity
