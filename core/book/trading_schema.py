"""What version 2 adds to the book: signals, their way to orders, and what stops them.

`sequence` is the order of arrival: clocks jump, and a lane serves first what came first.
"""

from core.book.schema import STRICT

# Word for word in the index and in the queries, or SQLite does not use the one for the other.
IS_PENDING_DELIVERY = "state = 'PENDING'"
IS_OPEN_INTENT = "state IN ('APPROVED', 'PLACED')"

TABLES = (
    f"""
CREATE TABLE signals (
  sequence INTEGER PRIMARY KEY,
  signal_id TEXT NOT NULL UNIQUE,
  signal_type TEXT NOT NULL,
  symbol TEXT NOT NULL,
  amount TEXT NOT NULL,
  confidence TEXT NOT NULL,
  timestamp TEXT NOT NULL,
  strategy_id TEXT NOT NULL,
  model_version TEXT,
  is_warmup INTEGER DEFAULT 0,
  market_data_snapshot TEXT NOT NULL DEFAULT '{{}}',
  metadata TEXT NOT NULL DEFAULT '{{}}',
  trace_id TEXT,
  account TEXT,
  direction TEXT,
  confluence_type TEXT,
  signal_day TEXT,
  effective_floor TEXT,
  effective_ceiling TEXT,
  order_type TEXT,
  urgency INTEGER DEFAULT 0,
  leverage TEXT,
  stop_loss_pct TEXT,
  take_profit_pct TEXT,
  expires_at TEXT,
  aim TEXT DEFAULT 'open',
  source TEXT NOT NULL,
  received_at TEXT NOT NULL,
  state TEXT DEFAULT 'DETECTED',
  request_status TEXT DEFAULT 'pending',
  attempt INTEGER DEFAULT 1,
  reason TEXT,
  finished_at TEXT
){STRICT}
""",
    f"""
CREATE TABLE signal_deliveries (
  sequence INTEGER PRIMARY KEY,
  delivery_id TEXT NOT NULL UNIQUE,
  signal_id TEXT NOT NULL,
  account TEXT NOT NULL,
  symbol TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'PENDING',
  attempt INTEGER NOT NULL DEFAULT 1,
  created_at TEXT NOT NULL,
  qualified_at TEXT,
  UNIQUE (signal_id, account)
){STRICT}
""",
    f"""
CREATE TABLE trade_intents (
  sequence INTEGER PRIMARY KEY,
  intent_id TEXT NOT NULL UNIQUE,
  signal_id TEXT NOT NULL,
  account TEXT NOT NULL,
  symbol TEXT NOT NULL,
  side TEXT NOT NULL,
  state TEXT NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 1,
  tries INTEGER NOT NULL DEFAULT 1,
  reasons TEXT NOT NULL DEFAULT '{{}}',
  because TEXT NOT NULL DEFAULT '{{}}',
  orders TEXT NOT NULL DEFAULT '{{}}',
  trace_id TEXT,
  created_at TEXT NOT NULL,
  expires_at TEXT,
  not_before TEXT,
  updated_at TEXT NOT NULL,
  outcome TEXT,
  -- However often a signal is answered: once for each time it was taken in.
  UNIQUE (signal_id, account, attempt)
){STRICT}
""",
    f"""
CREATE TABLE signal_order_relationships (
  signal_id TEXT NOT NULL,
  order_id TEXT NOT NULL,
  relationship_type TEXT NOT NULL,
  execution_sequence INTEGER NOT NULL,
  allocation_amount TEXT NOT NULL,
  allocation_quantity TEXT NOT NULL,
  PRIMARY KEY (signal_id, order_id)
){STRICT}
""",
    f"""
CREATE TABLE intake_cursors (
  source TEXT NOT NULL PRIMARY KEY,
  file_id TEXT NOT NULL,
  head_bytes INTEGER NOT NULL,
  head_digest TEXT NOT NULL,
  "offset" INTEGER NOT NULL,
  line INTEGER NOT NULL,
  at TEXT NOT NULL
){STRICT}
""",
    f"""
CREATE TABLE dead_letters (
  sequence INTEGER PRIMARY KEY,
  letter_id TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL,
  place TEXT NOT NULL,
  reason TEXT NOT NULL,
  body TEXT NOT NULL,
  at TEXT NOT NULL,
  replayed_at TEXT
){STRICT}
""",
    f"""
CREATE TABLE halts (
  sequence INTEGER PRIMARY KEY,
  halt_id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  since TEXT NOT NULL,
  lifted_at TEXT,
  lifted_by TEXT,
  lifted_because TEXT
){STRICT}
""",
)

INDEXES = (
    # Two signals that mean the same confluence are one, whatever their ids.
    "CREATE UNIQUE INDEX signals_by_confluence ON signals"
    " (symbol, direction, confluence_type, signal_day, effective_floor, effective_ceiling)"
    " WHERE confluence_type IS NOT NULL",
    "CREATE INDEX signals_by_trace_id ON signals (trace_id) WHERE trace_id IS NOT NULL",
    f"CREATE INDEX signal_deliveries_pending ON signal_deliveries (account, symbol)"
    f" WHERE {IS_PENDING_DELIVERY}",
    f"CREATE INDEX trade_intents_open ON trade_intents (account, symbol) WHERE {IS_OPEN_INTENT}",
    "CREATE INDEX signal_order_relationships_by_order_id ON signal_order_relationships (order_id)",
    "CREATE INDEX dead_letters_waiting ON dead_letters (sequence) WHERE replayed_at IS NULL",
    "CREATE INDEX halts_standing ON halts (account) WHERE lifted_at IS NULL",
)
