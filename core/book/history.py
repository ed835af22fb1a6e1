"""Everything the book knows about one order, execution, signal or symbol, in the order of time."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.book.listing import mappings


@dataclass(frozen=True, slots=True)
class Source:
    """One table of the story: which rows belong to it, when each happened and what names it."""

    what: str
    table: str
    at: str
    key: str
    where: str


# Where a name leads: orders, also by way of an execution or a journaled step. First the identifiers
# that have an index, so that a large book answers at once.
BY_IDENTIFIER = """
SELECT order_id, account, broker_order_id FROM orders
  WHERE order_id = :subject OR broker_order_id = :subject OR client_order_id = :subject
    OR perm_id = :subject OR signal_id = :subject
UNION SELECT order_id, account, broker_order_id FROM executions
  WHERE execution_key = :subject OR broker_order_id = :subject
UNION SELECT order_id, account, broker_order_id FROM journal
  WHERE step_id = :subject OR idempotency_key = :subject
"""
BY_ANYTHING_ELSE = """
SELECT order_id, account, broker_order_id FROM orders
  WHERE :subject IN (symbol, parent_order_id, trace_id)
UNION SELECT order_id, account, broker_order_id FROM executions
  WHERE :subject IN (symbol, execution_id)
"""

# :orders are order ids, :venue pairs of account and broker order id.
OURS = "order_id IN (SELECT value FROM json_each(:orders))"
# Said aloud that it is not null: the index on it holds no others.
THEIRS = """broker_order_id IS NOT NULL AND (broker_order_id, account) IN
  (SELECT json_extract(value, '$[1]'), json_extract(value, '$[0]') FROM json_each(:venue))"""
THEIRS_UNLINKED = """order_id IS NULL AND broker_order_id IN
  (SELECT json_extract(value, '$[1]') FROM json_each(:venue))"""
TOLD_OF = "CASE WHEN json_valid(payload) THEN json_extract(payload, '$.order_id') END"

# Causes before what follows from them, for rows of one and the same moment.
SOURCES = (
    Source(
        "order", "orders", "coalesce(created_at, updated_at, executed_at)", "order_id",
        f"{OURS} OR {THEIRS}",
    ),
    Source(
        "journal", "journal", "begun_at", "step_id",
        f"{OURS} OR {THEIRS} OR :subject IN (step_id, idempotency_key, symbol)",
    ),
    Source("order event", "order_events", "occurred_at", "id", OURS),
    Source(
        "execution", "executions", "executed_at", "execution_key",
        f"{OURS} OR {THEIRS} OR execution_key = :subject",
    ),
    Source("adjustment", "adjustments", "as_of", "id", ":subject IN (id, symbol)"),
    Source(
        "audit", "order_audit", "timestamp", "id",
        f"{OURS} OR :subject IN (broker_order_id, correlation_id) OR {THEIRS_UNLINKED}",
    ),
    Source(
        "outbox", "outbox", "occurred_at", "event_id",
        ":subject IN (event_id, symbol, trace_id, correlation_id)"
        f" OR {TOLD_OF} IN (SELECT value FROM json_each(:orders))",
    ),
)  # fmt: skip


def history(connection: sqlite3.Connection, subject: str) -> list[Mapping[str, Any]]:
    """Each row with `at`, `what` and `id` before its own columns."""
    names = _names(connection, subject)
    rows = [row for source in SOURCES for row in _rows(connection, source, names)]
    # The sort is stable: rows of one moment stay in the order of SOURCES.
    return sorted(rows, key=lambda row: (row["at"] or "").removesuffix("Z"))


def _names(connection: sqlite3.Connection, subject: str) -> dict[str, str]:
    found = (
        connection.execute(BY_IDENTIFIER, {"subject": subject}).fetchall()
        or connection.execute(BY_ANYTHING_ELSE, {"subject": subject}).fetchall()
    )
    # An execution or a step may carry one of its order's ids only; the order's row has the others.
    found += connection.execute(
        f"SELECT order_id, account, broker_order_id FROM orders WHERE {OURS} OR {THEIRS}",
        _bound(subject, found),
    ).fetchall()
    return _bound(subject, found)


def _bound(subject: str, found: Iterable[tuple[Any, ...]]) -> dict[str, str]:
    # Itself too: the row of a deleted order is gone, its events are not.
    orders = {subject, *(order_id for order_id, _, _ in found if order_id)}
    venue = {(account, broker) for _, account, broker in found if broker}
    return {
        "subject": subject,
        "orders": json.dumps(sorted(orders), ensure_ascii=False),
        "venue": json.dumps(sorted(venue), ensure_ascii=False),
    }


def _rows(
    connection: sqlite3.Connection, source: Source, names: Mapping[str, str]
) -> Iterable[dict[str, Any]]:
    select = (
        f"SELECT {source.at} AS history_at, * FROM {source.table} WHERE {source.where}"
        " ORDER BY rowid"
    )
    for row in mappings(connection.execute(select, names)):
        at, own = row.pop("history_at"), str(row[source.key])
        yield {**row, "at": at, "what": source.what, "id": own}
