"""history: everything that happened to one signal, order or position, in order."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli.desk_work import desk_for
from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import AsJson, verb
from cli.screen import Cell, Tone
from cli.views.intents import sentences
from core.domain.errors import Usage


@verb("trueup history V-17", "trueup history i-3b5d20c7e9", "trueup history BTCUSDT --json")
def command(
    call: Invocation,
    subject: Annotated[str, typer.Argument(metavar="ID|SYMBOL", help="Any of its ids.")],
    as_json: AsJson = False,
) -> int:
    """Finds it by any of its ids; a symbol tells the whole story of its position."""
    with desk_for(call) as desk, desk.book.read() as book:
        lines = book.history(subject)
    if as_json:
        call.screen.json({"subject": subject, "history": [dict(line) for line in lines]})
        return Exit.DONE
    if not lines:
        raise Usage(
            f"the book knows nothing called {subject!r:.60}", hint="trueup orders --sort created_at"
        )
    call.screen.table(
        ["at", "what", "id", "detail"],
        [
            (line["at"], Cell(line["what"], Tone.STRONG), line["id"], _detail(line))
            for line in lines
        ],
    )
    return Exit.DONE


def _detail(line: Mapping[str, Any]) -> str:
    """The row's own words, without what stands beside them already."""
    left_out = {"at", "what", "id", "account", "sequence"}
    return ", ".join(
        f"{name} {_words(line['what'], name, value)}"
        for name, value in line.items()
        if name not in left_out and value not in (None, "", "{}")
    )


def _words(what: str, name: str, value: object) -> object:
    return sentences(value) if what == "intent" and name in ("reasons", "because") else value
