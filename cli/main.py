"""The typer app: it names the commands, and ends every run in one place.

A command is a module of cli/commands, named like the verb with `_` for `-`, and imported when the
verb is used. It has one public name, `command`: a function declared with `@verb(...)`, or a
`group(...)` whose sub-commands are such functions (both from cli/options.py). The function takes
the Invocation first, then typer parameters; an `as_json: AsJson` parameter makes `--json`. It
prints on `call.screen`, raises a TrueupError when it must, and returns a number of cli/exits.py
(or None for 0).
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Annotated, Any

import typer

from cli.command_line import Group, load_verb
from cli.endings import as_disk_error, as_usage, finished, refused, unexpected
from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import verb
from core import __version__
from core.domain.errors import TrueupError

# Each verb with its line, grouped as --help shows them.
VERBS: Mapping[str, Mapping[str, str]] = {
    "Begin": {
        "init": "Make a home: configuration, folders, a paper account.",
        "demo": "Watch drift being planned, reviewed and applied on paper.",
        "config": "Show or check the configuration.",
        "doctor": "Check everything a run depends on, with the remedy.",
    },
    "Look": {
        "status": "Gates, last run, staged plan, what is open, what to type next.",
        "plan": "Compare broker and book; change nothing.",
        "snapshot": "Save what the broker says.",
        "verify": "Check that stops and positions are as they must be.",
        "orders": "List the book's orders.",
        "positions": "List what is held, or what is over.",
        "trades": "List what each entry order bought or sold.",
        "exits": "List the exits that were asked for, with their reasons.",
        "executions": "List the book's executions.",
        "signals": "List the signals that were taken in.",
        "intents": "List what each account answered to its signals.",
        "alerts": "List the alerts.",
        "history": "Everything that happened to one signal, order or position.",
    },
    "Change": {
        "stage": "Write the plan down for review.",
        "review": "Show the staged plan; approve, skip, reject, seal.",
        "resolve": "Settle ambiguous matches and steps of unknown outcome.",
        "apply": "Carry out the staged plan.",
        "reconcile": "One round for cron: observe, stage, and apply when armed.",
    },
    "Run": {
        "manage": "The service: signals in, orders out, the account kept true.",
        "signal": "Submit a signal; list what was refused, and send it once more.",
    },
    "Protect": {
        "safe-mode": "Stop every change, at once; or see whether it is stopped.",
        "close": "Leave a position by hand, through the gates.",
        "risk": "What halts entries, and which limits stand; lift a halt.",
        "backup": "Make, list, verify and prune copies of the book.",
        "restore": "Bring a backup back.",
    },
}
NAMES = tuple(name for verbs in VERBS.values() for name in verbs)
EXAMPLES = ("trueup init ~/trading && cd ~/trading", "trueup stage && trueup review")


class Trueup(Group):
    """All verbs, by name only: nothing is imported until one is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(NAMES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return load_verb(cmd_name) if cmd_name in NAMES else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for title, verbs in VERBS.items():
            with formatter.section(title):
                formatter.write_dl(list(verbs.items()))


app = typer.Typer(add_completion=False, rich_markup_mode=None)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"trueup {__version__}")
        raise typer.Exit


@app.callback(cls=Trueup)
@verb(*EXAMPLES)
def trueup(
    call: Invocation,
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version."
        ),
    ] = False,
) -> None:
    """Keeps a trading account and the local book of it true to each other."""


def run(argv: Sequence[str] | None = None) -> int:
    """One run from the arguments to the exit code; every error ends here, as one clear block."""
    call = Invocation(os.environ)
    signal.signal(signal.SIGTERM, _terminated)
    for stream in (sys.stdout, sys.stderr):
        # A terminal without UTF-8 gets escapes instead of a crash.
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    try:
        code = _outcome(call, list(sys.argv[1:] if argv is None else argv))
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else Exit.UNEXPECTED
    return finished(call, code)


def _outcome(call: Invocation, argv: list[str]) -> int:
    try:
        command = typer.main.get_command(app)
        code = command.main(argv, prog_name="trueup", standalone_mode=False, obj=call)
    except TrueupError as error:
        return refused(call, error)
    except typer.TyperException as error:
        return refused(call, as_usage(error))
    except typer.Abort:
        code = Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the one place where a bug ends
        if isinstance(error, OSError) and error.filename:
            return refused(call, as_disk_error(error))
        return unexpected(call, error)
    if code == Exit.INTERRUPTED:
        # typer turns a KeyboardInterrupt into this code.
        call.screen.trouble("interrupted", hint="trueup status")
    return code or Exit.DONE


def _terminated(number: int, frame: FrameType | None) -> None:
    raise SystemExit(Exit.TERMINATED)
