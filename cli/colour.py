"""The screen of a colour terminal: the same lines and tables, painted with rich."""

import io
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TextIO

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from cli.safe_text import safe
from cli.screen import Cell, Column, Screen, Tone

# For dark and light backgrounds alike; what matters is also said by a symbol or a word.
STYLES = {
    Tone.ADD: "green",
    Tone.CHANGE: "yellow",
    Tone.REMOVE: "red",
    Tone.ASK: "magenta",
    Tone.GOOD: "green",
    Tone.WARN: "yellow",
    Tone.BAD: "bold red",
    Tone.DIM: "dim",
    Tone.STRONG: "bold",
}
ColourSystem = Literal["auto", "standard", "256", "truecolor", "windows"]


class ColourScreen(Screen):
    """Never lets rich read markup: every text arrives as text."""

    def __init__(
        self,
        out: TextIO,
        err: TextIO,
        *,
        columns: int | None = None,
        colours: ColourSystem = "auto",
        **told: Any,
    ) -> None:
        super().__init__(out, err, **told)
        self._console = Console(
            file=io.StringIO(),
            force_terminal=True,
            color_system=colours,
            width=columns or shutil.get_terminal_size().columns,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
        )
        self._err_is_terminal = err.isatty()

    @contextmanager
    def working(self, label: str) -> Iterator[None]:
        if self.quiet or not self._err_is_terminal:
            yield
            return
        with Status(Text(safe(label)), console=Console(file=self._err, legacy_windows=False)):
            yield

    def _painted(self, cells: Sequence[Cell]) -> str:
        # Wrapping is left to the terminal, so that a copied command stays one line.
        return self._rendered(_text(cells), soft_wrap=True).rstrip("\n")

    def _painted_message(self, cells: Sequence[Cell]) -> str:
        return self._painted(cells) if self._err_is_terminal else super()._painted(cells)

    def _laid_out(
        self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], indent: int
    ) -> str:
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for column in columns:
            table.add_column(
                Text(column.title.upper()),
                justify="right" if column.right else "left",
                no_wrap=column.right,
                overflow="fold",
            )
        for row in rows:
            table.add_row(*(_text([cell]) for cell in row))
        lines = self._rendered(table).splitlines()
        return "".join(f"{' ' * indent}{line.rstrip()}\n" for line in lines)

    def _rendered(self, what: Table | Text, *, soft_wrap: bool = False) -> str:
        with self._console.capture() as captured:
            self._console.print(what, soft_wrap=soft_wrap)
        return captured.get()


def _text(cells: Sequence[Cell]) -> Text:
    return Text.assemble(
        *((safe(cell.text), STYLES[cell.tone] if cell.tone else "") for cell in cells)
    )
