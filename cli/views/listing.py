"""Lists of book rows: a page as a table, as JSON or as CSV, with the book's own column names."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any

import typer

from cli.desk_work import desk_for
from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import AsJson, Command, verb
from cli.screen import Cell, Column, Tone
from core.domain.errors import Usage
from core.domain.moment import parse_moment
from core.ports import Listing, Page

_RIGHT = frozenset(
    (
        *("quantity", "filled_quantity", "price", "trigger_price", "average_price", "mark_price"),
        *("fee", "realized_pnl", "unrealized_pnl", "amount", "confidence"),
        *("open_quantity", "volume", "entry_price", "exit_price", "stop_price", "leverage"),
        *("life_realized_pnl", "realized_pnl_pct", "fees", "tries"),
    )
)


Row = Mapping[str, Any]
Shown = Mapping[str, Callable[[Any], str]]
_AS_IT_IS: Shown = MappingProxyType({})
_BY_NAME: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """How the rows of a table look on a screen; JSON and CSV carry every column as it is."""

    columns: Sequence[str]
    # Headings, where a column's name says less than the list needs.
    titles: Mapping[str, str] = field(default_factory=dict)
    # Puts a column into words.
    shown: Shown = field(default_factory=dict)
    # Puts a row into words where one column alone does not tell enough.
    worded: Callable[[Row], Row] = dict


def lister(
    table: str,
    *,
    filters: Sequence[str],
    columns: Sequence[str],
    examples: Sequence[str],
    told: str,
    shown: Shown = _AS_IT_IS,
    titles: Mapping[str, str] = _BY_NAME,
    worded: Callable[[Row], Row] = dict,
) -> Command:
    """The list command of a table: every one filters, sorts and pages alike."""
    sheet = Sheet(columns=columns, titles=titles, shown=shown, worded=worded)

    def listing(call: Invocation, **given: Any) -> int:
        return show_page(call, asked_for(call, table, filters, given), sheet, given)

    return listing_command(listing, filters=filters, examples=examples, told=told)


def listing_command(
    listing: Command,
    *,
    filters: Sequence[str],
    examples: Sequence[str],
    told: str,
    flags: Mapping[str, str] = _BY_NAME,
) -> Command:
    """Gives it the options of every list, its filters, and `flags` with their meaning."""
    listing.__doc__ = told
    own = [*(_filter(name) for name in filters), *(_flag(*each) for each in flags.items())]
    listing.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [_CALL, *own, *_SHARED]
    )
    return verb(*examples)(listing)


def asked_for(
    call: Invocation, table: str, filters: Sequence[str], given: Mapping[str, Any]
) -> Listing:
    return Listing(
        table=table,
        where=_where(call.options.account, {name: given[name] for name in filters}),
        since=_moment("--since", given["since"]),
        until=_moment("--until", given["until"]),
        sort=given["sort"],
        descending=not given["asc"],
        page=given["page"],
        page_size=given["page_size"],
    )


def _filter(name: str) -> inspect.Parameter:
    option = typer.Option(metavar=name.upper(), help=f"Only this {name.replace('_', ' ')}.")
    return _option(name, Annotated[str | None, option], None)


def _flag(name: str, meaning: str) -> inspect.Parameter:
    return _option(name, Annotated[bool, typer.Option(f"--{name}", help=meaning)], False)


def _option(name: str, kind: Any, default: object) -> inspect.Parameter:
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, keyword, default=default, annotation=kind)


_CALL = inspect.Parameter("call", inspect.Parameter.POSITIONAL_ONLY, annotation=Invocation)
_Time = Annotated[str | None, typer.Option(metavar="TIME", help="ISO-8601, with its zone.")]
_SHARED = (
    _option("since", _Time, None),
    _option("until", _Time, None),
    _option(
        "sort", Annotated[str | None, typer.Option(metavar="COLUMN", help="Sort by this.")], None
    ),
    _option("asc", Annotated[bool, typer.Option("--asc", help="Oldest, smallest first.")], False),
    _option("page", Annotated[int, typer.Option(metavar="N", help="Which page.")], 1),
    _option(
        "page_size", Annotated[int, typer.Option(metavar="N", help="Rows a page, to 1000.")], 50
    ),
    _option("as_csv", Annotated[bool, typer.Option("--csv", help="CSV, every column.")], False),
    _option("as_json", AsJson, False),
)


def _where(account: str | None, filters: Mapping[str, str | None]) -> dict[str, str]:
    told = {"account": account, **filters}
    return {name: value for name, value in told.items() if value is not None}


def _moment(flag: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_moment(text)
    except ValueError as error:
        raise Usage(f"{flag}: {error}", hint=f"{flag} 2026-01-05T12:00:00Z") from None


def show_page(call: Invocation, asked: Listing, sheet: Sheet, given: Mapping[str, Any]) -> int:
    if given["as_json"] and given["as_csv"]:
        raise Usage("--json and --csv exclude each other")
    with desk_for(call) as desk, desk.book.read() as book:
        page = book.page(asked)
    if given["as_json"]:
        call.screen.json(_document(asked.table, page))
    elif given["as_csv"]:
        names = list(page.rows[0]) if page.rows else list(sheet.columns)
        call.screen.csv(names, [[row.get(name) for name in names] for row in page.rows])
    else:
        _show(call, page, sheet)
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


def _show(call: Invocation, page: Page, sheet: Sheet) -> None:
    titles = ((name, sheet.titles.get(name, name.replace("_", " "))) for name in sheet.columns)
    rows = [sheet.worded(row) for row in page.rows]
    call.screen.table(
        [Column(title, right=name in _RIGHT) for name, title in titles],
        [[_cell(row.get(name), sheet.shown.get(name)) for name in sheet.columns] for row in rows],
    )
    if page.total_pages > 1:
        call.screen.line(
            Cell(f"page {page.page} of {page.total_pages}, {page.total_items} rows", Tone.DIM)
        )


def _cell(value: Any, in_words: Callable[[Any], str] | None) -> Any:
    if value is not None and in_words is not None:
        value = in_words(value)
    return "–" if value in (None, "") else value
