"""One broker action: begin (durable), perform, settle.

The dangerous moment is between telling the broker and remembering that we did; it exists only here.
Wherever the process ends in between, the journal has the key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.apply.asking import Answer, perform
from core.apply.calls import Call, call_for, order_at_broker
from core.apply.journal import Journal, idempotency_key
from core.apply.settling import settle
from core.domain.moment import moment_text
from core.domain.record import Step, StepState
from core.domain.text import Row
from core.plan.change import AnyChange, PlaceExit, PlaceOrder
from core.plan.codec import action_document
from core.plan.plan import Action
from core.ports import Book, Broker, Clock, RunLog
from core.ports.receipt import Receipt


class Copybook(Protocol):
    """Kept outside the book, so that after a restore we can tell what the book has forgotten."""

    def applied(self, rows: Sequence[Row]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Commission:
    """An approved action on its way to the broker, under the key that its order will bear."""

    plan_id: str
    action: Action
    key: str
    backup_file: str | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A step that is durably journaled and not yet sent."""

    commission: Commission
    step: Step
    call: Call
    receipt: Receipt


def key_for(change: AnyChange, lineage: str, plan_id: str, action_id: str) -> str:
    """An intent's order has one key, whichever plan carries it; all else is named by its plan."""
    if isinstance(change, PlaceOrder | PlaceExit):
        return change.after.key
    return idempotency_key(lineage, plan_id, action_id, change.account)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepper:
    book: Book
    brokers: Mapping[str, Broker]
    clock: Clock
    log: RunLog
    copybook: Copybook
    # Stands in the audit as the one who settled it.
    by: str

    def begin(self, commission: Commission) -> "Begun":
        """Transaction 1: from here on the journal knows of it, and its outcome is unknown."""
        step, call = self._prepare(commission)
        facts = call.begun(step, self.by)
        receipt = Journal(self.book).begin(step, facts, backup_file=commission.backup_file)
        self.log.event(
            "step_begun", action=step.action_id, kind=step.kind, key=step.idempotency_key
        )
        return Begun(commission, step, call, receipt)

    async def finish(self, begun: "Begun") -> Answer:
        """The call, and transaction 2: what came of it."""
        step, call = begun.step, begun.call
        answer = await perform(self.brokers[step.account], call, begun.receipt, self.log)
        settle(Journal(self.book), call, step, answer, at=self.clock.now(), by=self.by)
        if answer.state is StepState.DONE:
            done = begun.commission
            row = copy_row(done.plan_id, done.action, self.clock.now(), done.key)
            self.copybook.applied([row])
        self.log.event(
            "step_settled",
            action=step.action_id,
            kind=step.kind,
            account=step.account,
            symbol=step.symbol,
            key=step.idempotency_key,
            state=answer.state.value,
            note=answer.note,
        )
        return answer

    def _prepare(self, commission: Commission) -> tuple[Step, Call]:
        change, key, now = commission.action.change, commission.key, self.clock.now()
        existing = order_at_broker(change)
        row = None
        if existing:
            with self.book.read() as book:
                rows = book.orders(change.account, broker_order_ids=[existing.broker_order_id])
            row = rows[0] if rows else None
        call = call_for(change, key=key, now=now, row=row)
        step = Step(
            step_id=key,
            plan_id=commission.plan_id,
            action_id=commission.action.id,
            account=change.account,
            symbol=change.symbol,
            kind=change.kind,
            idempotency_key=key,
            request=action_document(commission.action),
            order_id=call.row.order_id if call.row else None,
            begun_at=now,
        )
        return step, call


def copy_row(plan_id: str, action: Action, at: datetime, key: str | None = None) -> Row:
    """An applied action as the copybook keeps it."""
    change = action.change
    return {
        "plan_id": plan_id,
        "action_id": action.id,
        "kind": change.kind,
        "account": change.account,
        "symbol": change.symbol,
        "target": change.target,
        "at": moment_text(at),
        "idempotency_key": key,
    }
