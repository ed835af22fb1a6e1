"""Begin and settle: the two transactions around every broker call.

A receipt exists only for a step that is durably journaled, and only this module can make one. What
happens between begin and settle is found again by its idempotency key, however the process ended.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.domain.order import OUR_KEY_PREFIX, BookOrder
from core.domain.record import Audit, Event, OrderEvent, PlanState, Step, StepState
from core.ports import Book, BookWriting, Mint, Receipt

_MINT = Mint()


def idempotency_key(lineage: str, plan_id: str, action_id: str, account: str) -> str:
    """The action's meaning as a client order id: 27 characters of [a-z0-9-], fit for any venue."""
    meaning = "|".join((lineage, plan_id, action_id, account))
    return OUR_KEY_PREFIX + hashlib.sha256(meaning.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one transaction writes beside the journal row."""

    new_order: BookOrder | None = None
    order: BookOrder | None = None
    order_event: OrderEvent | None = None
    audit: Audit | None = None
    events: Sequence[Event] = ()

    def write(self, book: BookWriting) -> None:
        if self.new_order:
            book.insert_orders([self.new_order])
        if self.order:
            book.update_orders([self.order])
        if self.order_event:
            book.insert_order_events([self.order_event])
        if self.audit:
            book.insert_audit([self.audit])
        book.insert_events(self.events)
        if self.new_order or self.order:
            book.bump_serial()


class Journal:
    def __init__(self, book: Book):
        self._book = book

    def begin(self, step: Step, facts: Facts, *, backup_file: str | None) -> Receipt:
        """Transaction 1. The plan is used up by its first step, whatever comes of it."""
        with self._book.write() as book:
            book.move_plan(step.plan_id, PlanState.USED, backup_file=backup_file)
            book.insert_step(step)
            facts.write(book)
        return _MINT.receipt(step)

    def settle(
        self,
        step: Step,
        to: StepState,
        facts: Facts,
        *,
        at: datetime,
        broker_order_id: str | None = None,
        outcome: str | None = None,
    ) -> None:
        """Transaction 2: what the broker answered, the journal and the outbox, together."""
        with self._book.write() as book:
            book.move_step(
                step.step_id, to, at=at, broker_order_id=broker_order_id, outcome=outcome
            )
            facts.write(book)
