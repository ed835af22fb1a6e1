"""intents: what each account answered to its signals; and what waits, sent or cancelled by hand."""

from typing import Annotated

import typer

from cli.commands.apply import exit_of
from cli.desk_work import StopRequest, at_desk, desk_for
from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import AsJson, listing_group, verb
from cli.views.intents import sentences
from cli.views.ledger import ledger_document, show_ledger, warn_of_trouble
from cli.views.listing import lister
from core.apply.ledger import Ledger
from core.domain.errors import Usage
from core.operate.desk import Desk
from core.operate.intents import cancel_intents
from core.operate.sending import execute_intents
from core.plan.plan import Plan

Names = Annotated[list[str], typer.Argument(metavar="ID|all", help="Intents, or all that wait.")]

_listing = lister(
    "trade_intents",
    filters=(
        "state",
        "symbol",
        "side",
        "signal_id",
        "intent_id",
        "trace_id",
    ),
    columns=(
        "intent_id",
        "account",
        "symbol",
        "side",
        "state",
        "signal_id",
        "created_at",
        "updated_at",
        "outcome",
        "reasons",
    ),
    told="Lists what each account answered to its signals, newest first.",
    shown={"reasons": sentences},
    examples=(
        "trueup intents --state REJECTED",
        "trueup intents --state APPROVED --account main --json",
    ),
)

command = listing_group("List what each account answered to its signals; send or cancel.", _listing)


@command.command("cancel")
@verb('trueup intents cancel i-3b5d20c7e9 --reason "news ahead"')
def cancel(
    call: Invocation,
    names: Names,
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Kept with each of them.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Takes back what has been qualified and not yet sent."""
    with desk_for(call) as desk:
        cancelled = cancel_intents(desk, _names(names), reason or "")
    if as_json:
        call.screen.json({"cancelled": [intent.intent_id for intent in cancelled]})
        return Exit.DONE
    for intent in cancelled:
        call.screen.line(f"- {intent.intent_id}  {intent.side} {intent.symbol}  cancelled")
    call.screen.next("trueup intents")
    return Exit.DONE


@command.command("execute")
@verb("trueup intents execute i-3b5d20c7e9", "trueup intents execute all --confirm all")
def execute(
    call: Invocation,
    names: Names,
    confirm: Annotated[
        str | None, typer.Option(metavar="ID|all", help="The same once more, instead of typing it.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Sends them now, through the door that every apply goes through."""
    chosen = _names(names)
    word = " ".join(chosen)
    if confirm not in (None, word):
        raise Usage(f"--confirm says {confirm!r:.60}, the command {word!r:.60}")

    def is_meant(plan: Plan) -> bool:
        return confirm == word or call.screen.ask(f"Type {word} to send:") == word

    stop, ledger = StopRequest(call), Ledger()

    async def work(desk: Desk) -> None:
        await execute_intents(
            desk,
            desk.accounts(call.options.account),
            chosen,
            is_meant=is_meant,
            interrupted=stop,
            ledger=ledger,
        )

    try:
        with stop.listening():
            at_desk(call, work)
    finally:
        if ledger.plan_id and as_json:
            call.screen.json(ledger_document(ledger))
        elif ledger.plan_id:
            show_ledger(call.screen, ledger)
            warn_of_trouble(call.screen, ledger)
    return exit_of(ledger, stop)


def _names(names: list[str]) -> list[str]:
    if "all" in names and len(names) > 1:
        raise Usage("`all` goes alone", hint="trueup intents --state APPROVED")
    return names
