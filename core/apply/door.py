"""The door: back up, look again, and carry out an approved plan step by step.

    refuse     anything that forbids it, before anything is touched (refusals.py)
    back up    a verified copy of the book
    look       broker and book again; every `before` must still hold
    book       all book-only actions in one transaction
    broker     one action at a time: begin (durable), perform, settle

The dangerous moment is between telling the broker and remembering that we did; it exists only here.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.apply.asking import Answer, perform
from core.apply.booking import Circumstances, batch_of
from core.apply.calls import Call, call_for, order_at_broker
from core.apply.journal import Journal, idempotency_key
from core.apply.ledger import Ledger, Outcome
from core.apply.settling import settle
from core.apply.staleness import check_still_true
from core.domain.errors import Blocked, Stale
from core.domain.moment import moment_text
from core.domain.observation import Observation
from core.domain.record import PlanState, Step, StepState
from core.domain.text import Row
from core.plan.codec import action_document
from core.plan.plan import Action, Base, Plan
from core.plan.proposal import Proposal
from core.ports import Book, Broker, Clock, RunLog

OUTCOMES: Mapping[StepState, Outcome] = {
    StepState.DONE: Outcome.DONE,
    StepState.FAILED: Outcome.FAILED,
    StepState.UNKNOWN: Outcome.UNKNOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Both sides as they are now, and what would be proposed from there."""

    observations: Mapping[str, Observation]
    proposal: Proposal
    base: Base


class Copybook(Protocol):
    """Kept outside the book, so that after a restore we can tell what the book has forgotten."""

    def applied(self, rows: Sequence[Row]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    book: Book
    brokers: Mapping[str, Broker]
    clock: Clock
    log: RunLog
    look: Callable[[], Awaitable[Look]]
    # Asked again before every single action: why nothing may be changed, or None.
    forbidden: Callable[[], str | None]
    # True once the operator has asked us to stop.
    interrupted: Callable[[], bool]
    backup: Callable[[], str]
    copybook: Copybook
    approved_by: str

    async def carry_out(self, plan: Plan, chosen: Sequence[Action], ledger: Ledger) -> None:
        """Tries the chosen actions in order; the ledger tells it all even when this raises."""
        ledger.note_all(chosen, Outcome.NOT_REACHED)
        ledger.backup_file = self.backup()
        look = await self.look()
        check_still_true(plan, chosen, look.proposal, look.base)
        self._record(
            plan, [action for action in chosen if not action.change.at_broker], look, ledger
        )
        for action in (action for action in chosen if action.change.at_broker):
            why = self._stopped(ledger)
            if why:
                ledger.note(action, Outcome.NOT_REACHED, why)
            elif blocker := ledger.blocker_of(action):
                ledger.note(action, Outcome.SKIPPED, f"depends on {blocker}, which was not done")
            else:
                await self._call(plan, action, ledger)

    def _stopped(self, ledger: Ledger) -> str | None:
        """Why the next action must not start."""
        if ledger.unknown:
            return "the outcome of an earlier action is unknown"
        if self.interrupted():
            ledger.interrupted = True
            return "interrupted by the operator"
        return self.forbidden()

    # --- the book -----------------------------------------------------------------------------

    def _record(self, plan: Plan, actions: Sequence[Action], look: Look, ledger: Ledger) -> None:
        """All of them or none, in one transaction that also uses up the plan."""
        if not actions:
            return
        if why := self._stopped(ledger):
            ledger.note_all(actions, Outcome.NOT_REACHED, why)
            if ledger.interrupted:
                return
            raise Blocked(f"stopped before anything was changed: {why}", hint="trueup status")
        at = self.clock.now()
        with self.book.write() as book:
            if book.identity().serial != look.base.book_serial:
                raise Stale(
                    "the book changed while the plan was being checked", hint="trueup stage"
                )
            if not book.move_plan(plan.plan_id, PlanState.USED, backup_file=ledger.backup_file):
                raise Stale(f"plan {plan.plan_id} has been used already", hint="trueup stage")
            circumstances = Circumstances(
                plan_id=plan.plan_id,
                approved_by=self.approved_by,
                at=at,
                serial=book.bump_serial(),
                backup_file=ledger.backup_file,
                observations=look.observations,
            )
            batch_of(actions, circumstances).write(book)
        ledger.note_all(actions, Outcome.DONE)
        self.copybook.applied([_copy_row(plan, action, at) for action in actions])
        self.log.event(
            "book_actions_applied",
            plan_id=plan.plan_id,
            count=len(actions),
            seconds=(self.clock.now() - at).total_seconds(),
        )

    # --- the broker ---------------------------------------------------------------------------

    async def _call(self, plan: Plan, action: Action, ledger: Ledger) -> None:
        """Begin, perform, settle. Wherever the process ends in between, the journal has the key."""
        journal = Journal(self.book)
        step, call = self._prepare(plan, action)
        receipt = journal.begin(step, call.begun(step), backup_file=ledger.backup_file)
        self.log.event("step_begun", action=action.id, kind=step.kind, key=step.idempotency_key)
        # Until it is settled its outcome is unknown, also if the book refuses to remember it.
        ledger.note(action, Outcome.UNKNOWN, "not settled", idempotency_key=step.idempotency_key)
        answer = await perform(self.brokers[step.account], call, receipt, self.log)
        settle(journal, call, step, answer, at=self.clock.now(), by="apply")
        self._note(plan, action, step, answer, ledger)

    def _prepare(self, plan: Plan, action: Action) -> tuple[Step, Call]:
        change = action.change
        now = self.clock.now()
        key = idempotency_key(plan.base.book_lineage, plan.plan_id, action.id, change.account)
        existing = order_at_broker(change)
        row = None
        if existing:
            with self.book.read() as book:
                rows = book.orders(change.account, broker_order_ids=[existing.broker_order_id])
            row = rows[0] if rows else None
        call = call_for(change, key=key, now=now, row=row)
        step = Step(
            step_id=key,
            plan_id=plan.plan_id,
            action_id=action.id,
            account=change.account,
            symbol=change.symbol,
            kind=change.kind,
            idempotency_key=key,
            request=action_document(action),
            order_id=call.row.order_id if call.row else None,
            begun_at=now,
        )
        return step, call

    def _note(self, plan: Plan, action: Action, step: Step, answer: Answer, ledger: Ledger) -> None:
        ledger.note(
            action,
            OUTCOMES[answer.state],
            answer.note,
            idempotency_key=step.idempotency_key,
            broker_order_id=answer.shown.broker_order_id if answer.shown else None,
        )
        if answer.state is StepState.DONE:
            self.copybook.applied([_copy_row(plan, action, self.clock.now(), step.idempotency_key)])
        self.log.event(
            "step_settled",
            action=action.id,
            key=step.idempotency_key,
            state=answer.state.value,
            note=answer.note,
        )


def _copy_row(plan: Plan, action: Action, at: datetime, key: str | None = None) -> Row:
    change = action.change
    return {
        "plan_id": plan.plan_id,
        "action_id": action.id,
        "kind": change.kind,
        "account": change.account,
        "symbol": change.symbol,
        "target": change.target,
        "at": moment_text(at),
        "idempotency_key": key,
    }
