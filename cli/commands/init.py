"""init: a new home, or what is missing in one."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from cli.invocation import Invocation
from cli.options import AsJson, verb
from cli.screen import Cell, Tone
from core.config.effective import load
from core.config.home import Home, is_home
from core.config.settings import Settings
from core.config.template import default_file
from core.domain.errors import DiskError, Usage
from core.host.clock import SystemClock
from core.host.disk import DiskFiles, make_private_dir

_Dir = Annotated[Path | None, typer.Argument(metavar="DIR", help="Where; here by default.")]


@verb("trueup init ~/trading")
def command(call: Invocation, where: _Dir = None, as_json: AsJson = False) -> None:
    """Make a home: configuration with every gate shut, folders, a paper account to rehearse on.

    What is there already is kept as it is.
    """
    root = _root(call, where)
    home, settings = _laid_out(call, root)
    files = DiskFiles()
    wrote = [folder for folder in (root, *home.dirs) if _make_dir(folder)]
    kept: list[Path] = []
    for path, content in _first_files(home, settings):
        (wrote if files.create(path, content) else kept).append(path)
    if as_json:
        told = {"home": str(root), "wrote": _names(home, wrote), "kept": _names(home, kept)}
        call.screen.json(told)
        return
    for name in _names(home, wrote):
        call.screen.line(Cell("+", Tone.ADD), f" {name}")
    for name in _names(home, kept):
        call.screen.line(f"  {name}", Cell("  kept as it is", Tone.DIM))
    _tell_next(call, root)


def _root(call: Invocation, where: Path | None) -> Path:
    named = where or call.options.home or call.environment.get("TRUEUP_HOME") or "."
    root = Path.cwd() / Path(named).expanduser()
    if root.exists() and not root.is_dir():
        raise Usage(f"{root} is a file, not a folder", hint="trueup init DIR")
    return root.resolve()


def _laid_out(call: Invocation, root: Path) -> tuple[Home, Settings]:
    """By the home's own configuration when it has one."""
    if not is_home(root):
        return Home.of(root), Settings()
    effective = load(root, call.environment)
    return effective.home, effective.settings


def _make_dir(path: Path) -> bool:
    if path.is_dir():
        return False
    try:
        make_private_dir(path)
    except OSError as error:
        raise DiskError(f"{path} could not be made: {error.strerror}") from None
    return True


def _first_files(home: Home, settings: Settings) -> list[tuple[Path, bytes]]:
    from core.brokers.paper.starter import starter_account

    now = SystemClock().now()
    files = [(home.config_file, default_file().encode())]
    for name, account in settings.ACCOUNTS.items():
        if account.broker == "paper":
            files.append((home.path(account.file), starter_account(name, now)))
    return files


def _names(home: Home, paths: list[Path]) -> list[str]:
    return [
        home.shown(path) + ("/" if path.is_dir() else "") for path in paths if path != home.root
    ]


def _tell_next(call: Invocation, root: Path) -> None:
    call.screen.line()
    call.screen.line("Every gate is shut: trueup can look at this home, and change nothing.")
    call.screen.line("The file config/local_reconcile.yml says how to open them, step by step.")
    here = root == Path.cwd()
    call.screen.next("trueup plan" if here else f"cd {shlex.quote(str(root))} && trueup plan")
