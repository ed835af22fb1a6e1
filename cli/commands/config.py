"""config: what is in effect and why, and whether the file is right."""

from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import AsJson, group, verb
from cli.screen import Cell, Tone
from core.config.effective import Setting
from core.config.secret import Secret
from core.config.template import written
from core.domain.errors import TrueupError, Usage

command = group("Show or check the configuration.")


@command.command("show")
@verb("trueup config show", "trueup config show --json")
def show(call: Invocation, as_json: AsJson = False) -> None:
    """Print the effective value of every key and where it comes from."""
    effective = call.effective
    if as_json:
        call.screen.json(
            {
                "home": str(effective.home.root),
                "settings": [
                    {"key": each.path, "value": _plain(each), "source": each.source}
                    for each in effective.values
                ],
                "warnings": list(effective.warnings),
            }
        )
        return
    call.screen.pairs([("home", str(effective.home.root))])
    call.screen.line()
    call.screen.table(
        ["key", "value", "from"],
        [(each.path, shown(each), Cell(each.source, _tone_of(each))) for each in effective.values],
    )


@command.command("check")
@verb("trueup config check")
def check(call: Invocation, as_json: AsJson = False) -> int:
    """Read the configuration and say what is wrong with it; change nothing."""
    effective = call.effective
    problems = [*effective.unreadable, *unreachable_secrets(effective.values)]
    if as_json:
        warnings = [each for each in effective.warnings if each not in problems]
        call.screen.json({"ok": not problems, "problems": problems, "warnings": warnings})
        return Exit.USAGE if problems else Exit.DONE
    if problems:
        raise Usage(
            f"the configuration has {len(problems)} mistakes",
            details=problems,
            hint=f"edit {effective.home.config_file}",
        )
    call.screen.line(Cell("ok", Tone.GOOD), f"  {effective.home.config_file}")
    return Exit.DONE


def unreachable_secrets(values: tuple[Setting, ...]) -> list[str]:
    """What keeps the secrets from being read, told now rather than at the first call."""
    problems = []
    for each in values:
        if isinstance(each.value, Secret):
            try:
                each.value.reveal()
            except TrueupError as error:
                problems.append(f"{each.path}: {error.message}")
    return problems


def _plain(setting: Setting) -> object:
    return str(setting.value) if isinstance(setting.value, Secret) else setting.value


def shown(setting: Setting) -> str:
    """As the file would write it; never a secret."""
    if isinstance(setting.value, Secret):
        return str(setting.value)
    return written(setting.value)


def _tone_of(setting: Setting) -> Tone | None:
    return Tone.DIM if setting.source == "default" else None
