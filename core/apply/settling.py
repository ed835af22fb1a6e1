"""From an answer to the second transaction: facts, journal and outbox together."""

from datetime import datetime

from core.apply.asking import Answer
from core.apply.calls import Call, answered, unanswered, with_row
from core.apply.journal import Facts, Journal
from core.domain.record import Audit, Step, StepState
from core.ports import BookReading


def settle(
    journal: Journal,
    call: Call,
    step: Step,
    answer: Answer,
    *,
    at: datetime,
    by: str,
    broker_order_id: str | None = None,
) -> None:
    """Writes down what is known now; an unknown outcome is written down as unknown.

    `broker_order_id` is what a person read off the venue when the broker itself showed nothing.
    """
    shown_id = answer.shown.broker_order_id if answer.shown else broker_order_id
    audit = Audit(
        timestamp=at,
        correlation_id=step.plan_id,
        action_type=step.kind,
        order_id=step.order_id,
        broker_order_id=shown_id,
        reason=str(step.request.get("reason", "")),
        details={"action_id": step.action_id, "settled_by": by, "key": step.idempotency_key},
        executed=answer.state is StepState.DONE,
        error=None if answer.state is StepState.DONE else answer.note,
    )

    def facts(book: BookReading) -> Facts:
        current = with_row(call, book)
        if answer.shown is not None:
            return answered(current, step, answer.shown, at=at, audit=audit)
        return unanswered(current, step, answer.status, shown_id, at=at, audit=audit)

    journal.settle(
        step,
        answer.state,
        facts,
        at=at,
        broker_order_id=shown_id,
        outcome=answer.note or None,
    )
