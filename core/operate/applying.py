"""apply: the staged plan through the door, and the account of what became of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from core.apply.door import Door, Look
from core.apply.ledger import Ledger, Outcome
from core.apply.refusals import Circumstance, only_confirmation_is_missing, refuse
from core.config.secret import defect_text
from core.decide.gates import forbid
from core.domain.errors import (
    BackupFailed,
    PartlyApplied,
    Refused,
    Tampered,
    TrueupError,
    Unavailable,
)
from core.operate.alerting import raise_alert
from core.operate.copybook import DiskCopybook
from core.operate.desk import Desk
from core.operate.looking import look
from core.operate.reviewing import named
from core.operate.run_status import RunState, RunStatus, write_status
from core.operate.safe_mode import safe_mode_on
from core.operate.staging import staged_plan
from core.operate.trade_log import write_trade_log
from core.plan.change import PlaceStop, Section, is_informational, section_of
from core.plan.codec import StagedPlan
from core.plan.plan import Action, Decision, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which actions this run is to try; names as in a review."""

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def of(self, plan: Plan) -> list[Action]:
        chosen = named(plan, self.only) if self.only else list(plan.actions)
        left_out = {action.id for action in named(plan, self.exclude)}
        return [action for action in chosen if action.id not in left_out]


async def apply_staged(
    desk: Desk,
    *,
    confirmed: str | None,
    ask: Callable[[str], str | None],
    selection: Selection,
    interrupted: Callable[[], bool],
    ledger: Ledger,
) -> None:
    """Raises when refused: nothing changed. `ledger` tells what was done, also after a failure.

    `ask` lets a person at a terminal type the plan's id, when nothing else is amiss.
    """
    if desk.gates().dry_run:
        simulate(staged_plan(desk), selection, ledger)
        return
    with desk.lock():
        staged = staged_plan(desk)
        chosen = selection.of(staged.plan)
        _refuse(desk, staged, chosen, confirmed, ask)
        ledger.plan_id = staged.plan.plan_id
        _leave_out(staged.plan, chosen, ledger)
        tried = [action for action in chosen if ledger.outcome_of(action.id) is None]
        await _through_the_door(desk, staged.plan, tried, ledger, interrupted)


# --- before -----------------------------------------------------------------------------------


def simulate(staged: StagedPlan, selection: Selection, ledger: Ledger) -> None:
    """What the ledger would say; nothing is asked and nothing is changed."""
    if not staged.intact:
        raise Tampered(
            f"the content of {staged.plan.plan_id} was changed after it was staged",
            hint="trueup stage",
        )
    chosen = selection.of(staged.plan)
    ledger.plan_id = staged.plan.plan_id
    ledger.simulated = True
    _leave_out(staged.plan, chosen, ledger)
    for action in chosen:
        if ledger.outcome_of(action.id) is None:
            waiting = action.decision is Decision.PENDING
            note = "still waits for a decision" if waiting else ""
            ledger.note(action, Outcome.SKIPPED if waiting else Outcome.SIMULATED, note)


def _refuse(
    desk: Desk,
    staged: StagedPlan,
    chosen: Sequence[Action],
    confirmed: str | None,
    ask: Callable[[str], str | None],
) -> None:
    case = _case(desk, staged, chosen, confirmed)
    if confirmed is None and only_confirmation_is_missing(case):
        case = replace(case, confirmed=ask(staged.plan.plan_id))
    refuse(case)


def _case(
    desk: Desk, staged: StagedPlan, chosen: Sequence[Action], confirmed: str | None
) -> Circumstance:
    with desk.book.read() as book:
        return Circumstance(
            staged=staged,
            registered=book.plan(staged.plan.plan_id),
            identity=book.identity(),
            gates=desk.gates(),
            confirmed=confirmed,
            chosen=chosen,
            open_steps=book.steps(open_only=True),
            now=desk.clock.now(),
        )


def _leave_out(plan: Plan, chosen: Sequence[Action], ledger: Ledger) -> None:
    """Notes what will not be tried: not selected, decided so, or waiting for such a one."""
    chosen_ids = {action.id for action in chosen}
    for action in plan.actions:
        if is_informational(action.change):
            ledger.note(action, Outcome.SKIPPED, "for information only")
        elif action.id not in chosen_ids:
            ledger.note(action, Outcome.SKIPPED, "not selected")
        elif action.decision in (Decision.SKIP, Decision.REJECT):
            note = f"decided: {action.decision}"
            if action.decision_note:
                note += f" ({action.decision_note})"
            ledger.note(action, Outcome.SKIPPED, note)
        elif blocker := ledger.blocker_of(action):
            # Actions stand in the order of their dependence, so one pass carries it all the way.
            ledger.note(action, Outcome.SKIPPED, f"depends on {blocker}, which is skipped")


# --- through ----------------------------------------------------------------------------------


