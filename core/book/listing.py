"""One page of a table, for lists on screen and over REST; only names in this file reach the SQL."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.book.schema import in_time
from core.domain.errors import Usage
from core.domain.moment import moment_text
from core.ports import Listing, Page

PAGE_SIZE_MAX = 1000
PAGE_MAX = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What may be asked of one table. `key` makes every order of rows a total one."""

    key: tuple[str, ...]
    # The moment that `since` and `until` speak of, and the order when none is asked for.
    time: str
    filters: tuple[str, ...]
    sorts: tuple[str, ...]
    booleans: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()


LISTED: Mapping[str, Listed] = {
    "orders": Listed(
        key=("order_id",),
        time="created_at",
        filters=(
            "account", "symbol", "side", "position_side", "order_type", "status", "origin",
            "order_id", "broker_order_id", "client_order_id", "perm_id", "signal_id",
            "parent_order_id", "trace_id",
        ),
        sorts=("created_at", "updated_at", "executed_at", "symbol", "status", "order_id"),
        booleans=("reduce_only", "post_only"),
    ),
    "positions": Listed(
        key=("account", "symbol", "side"),
        time="updated_at",
        filters=("account", "symbol", "side", "mode", "state"),
        sorts=("updated_at", "symbol", "account", "state"),
        booleans=("dust",),
    ),
    "executions": Listed(
        key=("execution_key",),
        time="executed_at",
        filters=(
            "account", "symbol", "side", "position_side", "kind", "order_id", "broker_order_id",
            "execution_id", "execution_key",
        ),
        sorts=("executed_at", "symbol", "execution_key"),
    ),
    "alerts": Listed(
        key=("sequence",),
        time="at",
        filters=("account", "type", "severity", "subject", "alert_id"),
        sorts=("at", "type", "severity"),
    ),
    "order_audit": Listed(
        key=("id",),
        time="timestamp",
        filters=("action_type", "correlation_id", "order_id", "broker_order_id"),
        sorts=("timestamp", "action_type"),
        booleans=("executed",),
        documents=("details",),
    ),
    "plans": Listed(
        key=("sequence",),
        time="generated_at",
        filters=("plan_id", "state"),
        sorts=("generated_at", "expires_at", "state"),
    ),
    "journal": Listed(
        key=("sequence",),
        time="begun_at",
        filters=(
            "account", "symbol", "kind", "state", "plan_id", "action_id", "step_id", "order_id",
            "broker_order_id", "idempotency_key",
        ),
        sorts=("begun_at", "settled_at", "state", "symbol"),
        documents=("request",),
    ),
    "order_events": Listed(
        key=("id",),
        time="occurred_at",
        filters=("account", "order_id", "event_type", "source", "to_status"),
        sorts=("occurred_at", "recorded_at"),
        documents=("details",),
    ),
    "outbox": Listed(
        key=("sequence",),
        time="occurred_at",
        filters=("account", "symbol", "event_type", "event_id", "trace_id", "correlation_id"),
        sorts=("occurred_at",),
        documents=("payload",),
    ),
    "signals": Listed(
        key=("sequence",),
        time="received_at",
        filters=(
            "account", "symbol", "signal_type", "state", "request_status", "signal_id",
            "strategy_id", "trace_id", "source", "aim", "confluence_type",
        ),
        sorts=(
            "received_at", "timestamp", "expires_at", "finished_at", "symbol", "request_status",
        ),
        booleans=("is_warmup", "urgency"),
        documents=("market_data_snapshot", "metadata"),
    ),
    "signal_deliveries": Listed(
        key=("sequence",),
        time="created_at",
        filters=("account", "symbol", "state", "signal_id", "delivery_id"),
        sorts=("created_at", "qualified_at", "symbol", "state"),
    ),
    "trade_intents": Listed(
        key=("sequence",),
        time="created_at",
        filters=("account", "symbol", "side", "state", "intent_id", "signal_id", "trace_id"),
        sorts=("created_at", "updated_at", "expires_at", "not_before", "symbol", "state"),
        documents=("reasons", "because", "orders"),
    ),
    "dead_letters": Listed(
        key=("sequence",),
        time="at",
        filters=("source", "letter_id"),
        sorts=("at", "replayed_at", "source"),
    ),
    "halts": Listed(
        key=("sequence",),
        time="since",
        filters=("account", "kind", "halt_id"),
        sorts=("since", "lifted_at", "account", "kind"),
    ),
}  # fmt: skip


TIMES = frozenset(
    name for each in LISTED.values() for name in each.sorts if name.endswith(("_at", "timestamp"))
) | {"at", "not_before", "since"}


def page(connection: sqlite3.Connection, listing: Listing) -> Page:
    """The rows under the book's own column names, and how many there are in all."""
    listed = LISTED[_allowed("table", listing.table, LISTED)]
    _check_paging(listing)
    where, values = _conditions(listing, listed)
    source = f"FROM {listing.table} WHERE {where}"
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
