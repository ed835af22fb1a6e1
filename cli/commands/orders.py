"""orders: the book's orders, filtered, sorted, a page at a time."""

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
    "order_id",
    "account",
    "symbol",
    "side",
    "order_type",
    "quantity",
    "filled_quantity",
    "price",
    "trigger_price",
    "status",
    "origin",
    "created_at",
)


@verb("trueup orders --status open", "trueup orders --symbol BTCUSDT --csv")
def command(
    call: Invocation,
    status: Annotated[str | None, typer.Option(metavar="STATUS", help="Only this status.")] = None,
    symbol: Annotated[str | None, typer.Option(metavar="SYMBOL", help="Only this symbol.")] = None,
    side: Annotated[str | None, typer.Option(metavar="SIDE", help="Only this side.")] = None,
    origin: Annotated[str | None, typer.Option(metavar="ORIGIN", help="Only this origin.")] = None,
    signal_id: Annotated[
        str | None, typer.Option(metavar="SIGNAL_ID", help="Only this signal id.")
    ] = None,
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
    """Lists the book's orders, newest first."""
    asked = listing(
        "orders",
        {
            "account": call.options.account,
            "status": status,
            "symbol": symbol,
            "side": side,
            "origin": origin,
            "signal_id": signal_id,
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
