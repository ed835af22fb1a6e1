"""reconcile: one round for cron."""

from cli.commands.apply import exit_of as ledger_exit
from cli.commands.plan import exit_of as plan_exit
from cli.commands.plan import warn_when_quiet
from cli.desk_work import StopRequest, at_desk
from cli.invocation import Invocation
from cli.options import AsJson, verb
from cli.views.ledger import ledger_document, show_ledger, warn_of_trouble
from cli.views.plan import show_plan
from core.apply.ledger import Ledger
from core.decide.gates import forbid
from core.operate.reconciling import Round, RoundReport, reconcile
from core.plan.codec import document_of
from core.plan.plan import Decision

_WORDS = {
    Round.CLEAN: "broker and book agree",
    Round.INCOMPLETE: "the broker could only be read in part; what was staged before stands",
    Round.STAGED: "staged; nothing was changed",
    Round.AWAITING_REVIEW: "the staged plan still stands; it awaits review or arming",
    Round.APPLIED: "the reviewed plan was applied",
}


@verb("trueup reconcile", "trueup reconcile --quiet --lock-timeout 60")
def command(call: Invocation, as_json: AsJson = False) -> int:
    """Observes and stages; applies only when armed and the fresh plan equals the reviewed one."""
    stop = StopRequest(call)
    ledger = Ledger()
    try:
        with stop.listening():
            report = at_desk(
                call,
                lambda desk: reconcile(desk, desk.accounts(call.options.account), stop, ledger),
            )
    except BaseException:
        if ledger.plan_id:
            show_ledger(call.screen, ledger)
            warn_of_trouble(call.screen, ledger)
        raise
    if as_json:
        applied = report.ended is Round.APPLIED
        call.screen.json(
            {
                "ended": report.ended.value,
                "staged_actions": document_of(report.plan),
                "ledger": ledger_document(ledger) if applied else None,
            }
        )
    elif report.ended is Round.APPLIED:
        show_ledger(call.screen, ledger)
        warn_of_trouble(call.screen, ledger)
    else:
        show_plan(call.screen, report.plan)
    call.screen.note(_WORDS[report.ended])
    if command := _next(call, report):
        call.screen.next(command)
    warn_when_quiet(call.screen, report.plan)
    if report.ended is Round.APPLIED:
        return ledger_exit(ledger, stop)
    return plan_exit(report.plan)


def _next(call: Invocation, report: RoundReport) -> str | None:
    """What keeps the round from going further, most telling first."""
    plan = report.plan
    if report.ended is Round.INCOMPLETE:
        return "trueup doctor"
    if report.ended not in (Round.STAGED, Round.AWAITING_REVIEW):
        return None
    if plan.ambiguous:
        return "trueup resolve"
    waiting = any(action.decision is Decision.PENDING for action in plan.actions)
    verdict = forbid(call.gates(), plan.plan_id)
    if waiting or verdict is None:
        return "trueup review --seal" if not waiting else "trueup review"
    return verdict.hint
