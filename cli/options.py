"""The options that every command has, before or after its name, and the way a command is declared.

A command module of cli/commands declares its verb like this; see cli/main.py for the rest.

    @verb("trueup history V-17", "trueup history BTCUSDT --json")
    def command(
        call: Invocation, subject: Annotated[str, typer.Argument()], as_json: AsJson = False
    ) -> int:
"""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from cli.invocation import GLOBAL_NAMES, Invocation

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Command = Callable[..., int | None]


def _everywhere(
    *,
    home: Annotated[
        str | None, typer.Option("--home", metavar="DIR", help="The home to work in.")
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", metavar="NAME", help="Only this account.")
    ] = None,
    no_input: Annotated[bool, typer.Option("--no-input", help="Never ask anything.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour.")] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="Plain lines, as when piped: no colour, no escapes.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only errors, warnings and --json or --csv.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say more; show the traceback of a bug.")
    ] = False,
    lock_timeout: Annotated[
        str | None,
        typer.Option("--lock-timeout", metavar="TIME", help="Wait for the lock: 30, 30s, 2m."),
    ] = None,
) -> None:
    """Never called: its signature is the list of global options."""


_GLOBALS = tuple(inspect.signature(_everywhere).parameters.values())
_CONTEXT = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)


def verb(*examples: str) -> Callable[[Command], Command]:
    """Gives a command the global options, its Invocation as first argument, and its examples."""

    def declared(command: Command) -> Command:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        own = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]

        @functools.wraps(command)
        def entered(ctx: typer.Context, **given: Any) -> int | None:
            call: Invocation = ctx.find_root().obj
            call.take({name: given.pop(name) for name in GLOBAL_NAMES})
            call.command = ctx.command_path.partition(" ")[2]
            call.as_json = bool(given.get("as_json", False))
            return command(call, **given)

        del entered.__wrapped__
        signature = inspect.Signature([_CONTEXT, *own, *_GLOBALS])
        entered.__signature__ = signature  # type: ignore[attr-defined]
        entered.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        entered.examples = examples  # type: ignore[attr-defined]
        return entered

    return declared


def group(meaning: str) -> typer.Typer:
    """A verb with verbs of its own, such as `backup create`; declare them with .command()."""
    return typer.Typer(help=meaning, add_completion=False, rich_markup_mode=None)


def listing_group(meaning: str, listing: Command) -> typer.Typer:
    """A group that lists when nothing follows its name: `intents` beside `intents cancel`."""
    app = typer.Typer(
        help=meaning, add_completion=False, rich_markup_mode=None, invoke_without_command=True
    )

    @functools.wraps(listing)
    def entered(ctx: typer.Context, **given: Any) -> int | None:
        if ctx.invoked_subcommand is None:
            return listing(ctx=ctx, **given)
        # Global options may stand before the sub-command, too.
        ctx.find_root().obj.take({name: given[name] for name in GLOBAL_NAMES})
        return None

    del entered.__wrapped__
    signature = inspect.signature(listing)
    entered.__signature__ = signature  # type: ignore[attr-defined]
    app.callback()(entered)
    return app


def is_global(name: str | None) -> bool:
    return name in GLOBAL_NAMES
