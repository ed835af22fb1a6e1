"""plan: compare broker and book; writes nothing but status and log."""

from pathlib import Path
from typing import Annotated

import typer

from cli.desk_work import at_desk
from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import AsJson, verb
from cli.screen import Screen
from cli.views.plan import show_plan
from core.domain.problem import STEP_UNRESOLVED
from core.operate.planning import make_plan
from core.operate.rehearsing import plan_against_file
from core.plan.codec import document_of
from core.plan.plan import Plan


@verb("trueup plan", "trueup plan --detailed-exitcode --quiet")
def command(
    call: Invocation,
    snapshot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Compare with a saved snapshot instead of the broker."),
    ] = None,
    symbol: Annotated[str | None, typer.Option(help="Only this symbol.")] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 3 when something differs.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Shows exactly how the broker and the book differ."""
    with call.screen.working("reading broker and book"):
        plan = _plan(call, snapshot, symbol)
    if as_json:
        call.screen.json(document_of(plan))
    else:
        show_plan(call.screen, plan)
        if command := next_of(plan):
            call.screen.next(command)
    warn_when_quiet(call.screen, plan)
    return exit_of(plan, detailed=detailed_exitcode)


def _plan(call: Invocation, snapshot: Path | None, symbol: str | None) -> Plan:
    if snapshot is not None:
        return at_desk(
            call, lambda desk: plan_against_file(desk, snapshot, call.options.account, symbol)
        )
    return at_desk(
        call, lambda desk: make_plan(desk, desk.accounts(call.options.account), symbol=symbol)
    )


def next_of(plan: Plan) -> str | None:
    if not plan.base.complete:
        return "trueup doctor"
    if any(problem.code == STEP_UNRESOLVED for problem in plan.problems):
        return "trueup apply --resume"
    return "trueup stage" if plan.differs or plan.ambiguous else None


def warn_when_quiet(screen: Screen, plan: Plan) -> None:
    """Cron sends what is on stderr: silence must not hide what a person has to see."""
    if screen.quiet and not plan.base.complete:
        screen.warn("the broker could only be read in part; next: trueup doctor")
    elif screen.quiet and plan.ambiguous:
        screen.warn(f"{len(plan.ambiguous)} ambiguous, for a person to decide; next: trueup stage")


def exit_of(plan: Plan, *, detailed: bool = False) -> Exit:
    """What could not be read outranks what is unclear, and that outranks what differs."""
    if not plan.base.complete:
        return Exit.UNAVAILABLE
    if plan.ambiguous:
        return Exit.AMBIGUOUS
    return Exit.CHANGES if detailed and plan.differs else Exit.DONE
