"""stage: write the plan down for review."""

from typing import Annotated

import typer

from cli.commands.plan import exit_of, warn_when_quiet
from cli.desk_work import at_desk
from cli.invocation import Invocation
from cli.options import AsJson, verb
from cli.views.plan import show_plan
from core.config.durations import parse_duration
from core.operate.desk import Desk
from core.operate.planning import make_plan
from core.operate.staging import stage
from core.plan.plan import Plan


@verb("trueup stage", "trueup stage --ttl 2h")
def command(
    call: Invocation,
    ttl: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="How long it may be applied: 90s, 15m, 2h."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Makes a plan and writes staged_actions.json and ambiguous_matches.json."""
    lifetime = parse_duration(ttl) if ttl else None

    async def work(desk: Desk) -> tuple[Plan, dict[str, object]]:
        plan = await make_plan(desk, desk.accounts(call.options.account), ttl=lifetime)
        return plan, stage(desk, plan)

    with call.screen.working("reading broker and book"):
        plan, document = at_desk(call, work)
    if as_json:
        call.screen.json(document)
    else:
        show_plan(call.screen, plan)
        call.screen.line(f"staged as {plan.plan_id} in {call.home.shown(call.home.staged_file)}")
        if not plan.base.complete:
            call.screen.next("trueup doctor")
        elif plan.ambiguous:
            call.screen.next("trueup resolve")
        elif plan.differs:
            call.screen.next("trueup review")
    warn_when_quiet(call.screen, plan)
    return exit_of(plan)
