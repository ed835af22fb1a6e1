"""apply: the staged plan through the door."""

from typing import Annotated

import typer

from cli.desk_work import StopRequest, at_desk
from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import AsJson, verb
from cli.views.ledger import (
    ledger_document,
    settled_document,
    show_ledger,
    show_settled,
    warn_of_trouble,
)
from core.apply.ledger import Ledger
from core.apply.resume import Settled
from core.domain.errors import Usage
from core.domain.record import StepState
from core.operate.applying import Selection, apply_staged
from core.operate.resuming import resume


@verb("trueup apply --confirm p-20260105-7f3c2a", "trueup apply --resume")
def command(
    call: Invocation,
    confirm: Annotated[
        str | None, typer.Option(metavar="PLAN_ID", help="The plan that you mean.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only these: ids, kinds, sections.")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(metavar="ID", help="All but these.")] = None,
    resume_: Annotated[
        bool, typer.Option("--resume", help="Settle steps whose outcome is not known.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Carries out the staged plan, after everything that forbids it has been ruled out."""
    if resume_:
        if confirm or only or exclude:
            raise Usage("--resume goes alone", hint="trueup apply --resume")
        return _resume(call, as_json)
    selection = Selection(only=tuple(only or ()), exclude=tuple(exclude or ()))
    return carry_out(call, confirm, selection, as_json)


def carry_out(call: Invocation, confirm: str | None, selection: Selection, as_json: bool) -> int:
    """The ledger is printed whatever happens."""
    stop = StopRequest(call)
    ledger = Ledger()
    try:
        with stop.listening():
            at_desk(
                call,
                lambda desk: apply_staged(
                    desk,
                    confirmed=confirm,
                    ask=lambda plan_id: call.screen.ask(f"Type {plan_id} to apply it:"),
                    selection=selection,
                    interrupted=stop,
                    ledger=ledger,
                ),
            )
    finally:
        _show(call, ledger, as_json)
    return exit_of(ledger, stop)


def _show(call: Invocation, ledger: Ledger, as_json: bool) -> None:
    if as_json and ledger.plan_id:
        call.screen.json(ledger_document(ledger))
    elif ledger.plan_id:
        show_ledger(call.screen, ledger)
        warn_of_trouble(call.screen, ledger)


def exit_of(ledger: Ledger, stop: StopRequest) -> Exit:
    if ledger.interrupted:
        return stop.exit_code
    return Exit.DONE if ledger.whole else Exit.UNKNOWN


def _resume(call: Invocation, as_json: bool) -> int:
    with call.screen.working("asking the broker about unresolved steps"):
        settled = at_desk(call, lambda desk: resume(desk, call.screen.note))
    if as_json:
        call.screen.json(settled_document(settled))
    else:
        show_settled(call.screen, settled)
    still_open = [one for one in settled if one.state is StepState.UNKNOWN]
    if still_open:
        call.screen.next(_by_hand(still_open[0]))
        return Exit.UNKNOWN
    call.screen.next("trueup plan")
    return Exit.DONE


def _by_hand(one: Settled) -> str:
    """What to type when the venue cannot tell, or not yet."""
    resolve = f"trueup resolve {one.step.action_id} --as"
    if len(one.alike) == 1:
        (it,) = one.alike
        return (
            f"look at {it} at the venue; if that is it, {resolve} done --broker-order-id {it}; "
            f"if it is another, {resolve} not-done"
        )
    return (
        "trueup apply --resume, a little later; or look at the venue yourself, then "
        f"{resolve} done|not-done"
    )
