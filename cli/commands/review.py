"""review: show the staged plan, decide its actions, seal it."""

from typing import Annotated

import typer

from cli.desk_work import desk_for
from cli.invocation import Invocation
from cli.options import AsJson, verb
from cli.screen import Cell, Screen, Tone
from cli.views.plan import show_plan
from core.domain.errors import Tampered
from core.domain.moment import moment_text
from core.operate.desk import Desk
from core.operate.reviewing import Decisions, review
from core.operate.staging import staged_plan
from core.plan.codec import StagedPlan
from core.plan.plan import Decision, Plan

Names = Annotated[
    list[str] | None,
    typer.Option(metavar="ID", help="An action id, a kind, a section name or `all`; repeatable."),
]


@verb("trueup review", "trueup review --approve place_stop --skip a004 --note 'known' --seal")
def command(
    call: Invocation,
    approve: Names = None,
    skip: Names = None,
    reject: Names = None,
    note: Annotated[str, typer.Option(metavar="TEXT", help="Kept with each decision.")] = "",
    seal: Annotated[bool, typer.Option("--seal", help="Lock the decisions.")] = False,
    as_json: AsJson = False,
) -> int:
    """Shows the staged plan or decides it; on a terminal without flags, a screen to walk it."""
    decisions = Decisions(
        approve=tuple(approve or ()),
        skip=tuple(skip or ()),
        reject=tuple(reject or ()),
        note=note,
    )
    with desk_for(call) as desk:
        if decisions or seal:
            staged = review(desk, decisions, seal=seal)
        elif call.screen.may_ask and not as_json:
            # textual takes half a second to import; only the screen pays for it.
            from cli.review_screen import walk

            staged = walk(call, desk)
        else:
            staged = _shown_plan(desk)
    if as_json:
        call.screen.json(dict(staged.document))
    else:
        show_plan(call.screen, staged.plan)
        _show_standing(call.screen, staged)
    return 0


def _shown_plan(desk: Desk) -> StagedPlan:
    staged = staged_plan(desk)
    if not staged.intact:
        raise Tampered(
            f"the content of {staged.plan.plan_id} was changed after it was staged",
            hint="trueup stage",
        )
    return staged


def _show_standing(screen: Screen, staged: StagedPlan) -> None:
    plan = staged.plan
    pending = [action.id for action in plan.actions if action.decision is Decision.PENDING]
    screen.line(
        f"{plan.plan_id}, staged {moment_text(plan.generated_at)}, "
        f"to be applied before {moment_text(plan.expires_at)}"
    )
    if staged.approval:
        sealed = f"sealed by {staged.approval.by} at {moment_text(staged.approval.at)}"
        screen.line(Cell(sealed, Tone.GOOD))
    if pending:
        screen.line(Cell(f"{len(pending)} actions wait for a decision", Tone.WARN))
    screen.next(_next(plan, pending, sealed=staged.approval is not None))


def _next(plan: Plan, pending: list[str], *, sealed: bool) -> str:
    if plan.ambiguous:
        return "trueup resolve"
    if pending and sealed:
        return "trueup stage"
    if pending:
        return f"trueup review --approve {pending[0]}"
    return f"trueup apply --confirm {plan.plan_id}" if sealed else "trueup review --seal"
