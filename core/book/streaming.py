"""Many rows at little cost: raw tuples, batch by batch, never a table in memory.

Fetching a row through the driver makes one object per column, each with several calls. SQLite can
spell a whole batch of rows as one JSON text instead, and msgspec reads it in half the time.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from core.book.schema import in_time
from core.domain.order import COMPARED

BATCH_ROWS = 500

ORDER_COLUMNS = ("order_id", *(book for _, book in COMPARED), "created_at", "origin")
EXECUTION_COLUMNS = (
    "execution_key", "execution_id", "broker_order_id", "symbol", "side", "position_side",
    "quantity", "price", "fee", "fee_currency", "kind", "executed_at", "recorded_serial",
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

# Of two executions at the same moment, the one that reached us first.
EXECUTIONS_BY_TIME = f"""
SELECT rowid FROM executions WHERE account = ? ORDER BY {in_time("executed_at")}, rowid
"""


def _execution_batch(columns: tuple[str, ...]) -> str:
    # CROSS JOIN: SQLite keeps the order of the list.
    joined = "json_each(?) CROSS JOIN executions ON executions.rowid = value"
    return f"SELECT {_as_json(columns)} FROM {joined}"


EXECUTION_BATCH = _execution_batch(EXECUTION_COLUMNS)

# What outsiders left empty reads as it does everywhere else; filling it in has its price, though.
DEFAULTS = {"position_side": "'both'", "kind": "'trade'", "recorded_serial": "0"}
HAS_EMPTY = f"""
SELECT EXISTS (SELECT 1 FROM executions
WHERE +account = ? AND ({" OR ".join(f"{name} IS NULL" for name in DEFAULTS)}))
"""
EXECUTION_BATCH_FILLED = _execution_batch(
    tuple(
        f"coalesce({name}, {DEFAULTS[name]})" if name in DEFAULTS else name
        for name in EXECUTION_COLUMNS
    )
)


def order_rows(connection: sqlite3.Connection, account: str) -> Iterator[tuple[Any, ...]]:
    last = -1
    while start := connection.execute(NEXT_ORDER, (last,)).fetchone():
        last = start[0] + BATCH_ROWS - 1
        (text,) = connection.execute(ORDER_BATCH, (start[0], last, account)).fetchone()
        yield from _rows(text)


def order_rows_of(
    connection: sqlite3.Connection, account: str, broker_order_ids: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(broker_order_ids), BATCH_ROWS):
        some = broker_order_ids[start : start + BATCH_ROWS]
        marks = ", ".join("?" * len(some))
        (text,) = connection.execute(f"{ORDERS_OF} ({marks})", (account, *some)).fetchone()
        yield from _rows(text)


def execution_rows(connection: sqlite3.Connection, account: str) -> Iterator[tuple[Any, ...]]:
    (has_empty,) = connection.execute(HAS_EMPTY, (account,)).fetchone()
    select = EXECUTION_BATCH_FILLED if has_empty else EXECUTION_BATCH
    ids = connection.execute(EXECUTIONS_BY_TIME, (account,))
    while batch := ids.fetchmany(BATCH_ROWS):
        listed = "[" + ",".join([str(row[0]) for row in batch]) + "]"
        (text,) = connection.execute(select, (listed,)).fetchone()
        yield from _rows(text)
