"""reconcile: one round for cron."""

from cli.commands.apply import exit_of as ledger_exit
from cli.commands.plan import exit_of as plan_exit
from cli.desk_work import StopRequest, at_desk
from cli.invocation import Invocation
from cli.options import AsJson, verb
from cli.views.ledger import ledger_document, show_ledger, warn_of_trouble
from cli.views.plan import show_plan
from core.apply.ledger import Ledger
from core.operate.reconciling import Round, reconcile
from core.plan.codec import document_of

_WORDS = {
    Round.CLEAN: "broker and book agree",
    Round.STAGED: "staged; nothing was changed",
    Round.AWAITING_REVIEW: "the staged plan still stands; it awaits review or arming",
    Round.APPLIED: "the reviewed plan was applied",
}
_NEXT = {Round.STAGED: "trueup review", Round.AWAITING_REVIEW: "trueup review"}


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
    if report.ended in _NEXT:
        call.screen.next(_NEXT[report.ended])
    if report.ended is Round.APPLIED:
        return ledger_exit(ledger, stop)
    return plan_exit(report.plan)
