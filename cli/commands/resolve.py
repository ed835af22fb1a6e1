"""resolve: settle ambiguous matches and steps whose outcome nobody knows."""

from typing import Annotated

import typer

from cli.desk_work import desk_for
from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import AsJson, verb
from cli.screen import Cell, Screen, Tone
from cli.views.ledger import settled_document, show_settled
from cli.views.plan import show_matches
from core.domain.ambiguity import AmbiguousMatch, Choice
from core.domain.errors import BrokenDocument, Usage
from core.domain.moment import moment_text
from core.domain.record import Step
from core.domain.text import to_row
from core.operate.desk import Desk
from core.operate.matching import Settlement, decided_ids, open_matches, settle_match
from core.operate.resuming import Verdict, resolve_step
from core.plan.codec import match_document


@verb(
    "trueup resolve",
    "trueup resolve m001 --choose o-4f2a --note 'same order, id lost'",
    "trueup resolve a003 --as done --broker-order-id 19",
)
def command(
    call: Invocation,
    name: Annotated[
        str | None, typer.Argument(metavar="MATCH_ID|ACTION_ID", help="What to settle.")
    ] = None,
    choose: Annotated[
        str | None, typer.Option(metavar="ORDER_ID", help="It is this order of the book.")
    ] = None,
    insert: Annotated[bool, typer.Option("--insert", help="It is a new order.")] = False,
    ignore: Annotated[bool, typer.Option("--ignore", help="Leave it out of every plan.")] = False,
    as_: Annotated[
        str | None, typer.Option("--as", metavar="done|not-done", help="What became of the step.")
    ] = None,
    broker_order_id: Annotated[
        str | None, typer.Option(metavar="ID", help="The venue's id, when the step was done.")
    ] = None,
    note: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with the decision.")] = "",
    as_json: AsJson = False,
) -> int:
    """Lists what is open or settles one of it; the next plan honours the decision."""
    settlement = _settlement(choose, insert, ignore, note)
    if name is None:
        if settlement or as_:
            raise Usage("say which match or action is meant", hint="trueup resolve")
        return _list(call, as_json)
    if settlement and as_:
        raise Usage("a match is chosen, inserted or ignored; a step is settled with --as")
    with desk_for(call) as desk:
        if settlement:
            return _settle_match(call, desk, name, settlement, as_json)
        if as_:
            return _settle_step(call, desk, name, _verdict(as_, broker_order_id, note), as_json)
    raise Usage(
        f"say what became of {name}",
        hint=f"trueup resolve {name} --choose ORDER_ID | --insert | --ignore | --as done|not-done",
    )


def _settlement(choose: str | None, insert: bool, ignore: bool, note: str) -> Settlement | None:
    if bool(choose) + insert + ignore > 1:
        raise Usage("--choose, --insert and --ignore exclude each other")
    if choose:
        return Settlement(choice=Choice.MATCH, order_id=choose, note=note)
    if insert or ignore:
        return Settlement(choice=Choice.INSERT if insert else Choice.IGNORE, note=note)
    return None


def _verdict(said: str, broker_order_id: str | None, note: str) -> Verdict:
    if said not in ("done", "not-done"):
        raise Usage(f"--as takes done or not-done, not {said!r:.40}")
    return Verdict(done=said == "done", broker_order_id=broker_order_id, note=note)


def _settle_match(
    call: Invocation, desk: Desk, name: str, settlement: Settlement, as_json: bool
) -> int:
    decision = settle_match(desk, name, settlement)
    if as_json:
        call.screen.json(to_row(decision))
    else:
        what = f"{decision.choice} {decision.order_id or ''}".strip()
        call.screen.line(f"{name}: broker order {decision.broker_order_id} → {what}")
        call.screen.next("trueup stage")
    return Exit.DONE


def _settle_step(call: Invocation, desk: Desk, name: str, verdict: Verdict, as_json: bool) -> int:
    settled = [resolve_step(desk, name, verdict)]
    if as_json:
        call.screen.json(settled_document(settled))
    else:
        show_settled(call.screen, settled)
        call.screen.next("trueup plan")
    return Exit.DONE


# --- listing ----------------------------------------------------------------------------------


def _list(call: Invocation, as_json: bool) -> int:
    with desk_for(call) as desk:
        matches, steps = _open(desk)
    if as_json:
        call.screen.json(
            {
                "matches": [match_document(match) for match in matches],
                "steps": [to_row(step) for step in steps],
            }
        )
    else:
        _show(call.screen, matches, steps)
    if steps:
        return Exit.UNKNOWN
    return Exit.AMBIGUOUS if matches else Exit.DONE


def _open(desk: Desk) -> tuple[list[AmbiguousMatch], list[Step]]:
    """A decided match is no longer open, although the staged plan still shows it."""
    with desk.book.read() as book:
        steps = book.steps(open_only=True)
    try:
        matches = open_matches(desk)
    except BrokenDocument:
        return [], steps
    decided = decided_ids(desk)
    return [
        match
        for match in matches
        if (match.account, match.broker_order.broker_order_id) not in decided
    ], steps


def _show(screen: Screen, matches: list[AmbiguousMatch], steps: list[Step]) -> None:
    show_matches(screen, matches)
    for step in steps:
        screen.line(
            Cell("! ", Tone.WARN), f"{step.action_id}  {step.kind} {step.symbol}, "
            f"outcome unknown, begun {moment_text(step.begun_at)}, key {step.idempotency_key}",
        )  # fmt: skip
    if matches:
        screen.next(f"trueup resolve {matches[0].id} --choose ORDER_ID | --insert | --ignore")
    if steps:
        screen.next("trueup apply --resume")
    if not matches and not steps:
        screen.line(Cell("nothing to resolve", Tone.DIM))
