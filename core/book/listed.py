"""What may be listed, table by table; only names in this file reach the SQL of a list."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.book.schema import in_time
from core.book.tables import LIVES, POSITIONS
from core.domain.life import HELD

_HELD = ", ".join(sorted(repr(state.value) for state in HELD))
# Marks move all the time: the last snapshot that was taken of the position knows better.
_MARKED = {
    "mark_price": "coalesce(s.mark_price, p.mark_price)",
    "unrealized_pnl": "coalesce(s.unrealized_pnl, p.unrealized_pnl)",
    "last_snapshot_at": "coalesce(s.at, p.last_snapshot_at)",
}
_OF_POSITION = ", ".join(
    f"{_MARKED.get(name, 'p.' + name)} AS {name}" for name in POSITIONS.columns
)
_OF_LIFE = ", ".join(f"l.{name}" for name in LIVES.columns if name not in POSITIONS.columns)

# A position with the life that it is in, and marked by the last snapshot that speaks of so much of
# it. Where position and life have a column of one name it is the position's, whose profit is that
# of all its lives; `life_` tells the other one.
POSITIONS_AND_LIVES = f"""(
  SELECT {_OF_POSITION}, {_OF_LIFE},
    l.state AS life_state, l.realized_pnl AS life_realized_pnl
  FROM positions AS p
  LEFT JOIN position_lives AS l ON l.sequence = (
    SELECT sequence FROM position_lives AS each
    WHERE (each.account, each.symbol, each.side) = (p.account, p.symbol, p.side)
      AND each.state IN ({_HELD})
    ORDER BY each.quantity = '0', each.sequence DESC LIMIT 1
  )
  LEFT JOIN position_snapshots AS s ON s.id = (
    SELECT id FROM position_snapshots WHERE position_id = l.position_id ORDER BY id DESC LIMIT 1
  ) AND s.quantity = p.quantity
    AND {in_time("s.at")} >= {in_time("coalesce(p.last_snapshot_at, '')")}
)"""


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
    # What the rows are read from, where that is more than the table.
    source: str | None = None


_POSITION_FILTERS = (
    "account", "symbol", "side", "direction", "mode", "state", "life_state", "position_id",
)  # fmt: skip
_POSITION_SORTS = ("updated_at", "entry_time", "symbol", "account", "state")

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
        filters=_POSITION_FILTERS,
        sorts=_POSITION_SORTS,
        booleans=("dust", "trail_activated"),
        source=POSITIONS_AND_LIVES,
    ),
    "open_positions": Listed(
        key=("account", "symbol", "side"),
        time="updated_at",
        filters=_POSITION_FILTERS,
        sorts=_POSITION_SORTS,
        booleans=("dust", "trail_activated"),
        source=f"(SELECT * FROM {POSITIONS_AND_LIVES} WHERE quantity <> '0')",
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
    "position_lives": Listed(
        key=("sequence",),
        time="updated_at",
        filters=(
            "account", "symbol", "side", "mode", "state", "direction", "exit_reason",
            "position_id", "signal_id", "trace_id",
        ),
        sorts=("updated_at", "created_at", "entry_time", "exit_time", "symbol", "account", "state"),
        booleans=("trail_activated",),
    ),
    "position_transitions": Listed(
        key=("id",),
        time="at",
        filters=("position_id", "from_state", "to_state", "reason"),
        sorts=("at",),
    ),
    "trades": Listed(
        key=("sequence",),
        time="entry_time",
        filters=(
            "account", "symbol", "side", "direction", "kind", "status", "exit_reason", "trade_id",
            "position_id", "order_id", "signal_id", "strategy_id", "trace_id",
        ),
        sorts=("entry_time", "exit_time", "updated_at", "symbol", "account", "status"),
    ),
    "exit_signals": Listed(
        key=("sequence",),
        time="detected_at",
        filters=(
            "account", "symbol", "cause", "state", "exit_signal_id", "trade_id", "position_id",
            "trace_id",
        ),
        sorts=("detected_at", "published_at", "symbol", "cause", "state"),
    ),
    "exit_intents": Listed(
        key=("sequence",),
        time="created_at",
        filters=(
            "account", "symbol", "side", "cause", "state", "exit_intent_id", "exit_signal_id",
            "trade_id", "position_id", "trace_id",
        ),
        sorts=("created_at", "updated_at", "not_before", "symbol", "cause", "state"),
        booleans=("reduce_only",),
        documents=("reasons", "because"),
    ),
    "position_snapshots": Listed(
        key=("id",),
        time="at",
        filters=("account", "symbol", "side", "state", "position_id"),
        sorts=("at", "symbol", "account"),
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
