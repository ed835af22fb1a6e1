"""Begin and settle: the two transactions around every broker call.

A receipt exists only for a step that is durably journaled, and only this module can make one. What
happens between begin and settle is found again by its idempotency key, however the process ended.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.apply.exit_progress import follow_exits, place_exit
from core.apply.living import follow_orders
from core.apply.progressing import follow_intents
from core.domain.errors import Stale
from core.domain.exit import ExitOf
from core.domain.intent import IntentState, SignalOrder
from core.domain.order import OUR_KEY_PREFIX, BookOrder
from core.domain.record import Audit, Event, OrderEvent, PlanState, Step, StepState
from core.ports import Book, BookReading, BookWriting
from core.ports.receipt import Mint, Receipt

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
    # Set when the order comes of an intent, which must still be waiting for it.
    of_signal: SignalOrder | None = None
    intent_id: str | None = None
    # Set when it is the order of an exit, which must still be waiting for it.
    of_exit: ExitOf | None = None

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
        if self.of_signal:
            book.put_signal_orders([self.of_signal])
        if self.of_exit:
            book.put_exit_order(self.of_exit)
        if row := self.new_order or self.order:
            book.bump_serial()
            follow_intents(book, [row])
            follow_exits(book, [row])
            assert row.updated_at is not None, "rows are written with the moment of their writing"
            follow_orders(book, row.account, row.symbol, at=row.updated_at)


class Journal:
    def __init__(self, book: Book):
        self._book = book

    def begin(self, step: Step, facts: Facts, *, backup_file: str | None) -> Receipt:
        """Transaction 1. The plan is used up by its first step, whatever comes of it."""
        with self._book.write() as book:
            _check_not_begun(book, facts)
            book.move_plan(step.plan_id, PlanState.USED, backup_file=backup_file)
            book.insert_step(step)
            facts.write(book)
        return _MINT.receipt(step)

    def settle(
        self,
        step: Step,
        to: StepState,
        facts: Callable[[BookReading], Facts],
        *,
        at: datetime,
        broker_order_id: str | None = None,
        outcome: str | None = None,
    ) -> None:
        """Transaction 2: what the broker answered, the journal and the outbox, together.

        `facts` looks at the book once more: the venue's stream may have been quicker.
        """
        with self._book.write() as book:
            book.move_step(
                step.step_id, to, at=at, broker_order_id=broker_order_id, outcome=outcome
            )
            facts(book).write(book)


def _check_not_begun(book: BookWriting, facts: Facts) -> None:
    """One intent, one order: two processes may carry the same one, and one of them wins."""
    if facts.of_exit is not None and facts.new_order is not None:
        place_exit(book, facts.of_exit, facts.new_order)
    if facts.intent_id is None or facts.new_order is None:
        return
    intent = book.intent(facts.intent_id)
    if intent is None or intent.state is not IntentState.APPROVED:
        state = intent.state if intent else "gone"
        raise Stale(f"intent {facts.intent_id} is {state}, not waiting any more")
    if book.orders(facts.new_order.account, order_ids=[facts.new_order.order_id]):
        raise Stale(f"the order of intent {facts.intent_id} has been begun already")
