"""One page of a table, for lists on screen and over REST; only names in listed.py reach the SQL."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from core.book.listed import LISTED, Listed
from core.book.schema import in_time
from core.domain.errors import Usage
from core.domain.moment import moment_text
from core.ports import Listing, Page

PAGE_SIZE_MAX = 1000
PAGE_MAX = 1_000_000_000


TIMES = frozenset(
    name
    for each in LISTED.values()
    for name in each.sorts
    if name.endswith(("_at", "_time", "timestamp"))
) | {"at", "not_before", "since"}


def page(connection: sqlite3.Connection, listing: Listing) -> Page:
    """The rows under the book's own column names, and how many there are in all."""
    listed = LISTED[_allowed("table", listing.table, LISTED)]
    _check_paging(listing)
    where, values = _conditions(listing, listed)
    source = f"FROM {listed.source or listing.table} WHERE {where}"
    (total,) = connection.execute(f"SELECT count(*) {source}", values).fetchone()
    offset = (listing.page - 1) * listing.page_size
    cursor = connection.execute(
        f"SELECT * {source} ORDER BY {_order(listing, listed)} LIMIT ? OFFSET ?",
        (*values, listing.page_size, offset),
    )
    rows = tuple(_shown(row, listed) for row in mappings(cursor))
    return Page(rows=rows, page=listing.page, page_size=listing.page_size, total_items=total)


def mappings(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    """All rows of a query, by column name."""
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _allowed(what: str, name: str, names: Sequence[str] | Mapping[str, Any]) -> str:
    if name not in names:
        raise Usage(f"{name!r:.60} is no {what} here; choose one of {', '.join(names)}")
    return name


def _check_paging(listing: Listing) -> None:
    if not 1 <= listing.page_size <= PAGE_SIZE_MAX:
        raise Usage(f"page size {listing.page_size!r:.20} is not in 1..{PAGE_SIZE_MAX}")
    if not 1 <= listing.page <= PAGE_MAX:
        raise Usage(f"page {listing.page!r:.20} is not in 1..{PAGE_MAX}")


def _conditions(listing: Listing, listed: Listed) -> tuple[str, list[str]]:
    conditions, values = ["true"], []
    for name, value in listing.where.items():
        conditions.append(f"{_allowed('filter', name, listed.filters)} = ?")
        values.append(value)
    # From and including `since`, up to and excluding `until`: neighbouring ranges do not overlap.
    for sign, moment in ((">=", listing.since), ("<", listing.until)):
        if moment is not None:
            conditions.append(f"{in_time(listed.time)} {sign} {in_time('?')}")
            values.append(moment_text(moment))
    return " AND ".join(conditions), values


def _order(listing: Listing, listed: Listed) -> str:
    sort = _allowed("sort", listing.sort or listed.time, listed.sorts)
    direction = "DESC" if listing.descending else "ASC"
    first = in_time(sort) if sort in TIMES else sort
    ties = ", ".join(f"{name} {direction}" for name in listed.key)
    return f"{first} {direction} NULLS LAST, {ties}"


def _shown(row: dict[str, Any], listed: Listed) -> dict[str, Any]:
    """Booleans and documents as such; what is not one is shown as it lies there."""
    for name in listed.booleans:
        row[name] = bool(row[name]) if row[name] in (0, 1) else row[name]
    for name in listed.documents:
        try:
            row[name] = json.loads(row[name])
        except (ValueError, TypeError):
            continue
    return row
