"""The door: back up, look again, and carry out an approved plan step by step.

refuse     anything that forbids it, before anything is touched (refusals.py)
back up    a verified copy of the book
look       broker and book again; every `before` must still hold
book       all book-only actions in one transaction
broker     one action at a time (stepping.py): begin (durable), perform, settle
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from core.apply.booking import Circumstances, batch_of
from core.apply.ledger import Ledger, Outcome
from core.apply.staleness import check_still_true
from core.apply.stepping import Commission, Copybook, Stepper, copy_row, key_for
from core.domain.errors import Blocked, Stale
from core.domain.observation import Observation
from core.domain.record import PlanState, StepState
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
        self.copybook.applied([copy_row(plan.plan_id, action, at) for action in actions])
        self.log.event(
            "book_actions_applied",
            plan_id=plan.plan_id,
            count=len(actions),
            seconds=(self.clock.now() - at).total_seconds(),
        )

    # --- the broker ---------------------------------------------------------------------------

    async def _call(self, plan: Plan, action: Action, ledger: Ledger) -> None:
        key = key_for(action.change, plan.base.book_lineage, plan.plan_id, action.id)
        stepper = self._stepper()
        begun = stepper.begin(
            Commission(plan_id=plan.plan_id, action=action, key=key, backup_file=ledger.backup_file)
        )
        # Until it is settled its outcome is unknown, also if the book refuses to remember it.
        ledger.note(action, Outcome.UNKNOWN, "not settled", idempotency_key=key)
        answer = await stepper.finish(begun)
        ledger.note(
            action,
            OUTCOMES[answer.state],
            answer.note,
            idempotency_key=key,
            broker_order_id=answer.shown.broker_order_id if answer.shown else None,
        )

    def _stepper(self) -> Stepper:
        return Stepper(
            book=self.book,
            brokers=self.brokers,
            clock=self.clock,
            log=self.log,
            copybook=self.copybook,
            by="apply",
        )
