"""All that is printed: plain lines, or the same in colour on a terminal (cli/colour.py).

Results go to stdout, messages to stderr. Plain output is never truncated and carries no escape
code. A screen that cannot be written to any more (a closed pipe, a full disk) falls silent instead
of ending the work it reports on; run() looks at `broken` afterwards.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, NamedTuple, TextIO

from cli.safe_text import safe, width

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)
_GAP = "  "


class Tone(StrEnum):
    """What a piece of text means; colour only helps to see it."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    ASK = "ask"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    DIM = "dim"
    STRONG = "strong"


class Cell(NamedTuple):
    """A piece of text with its meaning."""

    text: object
    tone: Tone | None = None


class Column(NamedTuple):
    title: str
    # Numbers stand right and are never broken across lines.
    right: bool = False


Part = Cell | object


class Screen:
    """Plain lines; the base of the coloured one."""

    def __init__(
        self,
        out: TextIO,
        err: TextIO,
        *,
        stdin: TextIO | None = None,
        quiet: bool = False,
        verbose: bool = False,
        may_ask: bool = False,
    ) -> None:
        self._out = out
        self._err = err
        self._stdin = stdin
        self._may_ask = may_ask
        self.quiet = quiet
        self.verbose = verbose
        # Set for --json: stdout then belongs to one document, and all else is a message.
        self.only_json = False
        self.told_json = False
        self.broken: OSError | None = None

    # --- results ----------------------------------------------------------------------------------

    def line(self, *parts: Part) -> None:
        """One line, its parts side by side."""
        self._result(self._painted([_cell(part) for part in parts]) + "\n")

    def heading(self, text: str) -> None:
        self.line(Cell(text, Tone.STRONG))

    def table(
        self,
        columns: Sequence[Column | str],
        rows: Iterable[Sequence[Part]],
        *,
        empty: str = "none",
        indent: int = 0,
    ) -> None:
        """Aligned columns; `empty` is printed instead when there is no row."""
        told = [column if isinstance(column, Column) else Column(column) for column in columns]
        cells = [[_cell(part) for part in row] for row in rows]
        if cells:
            self._result(self._laid_out(told, cells, indent))
        else:
            self.line(" " * indent, Cell(empty, Tone.DIM))

    def pairs(self, pairs: Iterable[tuple[str, Part]], *, indent: int = 0) -> None:
        """Names and values, the values aligned."""
        told = [(safe(name), _cell(part)) for name, part in pairs]
        widest = max((width(name) for name, _ in told), default=0)
        for name, cell in told:
            self.line(" " * indent, Cell(_padded(name, widest), Tone.DIM), _GAP, cell)

    def next(self, command: str) -> None:
        """What to type next."""
        self.line(Cell("next: ", Tone.DIM), Cell(command, Tone.STRONG))

    def json(self, document: object) -> None:
        """One document on stdout; a document that is bytes already goes out as it stands."""
        self.told_json = True
        text = document.decode() if isinstance(document, bytes) else as_json(document)
        self._write(self._out, text if text.endswith("\n") else text + "\n")

    def csv(self, names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """One line per row; what a spreadsheet would run as a formula is defused."""
        import csv
        import io

        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_csv_text(value) for value in row] for row in rows)
        self._write(self._out, buffer.getvalue())

    # --- messages ---------------------------------------------------------------------------------

    def note(self, text: str) -> None:
        """Worth knowing; --quiet leaves it out."""
        if not self.quiet:
            self._message(Cell(text))

    def detail(self, text: str) -> None:
        """Only with --verbose; may have several lines."""
        if self.verbose:
            for line in text.splitlines():
                self._message(Cell(line, Tone.DIM))

    def warn(self, text: str) -> None:
        self._message(Cell("warning: ", Tone.WARN), Cell(text))

    def trouble(
        self, message: str, *, details: Iterable[str] = (), after: str = "", hint: str | None = None
    ) -> None:
        """What happened, what is known, what did not happen, what to type next."""
        self._message(Cell("error: ", Tone.BAD), Cell(message))
        for detail in details:
            self._message(Cell("  " + detail))
        if after:
            self._message(Cell("  " + after))
        if hint:
            self._message(Cell("  next: ", Tone.DIM), Cell(hint, Tone.STRONG))

    @contextmanager
    def working(self, label: str) -> Iterator[None]:
        """Shows on a terminal that something takes its time."""
        yield

    # --- questions --------------------------------------------------------------------------------

    @property
    def may_ask(self) -> bool:
        """Whether a person is there to answer, and to look at a screen of its own."""
        return self._may_ask and _is_terminal(self._out)

    def ask(self, question: str) -> str | None:
        """What the operator types, or None where nobody can be asked."""
        if not self._may_ask or self._stdin is None:
            return None
        self._write(self._err, f"{safe(question)} ")
        answer = self._stdin.readline()
        return answer.strip() if answer else None

    # --- how ------------------------------------------------------------------------------------

    def _painted(self, cells: Sequence[Cell]) -> str:
        return "".join(safe(cell.text) for cell in cells).rstrip()

    def _painted_message(self, cells: Sequence[Cell]) -> str:
        return self._painted(cells)

    def _laid_out(
        self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], indent: int
    ) -> str:
        titles = [column.title.upper() for column in columns]
        texts = [titles, *([safe(cell.text) for cell in row] for row in rows)]
        widths = [max(width(row[at]) for row in texts) for at in range(len(columns))]
        return "".join(_aligned(row, columns, widths, indent) + "\n" for row in texts)

    def _result(self, text: str) -> None:
        if not self.quiet:
            self._write(self._err if self.only_json else self._out, text)

    def _message(self, *cells: Cell) -> None:
        self._write(self._err, self._painted_message(cells) + "\n")

    def _write(self, stream: TextIO, text: str) -> None:
        if self.broken is not None and stream is self._out:
            return
        try:
            stream.write(text)
            stream.flush()
        except OSError as error:
            self.broken = self.broken or error


