"""executions: the book's executions, filtered, sorted, a page at a time."""

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
    "execution_id",
    "account",
    "symbol",
    "side",
    "quantity",
    "price",
    "fee",
    "fee_currency",
    "kind",
    "executed_at",
    "order_id",
)


@verb("trueup executions --symbol BTCUSDT --since 2026-01-05T00:00:00Z")
def command(
    call: Invocation,
    symbol: Annotated[str | None, typer.Option(metavar="SYMBOL", help="Only this symbol.")] = None,
    side: Annotated[str | None, typer.Option(metavar="SIDE", help="Only this side.")] = None,
    kind: Annotated[str | None, typer.Option(metavar="KIND", help="Only this kind.")] = None,
    order_id: Annotated[
        str | None, typer.Option(metavar="ORDER_ID", help="Only this order id.")
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
    """Lists the book's executions, newest first."""
    asked = listing(
        "executions",
        {
            "account": call.options.account,
            "symbol": symbol,
            "side": side,
            "kind": kind,
            "order_id": order_id,
        },
        sort=sort,
        ascending=asc,
        page=page,
        page_size=page_size,
        since=since,
        until=until,
    )
    return show_page(call, asked, _COLUMNS, as_json=as_json, as_csv=as_csv)
