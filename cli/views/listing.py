"""Lists of book rows: a page as a table, as JSON or as CSV, with the book's own column names."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from cli.desk_work import desk_for
from cli.exits import Exit
from cli.invocation import Invocation
from cli.screen import Cell, Column, Tone
from core.domain.errors import Usage
from core.domain.moment import parse_moment
from core.ports import Listing, Page

# Shared by every list command, so that they all read alike.
Sort = Annotated[str | None, typer.Option(metavar="COLUMN", help="Sort by this column.")]
Ascending = Annotated[bool, typer.Option("--asc", help="Oldest or smallest first.")]
PageNumber = Annotated[int, typer.Option("--page", metavar="N", help="Which page.")]
PageSize = Annotated[int, typer.Option("--page-size", metavar="N", help="Rows a page, up to 1000.")]
Since = Annotated[str | None, typer.Option(metavar="TIME", help="Not before, ISO-8601.")]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Before, ISO-8601.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV, every column.")]

_RIGHT = frozenset(
    (
        *("quantity", "filled_quantity", "price", "trigger_price", "average_price", "mark_price"),
        *("fee", "realized_pnl", "unrealized_pnl"),
    )
)


def listing(
    table: str,
    where: dict[str, str | None],
    *,
    sort: str | None,
    ascending: bool,
    page: int,
    page_size: int,
    since: str | None,
    until: str | None,
) -> Listing:
    return Listing(
        table=table,
        where={name: value for name, value in where.items() if value is not None},
        since=None if since is None else _moment("--since", since),
        until=None if until is None else _moment("--until", until),
        sort=sort,
        descending=not ascending,
        page=page,
        page_size=page_size,
    )


def _moment(flag: str, text: str) -> datetime:
    try:
        return parse_moment(text)
    except ValueError as error:
        raise Usage(f"{flag}: {error}", hint=f"{flag} 2026-01-05T12:00:00Z") from None


def show_page(
    call: Invocation, asked: Listing, columns: Sequence[str], *, as_json: bool, as_csv: bool
) -> int:
    """`columns` are those that fit a screen; JSON and CSV carry every column."""
    if as_json and as_csv:
        raise Usage("--json and --csv exclude each other")
    with desk_for(call) as desk, desk.book.read() as book:
        page = book.page(asked)
    if as_json:
        call.screen.json(_document(asked.table, page))
    elif as_csv:
        names = list(page.rows[0]) if page.rows else list(columns)
        call.screen.csv(names, [[row.get(name) for name in names] for row in page.rows])
    else:
        _show(call, page, columns)
    return Exit.DONE


def _document(table: str, page: Page) -> dict[str, object]:
    return {
        table: [dict(row) for row in page.rows],
        "pagination": {
            "page": page.page,
            "page_size": page.page_size,
            "total_items": page.total_items,
            "total_pages": page.total_pages,
            "has_next": page.page < page.total_pages,
            "has_previous": page.page > 1,
        },
    }


def _show(call: Invocation, page: Page, columns: Sequence[str]) -> None:
    call.screen.table(
        [Column(name.replace("_", " "), right=name in _RIGHT) for name in columns],
        [["–" if row.get(name) is None else row[name] for name in columns] for row in page.rows],
    )
    if page.total_pages > 1:
        call.screen.line(
            Cell(f"page {page.page} of {page.total_pages}, {page.total_items} rows", Tone.DIM)
        )
