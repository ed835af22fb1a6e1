"""The tables as version 1 of the book has them.

Version 2 adds those of trading_schema.py, version 3 those of position_schema.py.

People and other programs insert rows with plain SQL: whatever they may leave out is nullable or has
a default. Decimals and times are text, because no database type keeps them digit for digit.
"""

import sqlite3

# "trup", in the file's header: tells a book from any other database.
APPLICATION_ID = 0x74727570
SCHEMA_VERSION = 3

# Before 3.37 there are no strict tables; such a book is read back just as carefully.
STRICT = " STRICT" if sqlite3.sqlite_version_info >= (3, 37) else ""

# Word for word in the index and in the queries, or SQLite does not use the one for the other.
IS_LIVE = "status IN ('open', 'partially_filled', 'pending', 'unknown')"
IS_OPEN_STEP = "state IN ('begun', 'unknown')"


def in_time(column: str) -> str:
    """The text to compare and sort by: with the Z, 12:00:00Z would come after 12:00:00.5Z."""
    return f"rtrim({column}, 'Z')"


TABLES = (
    f"""
CREATE TABLE orders (
  order_id TEXT NOT NULL PRIMARY KEY,
  account TEXT NOT NULL,
  broker_order_id TEXT,
  client_order_id TEXT,
  perm_id TEXT,
  symbol TEXT NOT NULL,
  side TEXT NOT NULL,
  position_side TEXT DEFAULT 'both',
  order_type TEXT,
  quantity TEXT NOT NULL,
  filled_quantity TEXT DEFAULT '0',
  price TEXT,
  trigger_price TEXT,
  average_price TEXT,
  time_in_force TEXT,
  reduce_only INTEGER,
  post_only INTEGER,
  status TEXT NOT NULL,
  origin TEXT NOT NULL DEFAULT 'owned',
  signal_id TEXT,
  parent_order_id TEXT,
  trace_id TEXT,
  fees TEXT,
  created_at TEXT,
  updated_at TEXT,
  executed_at TEXT
){STRICT}
""",
    f"""
CREATE TABLE order_events (
  id INTEGER PRIMARY KEY,
  order_id TEXT NOT NULL,
  account TEXT NOT NULL,
  event_type TEXT NOT NULL,
  from_status TEXT,
  to_status TEXT,
  details TEXT NOT NULL DEFAULT '{{}}',
  source TEXT NOT NULL,
  occurred_at TEXT NOT NULL,
  recorded_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
){STRICT}
""",
    f"""
CREATE TABLE executions (
  execution_key TEXT NOT NULL PRIMARY KEY,
  execution_id TEXT NOT NULL,
  account TEXT NOT NULL,
  -- What was bought and sold outlives the order row it belongs to.
  order_id TEXT REFERENCES orders (order_id) ON DELETE SET NULL,
  broker_order_id TEXT,
  symbol TEXT NOT NULL,
  side TEXT NOT NULL,
  position_side TEXT DEFAULT 'both',
  quantity TEXT NOT NULL,
  price TEXT NOT NULL,
  fee TEXT,
  fee_currency TEXT,
  kind TEXT DEFAULT 'trade',
  realized_pnl TEXT,
  executed_at TEXT NOT NULL,
  recorded_serial INTEGER DEFAULT 0
){STRICT}
""",
    f"""
CREATE TABLE positions (
  account TEXT NOT NULL,
  symbol TEXT NOT NULL,
  side TEXT NOT NULL DEFAULT 'both',
  quantity TEXT NOT NULL,
  average_price TEXT,
  mark_price TEXT,
  unrealized_pnl TEXT,
  realized_pnl TEXT DEFAULT '0',
  mode TEXT,
  state TEXT,
  dust INTEGER DEFAULT 0,
  updated_at TEXT,
  last_snapshot_at TEXT,
  PRIMARY KEY (account, symbol, side)
){STRICT}
""",
    f"""
CREATE TABLE adjustments (
  id TEXT NOT NULL PRIMARY KEY,
  account TEXT NOT NULL,
  symbol TEXT NOT NULL,
  side TEXT NOT NULL,
  quantity TEXT NOT NULL,
  average_price TEXT,
  as_of TEXT NOT NULL,
  recorded_serial INTEGER NOT NULL,
  "by" TEXT NOT NULL,
  reason TEXT NOT NULL
){STRICT}
""",
    f"""
CREATE TABLE match_decisions (
  account TEXT NOT NULL,
  broker_order_id TEXT NOT NULL,
  choice TEXT NOT NULL,
  order_id TEXT,
  "by" TEXT NOT NULL,
  at TEXT NOT NULL,
  note TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (account, broker_order_id)
){STRICT}
""",
    f"""
CREATE TABLE order_audit (
  id INTEGER PRIMARY KEY,
  timestamp TEXT NOT NULL,
  correlation_id TEXT NOT NULL,
  action_type TEXT NOT NULL,
  order_id TEXT,
  broker_order_id TEXT,
  reason TEXT NOT NULL DEFAULT '',
  details TEXT NOT NULL DEFAULT '{{}}',
  backup_file TEXT,
  executed INTEGER NOT NULL,
  error TEXT
){STRICT}
""",
    f"""
CREATE TABLE plans (
  -- The order of staging; clocks jump.
  sequence INTEGER PRIMARY KEY,
  plan_id TEXT NOT NULL UNIQUE,
  content_digest TEXT NOT NULL,
  generated_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  state TEXT NOT NULL,
  sealed_by TEXT,
  sealed_at TEXT,
  decisions_digest TEXT,
  reviewed_at TEXT,
  backup_file TEXT
){STRICT}
""",
    f"""
CREATE TABLE journal (
  sequence INTEGER PRIMARY KEY,
  step_id TEXT NOT NULL UNIQUE,
  plan_id TEXT NOT NULL,
  action_id TEXT NOT NULL,
  account TEXT NOT NULL,
  symbol TEXT NOT NULL,
  kind TEXT NOT NULL,
  -- Unique for ever: one key never stands for two requests.
  idempotency_key TEXT NOT NULL UNIQUE,
  request TEXT NOT NULL,
  order_id TEXT,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 1,
  begun_at TEXT NOT NULL,
  settled_at TEXT,
  broker_order_id TEXT,
  outcome TEXT
){STRICT}
""",
    f"""
CREATE TABLE outbox (
  sequence INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL UNIQUE,
  event_type TEXT NOT NULL,
  occurred_at TEXT NOT NULL,
  account TEXT,
  symbol TEXT,
  trace_id TEXT,
  correlation_id TEXT,
  payload TEXT NOT NULL DEFAULT '{{}}'
){STRICT}
""",
    f"""
CREATE TABLE alerts (
  sequence INTEGER PRIMARY KEY,
  alert_id TEXT NOT NULL UNIQUE,
  at TEXT NOT NULL,
  type TEXT NOT NULL,
  severity TEXT NOT NULL,
  message TEXT NOT NULL,
  account TEXT,
  subject TEXT
){STRICT}
""",
    f"""
CREATE TABLE meta (
  -- One row only.
  id INTEGER PRIMARY KEY CHECK (id = 1),
  lineage TEXT NOT NULL,
  serial INTEGER NOT NULL,
  schema_version INTEGER NOT NULL
){STRICT}
""",
)

# The identifier leads: it finds a row within an account and, for a person's question, without one.
INDEXES = (
    "CREATE INDEX orders_by_broker_order_id ON orders (broker_order_id, account)"
    " WHERE broker_order_id IS NOT NULL",
    "CREATE INDEX orders_by_client_order_id ON orders (client_order_id, account)"
    " WHERE client_order_id IS NOT NULL",
    "CREATE INDEX orders_by_perm_id ON orders (perm_id, account) WHERE perm_id IS NOT NULL",
    "CREATE INDEX orders_by_signal_id ON orders (signal_id) WHERE signal_id IS NOT NULL",
    f"CREATE INDEX orders_live ON orders (account) WHERE {IS_LIVE}",
    f"CREATE INDEX executions_by_time ON executions (account, {in_time('executed_at')})",
    "CREATE INDEX executions_by_broker_order_id ON executions (broker_order_id, account)",
    "CREATE INDEX executions_by_order_id ON executions (order_id) WHERE order_id IS NOT NULL",
    f"CREATE INDEX journal_open ON journal (account) WHERE {IS_OPEN_STEP}",
    "CREATE INDEX journal_by_plan_id ON journal (plan_id)",
)
