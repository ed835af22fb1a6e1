"""history: everything that happened to one signal, order or position, in order."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from cli.desk_work import desk_for
from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import AsJson, verb
from cli.screen import Cell, Tone
from cli.views.story import BACKSTAGE, told
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
    # What has a sentence is the story; the bookkeeping beside it is for whoever asks for more.
    wanted = lines if call.options.verbose else _story(lines)
    call.screen.table(
        ["at", "what", "id", "told"],
        [(line["at"], Cell(line["what"], Tone.STRONG), line["id"], told(line)) for line in wanted],
    )
    if len(wanted) < len(lines):
        call.screen.note(
            f"{len(lines) - len(wanted)} more lines of audit, outbox and snapshots: --verbose"
        )
    return Exit.DONE


def _story(lines: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Where nothing but bookkeeping is left, that is the story."""
    return [line for line in lines if line["what"] not in BACKSTAGE] or lines
