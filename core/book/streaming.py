"""Many rows at little cost: raw tuples, batch by batch, never a table in memory.

Fetching a row through the driver makes one object per column, each with several calls. SQLite can
spell a whole batch of rows as one JSON text instead, and msgspec reads it in half the time.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from core.domain.order import COMPARED

BATCH_ROWS = 500

ORDER_COLUMNS = ("order_id", *(book for _, book in COMPARED), "created_at", "origin")
# What outsiders left empty reads as it does everywhere else.
EXECUTION_COLUMNS = (
    "execution_key", "broker_order_id", "symbol", "side", "coalesce(position_side, 'both')",
    "quantity", "price", "fee", "fee_currency", "coalesce(kind, 'trade')",
)  # fmt: skip

_rows = msgspec.json.Decoder(list[tuple[Any, ...]]).decode


def _as_json(columns: tuple[str, ...]) -> str:
    return f"json_group_array(json_array({', '.join(columns)}))"


# The + keeps SQLite from looking each row up through an index when it will read them all anyway.
ORDER_BATCH = f"""
SELECT {_as_json(ORDER_COLUMNS)} FROM orders
WHERE rowid BETWEEN ? AND ? AND +account = ? AND +broker_order_id IS NOT NULL
"""
NEXT_ORDER = "SELECT rowid FROM orders WHERE rowid > ? ORDER BY rowid LIMIT 1"

ORDERS_OF = f"SELECT {_as_json(ORDER_COLUMNS)} FROM orders WHERE account = ? AND broker_order_id IN"

EXECUTION_BATCH = f"""
SELECT {_as_json(EXECUTION_COLUMNS)} FROM executions WHERE rowid BETWEEN ? AND ? AND +account = ?
"""
NEXT_EXECUTION = "SELECT rowid FROM executions WHERE rowid > ? ORDER BY rowid LIMIT 1"


def order_rows(connection: sqlite3.Connection, account: str) -> Iterator[tuple[Any, ...]]:
    return _all_rows(connection, account, NEXT_ORDER, ORDER_BATCH)


def execution_rows(connection: sqlite3.Connection, account: str) -> Iterator[tuple[Any, ...]]:
    return _all_rows(connection, account, NEXT_EXECUTION, EXECUTION_BATCH)


def _all_rows(
    connection: sqlite3.Connection, account: str, following: str, batch: str
) -> Iterator[tuple[Any, ...]]:
    last = -1
    while start := connection.execute(following, (last,)).fetchone():
        last = start[0] + BATCH_ROWS - 1
        (text,) = connection.execute(batch, (start[0], last, account)).fetchone()
        yield from _rows(text)


def order_rows_of(
    connection: sqlite3.Connection, account: str, broker_order_ids: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(broker_order_ids), BATCH_ROWS):
        some = broker_order_ids[start : start + BATCH_ROWS]
        marks = ", ".join("?" * len(some))
        (text,) = connection.execute(f"{ORDERS_OF} ({marks})", (account, *some)).fetchone()
        yield from _rows(text)
