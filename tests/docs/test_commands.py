"""Every command and option of the program is in the guide, and every line typed there is real."""

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import typer

from cli.invocation import Invocation
from cli.main import app
from cli.options import is_global
from core.domain.errors import TrueupError
from tests.docs.pages import GUIDE, README, chapter, code, commands, rows, text_of


def whole() -> Any:
    return typer.main.get_command(app)


def leaves(command: Any, path: str, parent: Any = None) -> Iterator[tuple[str, Any]]:
    name = path.rpartition(" ")[2]
    context = command.make_context(
        name, [], parent=parent, resilient_parsing=True, obj=Invocation({})
    )
    if not hasattr(command, "list_commands"):
        yield path, command
        return
    if path != "trueup" and command.invoke_without_command:
        # A group that does something when nothing follows its name.
        yield path, command
    for each in command.list_commands(context):
        yield from leaves(command.get_command(context, each), f"{path} {each}", context)


REAL = dict(leaves(whole(), "trueup"))


def own_options(command: Any) -> set[str]:
    return {
        name
        for each in command.params
        if each.param_type_name == "option" and not is_global(each.name) and each.name != "help"
        for name in (*each.opts, *each.secondary_opts)
    }


def told_commands() -> dict[str, set[str]]:
    return {
        code(first)[0]: {each.partition(" ")[0] for each in code(options) if each.startswith("-")}
        for first, _, options in (row for row in rows(chapter(GUIDE, "Commands")) if len(row) == 3)
    }


def test_every_command() -> None:
    assert sorted(told_commands()) == sorted(REAL)


@pytest.mark.parametrize("path", REAL)
def test_the_options_of(path: str) -> None:
    assert told_commands()[path] == own_options(REAL[path])


def test_every_global_option() -> None:
    told = {code(row[0])[0].partition(" ")[0] for row in rows(chapter(GUIDE, "Commands"))}
    everywhere = {
        name
        for command in REAL.values()
        for each in command.params
        if is_global(each.name)
        for name in each.opts
        if name.startswith("--")
    }
    assert everywhere <= told


# --- lines ----------------------------------------------------------------------------------------


def parse(words: Sequence[str]) -> str:
    """The command that the words would run; nothing is run."""
    command = whole()
    context = command.make_context("trueup", list(words), obj=Invocation({}))
    while hasattr(command, "list_commands"):
        # What a group leaves over is its command and that command's arguments.
        left = [*context._protected_args, *context.args]
        if not left:
            break
        name, command, rest = command.resolve_command(context, left)
        context = command.make_context(name, rest, parent=context)
    return str(context.command_path)


TYPED = {
    f"{page.name}: {shlex.join(words)}": words
    for page in (README, GUIDE)
    for words in commands(text_of(page))
}


@pytest.mark.parametrize("line", TYPED)
def test_a_typed_line_is_understood(line: str) -> None:
    assert parse(TYPED[line]) in REAL


def test_both_pages_type_something() -> None:
    assert {line.partition(":")[0] for line in TYPED} == {README.name, GUIDE.name}
    assert len(TYPED) > 40


@pytest.mark.parametrize("line", ["plann", "plan --detailed", "restore", "resolve a001 a002"])
def test_a_line_that_is_not_understood_is_found(line: str) -> None:
    with pytest.raises((TrueupError, typer.TyperException)):
        parse(line.split())


def test_commands_named_in_passing_exist() -> None:
    """`trueup status` in a sentence or a table; what follows the command is not looked at."""
    for page in (README, GUIDE):
        for each in re.findall(r"`trueup ([a-z][a-z-]*(?: [a-z][a-z-]*)?)", text_of(page)):
            verb = each.partition(" ")[0]
            known = {path.removeprefix("trueup ") for path in REAL}
            assert each in known or verb in known, each
