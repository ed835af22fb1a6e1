"""Everything the book knows about a signal, order, position or symbol, in the order of time."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.book.listing import mappings

Rows = set[tuple[Any, ...]]


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

# Where a name leads from the other end: signals, also by way of what they asked for.
SIGNALS_BY_IDENTIFIER = """
SELECT signal_id FROM signals WHERE signal_id = :subject OR trace_id = :subject
UNION SELECT signal_id FROM signal_deliveries WHERE delivery_id = :subject
UNION SELECT signal_id FROM trade_intents WHERE intent_id = :subject OR signal_id = :subject
"""
SIGNALS_BY_ANYTHING_ELSE = """
SELECT signal_id FROM signals WHERE symbol = :subject
UNION SELECT signal_id FROM trade_intents WHERE :subject IN (symbol, trace_id)
"""

# And from the third: positions, by the ids of all that belongs to them, and by what they came of.
POSITIONS_BY_IDENTIFIER = """
SELECT position_id FROM position_lives WHERE position_id = :subject
UNION SELECT position_id FROM trades WHERE trade_id = :subject
UNION SELECT position_id FROM exit_signals WHERE exit_signal_id = :subject
UNION SELECT position_id FROM exit_intents WHERE exit_intent_id = :subject
"""
POSITIONS_BY_ANYTHING_ELSE = """
SELECT position_id FROM position_lives WHERE :subject IN (symbol, trace_id)
"""
POSITIONS_OF_THESE = """
SELECT position_id FROM position_lives
  WHERE signal_id IN (SELECT value FROM json_each(:signals))
    OR stop_order_id IN (SELECT value FROM json_each(:orders))