def as_json(document: object) -> str:
    """In ASCII, so that no character of a venue's text can act on the screen."""
    import json

    return json.dumps(document, indent=2, default=_json_value)


def _json_value(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if hasattr(value, "__dataclass_fields__"):
        from core.domain.text import to_row

        return to_row(value)
    told = _plain(value)
    return str(told) if told is value else told


def _cell(part: Part) -> Cell:
    cell = part if isinstance(part, Cell) else Cell(part)
    return Cell(_plain(cell.text), cell.tone)


def _plain(value: object) -> object:
    """The one spelling of numbers and moments; nothing for None."""
    if value is None or isinstance(value, str):
        return value or ""
    # Imported here: most of what start-up prints is text already.
    from core.domain.text import plain

    return plain(value)


def _padded(text: str, columns: int, *, right: bool = False) -> str:
    gap = " " * (columns - width(text))
    return gap + text if right else text + gap


def _aligned(
    texts: Sequence[str], columns: Sequence[Column], widths: Sequence[int], indent: int
) -> str:
    padded = (
        _padded(text, columns_wide, right=column.right)
        for text, column, columns_wide in zip(texts, columns, widths, strict=True)
    )
    return (" " * indent + _GAP.join(padded)).rstrip()


def _csv_text(value: object) -> str:
    text = safe(_plain(value))
    runs = text.startswith(("=", "+", "-", "@")) and not _NUMBER.fullmatch(text)
    return f"'{text}" if runs else text


def wants_colour(out: TextIO, environment: Mapping[str, str], *, plain_asked: bool) -> bool:
    """Colour is for a terminal that can show it and an operator who did not decline it."""
    if plain_asked or environment.get("NO_COLOR"):
        return False
    return out.isatty() and environment.get("TERM", "dumb") not in ("", "dumb", "unknown")


def open_screen(
    environment: Mapping[str, str],
    *,
    plain_asked: bool = False,
    quiet: bool = False,
    verbose: bool = False,
    no_input: bool = False,
) -> Screen:
    """The one screen of this run, on the standard streams."""
    told: dict[str, Any] = {
        "stdin": sys.stdin,
        "quiet": quiet,
        "verbose": verbose,
        "may_ask": not no_input and _is_terminal(sys.stdin) and _is_terminal(sys.stderr),
    }
    if wants_colour(sys.stdout, environment, plain_asked=plain_asked):
        # rich takes as long to import as all the rest; only a terminal pays for it.
        from cli.colour import ColourScreen

        return ColourScreen(sys.stdout, sys.stderr, **told)
    return Screen(sys.stdout, sys.stderr, **told)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()
