"""How the story is told: a remark, a line as a user would type it, and what trueup says to it."""

from collections.abc import Sequence
from textwrap import wrap

from cli.demo.home import DemoHome
from cli.exits import Exit
from cli.invocation import Invocation
from cli.screen import Cell, Tone
from core.domain.errors import TrueupError

_COLUMNS = 76
_STOPPED = (Exit.INTERRUPTED, Exit.TERMINATED)


class Telling:
    """Types in the temporary home, through the same door as everybody."""

    def __init__(self, call: Invocation, home: DemoHome):
        self._call = call
        self._home = home

    def say(self, paragraph: str) -> None:
        """Set apart from what came before, and broken for a small screen."""
        self._call.screen.line()
        self.show(*wrap(paragraph, _COLUMNS, break_long_words=False, break_on_hyphens=False))

    def show(self, *lines: str) -> None:
        """As they stand."""
        for line in lines:
            self._call.screen.line(Cell(f"# {line}".rstrip(), Tone.DIM))

    def type(self, *arguments: str, shown: str | None = None, expect: int = Exit.DONE) -> None:
        from cli.main import run

        typed = shown or " ".join(_quoted(arguments))
        self._call.screen.line(Cell(f"$ trueup {typed}", Tone.STRONG))
        told = [*arguments] if shown else [*arguments, "--home", str(self._home.root)]
        code = run([*told, *self._look_alike()])
        if code in _STOPPED:
            raise SystemExit(code)
        if code != expect:
            raise TrueupError(f"the demo broke: `trueup {typed}` ended with {code}, not {expect}")

    def _look_alike(self) -> Sequence[str]:
        options = self._call.options
        return [
            flag
            for flag, given in (("--plain", options.plain), ("--no-color", options.no_color))
            if given
        ]


def _quoted(arguments: Sequence[str]) -> list[str]:
    return [f"'{each}'" if " " in each else each for each in arguments]
