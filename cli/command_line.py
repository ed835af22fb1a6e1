"""How verbs are loaded and how their help reads: own options, global options, an example."""

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from cli.exits import Exit
from cli.options import is_global, verb
from core.domain.errors import Usage


class Typed:
    """Takes texts and paths as they were typed.

    typer would import pydantic to find out that a text is a text, which doubles the start-up time.
    """

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        if param.multiple or param.nargs == -1:
            return [self._make(each) for each in value or ()]
        return None if value is None else self._make(value)


class Verb(TyperCommand):
    """A command whose help shows its own options, then the global ones, then an example."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _spare_pydantic(self.params)

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)
        _spare_pydantic([option] if option else [])
        return option

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _write_parameters(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_examples(formatter, getattr(self.callback, "examples", ()))


class Group(TyperGroup):
    """Verbs below a verb."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _spare_pydantic(self.params)

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)
        _spare_pydantic([option] if option else [])
        return option

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args and not self.invoke_without_command and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            raise typer.Exit(Exit.USAGE)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-"):
            near = get_close_matches(name, known, n=1)
            path = f"{ctx.command_path} {near[0]}" if near else f"{ctx.command_path} --help"
            raise Usage(f"`{ctx.command_path}` has no command {name!r:.60}", hint=path)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        self.format_commands(ctx, formatter)
        _write_parameters(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_examples(formatter, getattr(self.callback, "examples", ()))


def load_verb(name: str) -> Any:
    """Imports the verb's module and makes its command."""
    command = importlib.import_module(f"cli.commands.{name.replace('-', '_')}").command
    if isinstance(command, typer.Typer):
        for each in command.registered_commands:
            each.cls = Verb
        if command.registered_callback is None:
            # So that a global option may also stand between `safe-mode` and `on`.
            command.callback()(verb()(lambda call: None))
        command.info.cls = Group
        inner = typer.main.get_command(command)
    else:
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(name, cls=Verb)(command)
        inner = typer.main.get_command(alone)
    inner.name = name
    return inner


def _spare_pydantic(params: Iterable[Any]) -> None:
    for param in params:
        told = getattr(param, "type_descriptor", None)
        if told is None or told.annotation not in _TYPED:
            continue
        # A path that typer is asked to look at keeps typer's checks.
        if not told.parameter_info.exists and not told.parameter_info.resolve_path:
            param.get_runtime_param = partial(Typed, _TYPED[told.annotation])


_TYPED: Mapping[Any, Callable[[Any], Any]] = MappingProxyType(
    {str: str, list[str]: str, Path: Path, list[Path]: Path, bool: bool}
)


def _write_parameters(command: Any, ctx: Any, formatter: Any) -> None:
    told: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], "Global options": []}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            of_all = "Global options" if is_global(parameter.name) else "Options"
            told["Arguments" if parameter.param_type_name == "argument" else of_all].append(record)
    for title, records in told.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


def _write_examples(formatter: Any, examples: Sequence[str]) -> None:
    if examples:
        with formatter.section("Example"):
            for example in examples:
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")