UNION SELECT position_id FROM trades WHERE order_id IN (SELECT value FROM json_each(:orders))
UNION SELECT position_id FROM exit_intents WHERE exit_intent_id IN (
  SELECT exit_intent_id FROM exit_orders WHERE order_id IN (SELECT value FROM json_each(:orders))
)
"""

# :orders are order ids, :venue pairs of account and broker order id, :signals signal ids,
# :positions position ids.
OURS = "order_id IN (SELECT value FROM json_each(:orders))"
# Said aloud that it is not null: the index on it holds no others.
THEIRS = """broker_order_id IS NOT NULL AND (broker_order_id, account) IN
  (SELECT json_extract(value, '$[1]'), json_extract(value, '$[0]') FROM json_each(:venue))"""
THEIRS_UNLINKED = """order_id IS NULL AND broker_order_id IN
  (SELECT json_extract(value, '$[1]') FROM json_each(:venue))"""
SIGNALLED = "signal_id IN (SELECT value FROM json_each(:signals))"
SIGNALS_OF_ORDERS = f"""
SELECT signal_id FROM orders WHERE {OURS} AND signal_id IS NOT NULL
UNION SELECT signal_id FROM signal_order_relationships WHERE {OURS}
"""
OF_THESE_SIGNALS = f"""{SIGNALLED} OR order_id IN (
  SELECT order_id FROM signal_order_relationships WHERE {SIGNALLED}
)"""
HELD = "position_id IN (SELECT value FROM json_each(:positions))"
OF_THESE_TRADES = f"trade_id IN (SELECT trade_id FROM trades WHERE {HELD})"
SIGNALS_OF_POSITIONS = f"""
SELECT signal_id FROM position_lives WHERE {HELD} AND signal_id IS NOT NULL
UNION SELECT signal_id FROM trades WHERE {HELD} AND signal_id IS NOT NULL
"""
# Entries, exits, and every stop that there was: the life itself only knows the last one.
OF_THESE_POSITIONS = f"""order_id IN (
  SELECT order_id FROM trades WHERE {HELD}
  UNION SELECT stop_order_id FROM position_lives WHERE {HELD}
  UNION SELECT order_id FROM exit_orders WHERE {OF_THESE_TRADES}
  UNION SELECT json_extract(payload, '$.stop_order_id') FROM outbox
    WHERE event_type = 'position.stop_updated' AND json_valid(payload)
      AND correlation_id IN (SELECT value FROM json_each(:positions))
)"""
TOLD_OF = "CASE WHEN json_valid(payload) THEN json_extract(payload, '$.order_id') END"

# Causes before what follows from them, for rows of one and the same moment.
SOURCES = (
    Source("signal", "signals", "received_at", "signal_id", SIGNALLED),
    Source("delivery", "signal_deliveries", "created_at", "delivery_id", SIGNALLED),
    Source("intent", "trade_intents", "created_at", "intent_id", SIGNALLED),
    Source("position", "position_lives", "created_at", "position_id", HELD),
    Source("exit signal", "exit_signals", "detected_at", "exit_signal_id", OF_THESE_TRADES),
    Source("exit", "exit_intents", "created_at", "exit_intent_id", OF_THESE_TRADES),
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
    Source("trade", "trades", "entry_time", "trade_id", HELD),
    Source("transition", "position_transitions", "at", "id", HELD),
    # How its stop came to where it is; the row of the order only knows where that is.
    Source(
        "stop", "outbox", "occurred_at", "sequence",
        "event_type = 'position.stop_updated'"
        " AND correlation_id IN (SELECT value FROM json_each(:positions))",
    ),
    Source("snapshot", "position_snapshots", "at", "id", HELD),
    Source("adjustment", "adjustments", "as_of", "id", ":subject IN (id, symbol)"),
    Source(
        "audit", "order_audit", "timestamp", "id",
        f"{OURS} OR :subject IN (broker_order_id, correlation_id) OR {THEIRS_UNLINKED}",
    ),
    Source(
        "outbox", "outbox", "occurred_at", "event_id",
        ":subject IN (event_id, symbol, trace_id, correlation_id)"
        " OR correlation_id IN (SELECT value FROM json_each(:positions))"
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
    found = _asked(connection, BY_IDENTIFIER, subject)
    signals = _asked(connection, SIGNALS_BY_IDENTIFIER, subject)
    positions = _asked(connection, POSITIONS_BY_IDENTIFIER, subject)
    if not found and not signals and not positions:
        found = _asked(connection, BY_ANYTHING_ELSE, subject)
        signals = _asked(connection, SIGNALS_BY_ANYTHING_ELSE, subject)
        positions = _asked(connection, POSITIONS_BY_ANYTHING_ELSE, subject)
    names = Names(connection, subject, found, signals, positions)
    # An execution or a step may carry one of its order's ids only; the order's row has the others.
    names.follow_orders(f"{OURS} OR {THEIRS}")
    names.follow_signals(SIGNALS_OF_ORDERS)
    names.follow_orders(OF_THESE_SIGNALS)
    # What a position was entered and left with is part of its story, whichever of it was named.
    names.positions |= names.ask(POSITIONS_OF_THESE)
    names.follow_orders(OF_THESE_POSITIONS)
    names.follow_signals(SIGNALS_OF_POSITIONS)
    return names.bound


def _asked(connection: sqlite3.Connection, question: str, subject: str) -> Rows:
    return set(connection.execute(question, {"subject": subject}))


@dataclass(slots=True)
class Names:
    """What has been found to belong to the subject so far."""

    connection: sqlite3.Connection
    subject: str
    # (order_id, account, broker_order_id); (signal_id,); (position_id,)
    orders: Rows
    signals: Rows
    positions: Rows

    def follow_orders(self, where: str) -> None:
        self.orders |= self.ask(
            f"SELECT order_id, account, broker_order_id FROM orders WHERE {where}"
        )

    def follow_signals(self, question: str) -> None:
        self.signals |= self.ask(question)

    def ask(self, question: str) -> Rows:
        return set(self.connection.execute(question, self.bound))

    @property
    def bound(self) -> dict[str, str]:
        # Itself too: the row of a deleted order is gone, its events are not.
        orders = {self.subject, *(order_id for order_id, _, _ in self.orders if order_id)}
        venue = {(account, broker) for _, account, broker in self.orders if broker}
        return {
            "subject": self.subject,
            "orders": json.dumps(sorted(orders), ensure_ascii=False),
            "venue": json.dumps(sorted(venue), ensure_ascii=False),
            "signals": json.dumps(sorted(each for (each,) in self.signals), ensure_ascii=False),
            "positions": json.dumps(sorted(each for (each,) in self.positions), ensure_ascii=False),
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
