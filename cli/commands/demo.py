"""demo: one night of drift and the morning after, in a temporary home, on paper or emulated."""

from typing import Annotated, Any

import typer

from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import verb


@verb("trueup demo", "trueup demo --venue bybit")
def command(
    call: Invocation,
    venue: Annotated[
        str, typer.Option(metavar="NAME", help="paper, or emulated: bybit, mexc, ib.")
    ] = "paper",
) -> int:
    """Drift appears, is planned, staged, reviewed and applied; ends with a clean plan."""
    from cli.demo.casting import check_name, story_at
    from cli.demo.home import temporary_home
    from cli.demo.telling import Telling

    check_name(venue)
    try:
        with temporary_home() as home, story_at(venue, Telling(call, home), home) as story:
            story.tell()
    except KeyboardInterrupt:
        code: Any = Exit.INTERRUPTED
    except SystemExit as leaving:
        # A command inside was interrupted and has said so, or SIGTERM came in between two.
        code = leaving.code
    else:
        return Exit.DONE
    call.screen.note("the demo was stopped; nothing of it is left behind")
    raise SystemExit(code)
