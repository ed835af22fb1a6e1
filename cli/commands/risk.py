"""risk: what stops entries, which limits stand, and lifting a halt once a person has looked."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

import typer

from cli.desk_work import desk_for
from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import AsJson, group, verb
from cli.screen import Cell, Screen, Tone
from core.config.trading_settings import Risk
from core.domain.errors import Blocked, Usage
from core.domain.intent import Halt
from core.domain.moment import moment_text
from core.domain.text import to_row
from core.operate.risk import freeze, halts_to_lift, lift, lifted_halts, standing_halts

command = group("What stops entries, and which limits stand; lift a halt.")


@command.command("status")
@verb("trueup risk status", "trueup risk status --account main --json")
def status(call: Invocation, as_json: AsJson = False) -> int:
    """Say what halts the entries of which account since when, and who lifted what."""
    with desk_for(call) as desk:
        account = call.options.account
        if account is not None:
            desk.accounts(account)
        standing, lifted = standing_halts(desk, account), lifted_halts(desk, account)
        limits = desk.settings.RISK
    if as_json:
        call.screen.json(
            {
                "halts": [to_row(halt) for halt in standing],
                "lifted": [dict(row) for row in lifted],
                "limits": to_row(limits),
            }
        )
        return Exit.DONE
    _show_halts(call.screen, standing)
    _show_lifted(call.screen, lifted)
    _show_limits(call.screen, limits)
    if standing:
        call.screen.next(f"trueup risk reset --account {standing[0].account} --reason TEXT")
    return Exit.DONE


@command.command("reset")
@verb("trueup risk reset --account main --reason 'strategy fixed, positions checked'")
def reset(
    call: Invocation,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the record.")] = "",
    kind: Annotated[
        str | None, typer.Option(metavar="KIND", help="Only this: daily_loss, liquidation, frozen.")
    ] = None,
    confirm: Annotated[
        str, typer.Option(metavar="ACCOUNT", help="Confirm without being asked.")
    ] = "",
    as_json: AsJson = False,
) -> int:
    """Allow the entries of one account again; says first what that lifts."""
    account = call.options.account
    if account is None:
        raise Usage("say whose halts are meant", hint="trueup risk reset --account NAME")
    if not reason.strip():
        raise Usage(
            "lifting a halt needs a reason",
            hint=f"trueup risk reset --account {account} --reason TEXT",
        )
    with desk_for(call) as desk:
        desk.accounts(account)
        halts = halts_to_lift(desk, account, kind)
        _confirm(call, account, halts, confirm)
        lifted = lift(desk, halts, reason=reason.strip())
        left = standing_halts(desk, account)
    if as_json:
        call.screen.json(
            {
                "account": account,
                "lifted": [to_row(halt) for halt in lifted],
                "halts": [to_row(halt) for halt in left],
            }
        )
        return Exit.DONE
    for halt in lifted:
        call.screen.line(f"{account}: {halt.kind} lifted, by {halt.lifted_by}: {reason.strip()}")
    if left:
        kinds = ", ".join(halt.kind for halt in left)
        call.screen.line(Cell(f"{account} is still halted: {kinds}", Tone.BAD))
    call.screen.next("trueup risk status")
    return Exit.DONE


@command.command("freeze")
@verb("trueup risk freeze --account main --reason 'the venue announced maintenance'")
def freeze_account(
    call: Invocation,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the record.")] = "",
    as_json: AsJson = False,
) -> int:
    """Let neither entries nor exits of one account be sent; its stops stay at the venue."""
    account = call.options.account
    if account is None or not reason.strip():
        raise Usage(
            "freezing needs an account and a reason",
            hint="trueup risk freeze --account NAME --reason TEXT",
        )
    with desk_for(call) as desk:
        desk.accounts(account)
        halt = freeze(desk, account, reason=reason.strip())
    if as_json:
        call.screen.json(to_row(halt))
        return Exit.DONE
    call.screen.line(Cell(f"{account} is frozen", Tone.BAD), f": {halt.reason}")
    call.screen.next(f"trueup risk reset --account {account} --kind frozen --reason TEXT")
    return Exit.DONE


def _confirm(call: Invocation, account: str, halts: Sequence[Halt], confirm: str) -> None:
    told = confirm
    if not told:
        call.screen.note(f"Signals may open positions of {account} again. This lifts:")
        for halt in halts:
            call.screen.note(f"  {halt.kind} since {moment_text(halt.since)}: {halt.reason}")
        told = call.screen.ask(f"To confirm, type {account}:") or ""
    if told != account:
        raise Blocked(
            f"not confirmed: {account} stays halted",
            hint=f"trueup risk reset --account {account} --reason TEXT --confirm {account}",
        )


# --- what is said ---------------------------------------------------------------------------------


def _show_halts(screen: Screen, halts: Sequence[Halt]) -> None:
    if not halts:
        screen.line(Cell("no entries are halted", Tone.GOOD))
        return
    screen.line(Cell("entries are halted", Tone.BAD), ":")
    screen.table(
        ["account", "kind", "since", "reason"],
        [(halt.account, halt.kind, halt.since, halt.reason) for halt in halts],
    )


def _show_lifted(screen: Screen, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    screen.heading("lifted")
    names = ("account", "kind", "since", "lifted_at", "lifted_by", "lifted_because")
    screen.table(
        [name.replace("_", " ") for name in names],
        [["–" if row[name] is None else row[name] for name in names] for row in rows],
    )


def _show_limits(screen: Screen, limits: Risk) -> None:
    screen.heading("limits")
    screen.pairs([(name, _limit(value)) for name, value in to_row(limits).items()], indent=2)


def _limit(value: object) -> object:
    return "none" if value in (0, "0", Decimal(0)) else value