async def _through_the_door(
    desk: Desk,
    plan: Plan,
    tried: Sequence[Action],
    ledger: Ledger,
    interrupted: Callable[[], bool],
) -> None:
    _write(desk, plan, ledger, RunState.IN_PROGRESS)

    async def look_again() -> Look:
        return await look(desk, plan.accounts)

    door = Door(
        book=desk.book,
        brokers={name: desk.broker(name) for name in plan.accounts},
        clock=desk.clock,
        log=desk.log,
        look=look_again,
        forbidden=lambda: _forbidden(desk, plan),
        interrupted=interrupted,
        backup=lambda: desk.backups().take().name,
        copybook=DiskCopybook(desk.files, desk.home.journal_copy),
        approved_by=desk.actor,
    )
    try:
        await door.carry_out(plan, tried, ledger)
    except BaseException as error:
        _broke_off(desk, plan, ledger, error)
        if isinstance(error, TrueupError) and ledger.touched:
            raise PartlyApplied(error.message, hint="trueup status") from error
        raise
    finally:
        write_trade_log(desk)
    _finish(desk, plan, ledger)


def _forbidden(desk: Desk, plan: Plan) -> str | None:
    """Why nothing may be changed right now, whatever was true when the run began."""
    verdict = forbid(desk.gates(), plan.plan_id)
    return verdict.message if verdict else None


# --- after ------------------------------------------------------------------------------------


def _broke_off(desk: Desk, plan: Plan, ledger: Ledger, error: BaseException) -> None:
    """Says how far it came. A run refused at the threshold changed nothing and did not fail."""
    note = error.message if isinstance(error, TrueupError) else defect_text(error)
    if isinstance(error, BackupFailed):
        error.hint = error.hint or "trueup backup create, once the cause is mended"
        _write(desk, plan, ledger, RunState.FAILED, note)
        raise_alert(desk, "backup_failed", note, subject=plan.plan_id)
    elif isinstance(error, Refused | Unavailable) and not ledger.touched:
        _write(desk, plan, ledger, RunState.AWAITING_CONFIRM, note)
    elif not isinstance(error, Exception):
        _write(desk, plan, ledger, RunState.PARTIAL, "interrupted")
    else:
        _write(desk, plan, ledger, RunState.PARTIAL if ledger.touched else RunState.FAILED, note)
        _fail_safe(desk, plan, note)


def _finish(desk: Desk, plan: Plan, ledger: Ledger) -> None:
    _alert_unprotected(desk, plan, ledger)
    if ledger.unknown:
        _alert_unknown(desk, plan, ledger)
    if ledger.failed:
        _write(desk, plan, ledger, RunState.FAILED, "an action failed")
        _fail_safe(desk, plan, f"an action of {plan.plan_id} failed")
    elif not ledger.whole:
        _write(desk, plan, ledger, RunState.PARTIAL, "not every action was carried out")
    else:
        _write(desk, plan, ledger, RunState.COMPLETED)
    desk.log.event(
        "applied",
        plan_id=plan.plan_id,
        outcomes={outcome.value: count for outcome, count in ledger.counts.items() if count},
    )


def _fail_safe(desk: Desk, plan: Plan, why: str) -> None:
    """A failed run stops every process from changing anything until a person has looked."""
    safe_mode_on(desk, reason=f"reconcile_failed: {why}")
    raise_alert(desk, "reconcile_failed", why, subject=plan.plan_id)


def _alert_unprotected(desk: Desk, plan: Plan, ledger: Ledger) -> None:
    """A stop that was approved and does not stand leaves its position open to any loss."""
    first = {
        action.id
        for action in plan.actions
        if isinstance(action.change, PlaceStop) and action.change.is_first
    }
    for entry in ledger.entries.values():
        if entry.action_id in first and entry.outcome in (Outcome.FAILED, Outcome.NOT_REACHED):
            raise_alert(
                desk,
                "position_unprotected",
                f"{entry.symbol} has no stop: {entry.note or entry.outcome.value}",
                account=entry.account,
                subject=entry.target,
            )


def _alert_unknown(desk: Desk, plan: Plan, ledger: Ledger) -> None:
    for entry in ledger.entries.values():
        if entry.outcome is Outcome.UNKNOWN:
            raise_alert(
                desk,
                "order_outcome_unknown",
                f"{entry.kind} {entry.symbol}: {entry.note}",
                account=entry.account,
                subject=entry.idempotency_key,
            )


def _write(
    desk: Desk, plan: Plan, ledger: Ledger, state: RunState, error: str | None = None
) -> None:
    done = [a for a in plan.actions if ledger.outcome_of(a.id) is Outcome.DONE]
    by_section = [section_of(action.change) for action in done]
    write_status(
        desk,
        RunStatus(
            status=state,
            last_run=desk.clock.now(),
            plan_id=plan.plan_id,
            inserted=by_section.count(Section.INSERT),
            updated=by_section.count(Section.UPDATE),
            deleted=by_section.count(Section.DELETE),
            broker_actions=sum(action.change.at_broker for action in done),
            ambiguous_count=len(plan.ambiguous),
            backup_file=ledger.backup_file,
            error=error,
        ),
    )
