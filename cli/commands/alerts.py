"""alerts: the book's alerts, filtered, sorted, a page at a time."""

from typing import Annotated

import typer

from cli.invocation import Invocation
from cli.options import AsJson, verb
from cli.views.listing import (
    Ascending,
    AsCsv,
    PageNumber,
    PageSize,
    Since,
    Sort,
    Until,
    listing,
    show_page,
)

_COLUMNS = ("at", "severity", "type", "account", "message")


@verb("trueup alerts --severity HIGH")
def command(
    call: Invocation,
    type: Annotated[str | None, typer.Option(metavar="TYPE", help="Only this type.")] = None,
    severity: Annotated[
        str | None, typer.Option(metavar="SEVERITY", help="Only this severity.")
    ] = None,
    since: Since = None,
    until: Until = None,
    sort: Sort = None,
    asc: Ascending = False,
    page: PageNumber = 1,
    page_size: PageSize = 50,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> int:
    """Lists the alerts, newest first."""
    asked = listing(
        "alerts",
        {"account": call.options.account, "type": type, "severity": severity},
        sort=sort,
        ascending=asc,
        page=page,
        page_size=page_size,
        since=since,
        until=until,
    )
    return show_page(call, asked, _COLUMNS, as_json=as_json, as_csv=as_csv)
