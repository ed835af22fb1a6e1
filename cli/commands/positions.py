"""positions: the book's positions, filtered, sorted, a page at a time."""

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

_COLUMNS = (
    "account",
    "symbol",
    "side",
    "quantity",
    "average_price",
    "mark_price",
    "unrealized_pnl",
    "realized_pnl",
    "state",
    "updated_at",
)


@verb("trueup positions", "trueup positions --symbol BTCUSDT --json")
def command(
    call: Invocation,
    symbol: Annotated[str | None, typer.Option(metavar="SYMBOL", help="Only this symbol.")] = None,
    side: Annotated[str | None, typer.Option(metavar="SIDE", help="Only this side.")] = None,
    mode: Annotated[str | None, typer.Option(metavar="MODE", help="Only this mode.")] = None,
    state: Annotated[str | None, typer.Option(metavar="STATE", help="Only this state.")] = None,
    since: Since = None,
    until: Until = None,
    sort: Sort = None,
    asc: Ascending = False,
    page: PageNumber = 1,
    page_size: PageSize = 50,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> int:
    """Lists the book's positions."""
    asked = listing(
        "positions",
        {
            "account": call.options.account,
            "symbol": symbol,
            "side": side,
            "mode": mode,
            "state": state,
        },
        sort=sort,
        ascending=asc,
        page=page,
        page_size=page_size,
        since=since,
        until=until,
    )
    return show_page(call, asked, _COLUMNS, as_json=as_json, as_csv=as_csv)
