"""What version 3 adds to the book: the lives of positions, trades, and the way out of them.

What must hold whoever writes is held by the database itself: one living position for each account,
symbol and direction; states in sequence; what is over stays as it was; one exit at a time; numbers
of episodes that are given out once.
"""

from collections.abc import Collection, Mapping
from typing import Any

from core.book.schema import STRICT, in_time
from core.domain.exit import EXIT_MOVES
from core.domain.life import LIFE_MOVES, LIVING

# Word for word in the index and in the queries, or SQLite does not use the one for the other.
IS_LIVING = f"state IN ({', '.join(sorted(repr(state.value) for state in LIVING))})"
IS_OPEN_TRADE = "status = 'OPEN'"
IS_OPEN_EXIT = "state IN ('APPROVED', 'PENDING', 'PLACED')"
# Two that are only wished for may be decided about; only one may be under way.
IS_EXIT_UNDER_WAY = "state IN ('APPROVED', 'PLACED')"

TABLES = (
    f"""
CREATE TABLE position_lives (
  sequence INTEGER PRIMARY KEY,
  position_id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  symbol TEXT NOT NULL,
  side TEXT NOT NULL DEFAULT 'both',
  direction TEXT NOT NULL CHECK (direction IN ('long', 'short')),
  state TEXT NOT NULL,
  mode TEXT NOT NULL DEFAULT 'one-way',
  quantity TEXT NOT NULL DEFAULT '0',
  volume TEXT NOT NULL DEFAULT '0',
  entry_price TEXT,
  entry_time TEXT,
  leverage TEXT,
  margin_used TEXT,
  stop_loss_pct TEXT,
  take_profit_pct TEXT,
  initial_stop_price TEXT,
  stop_price TEXT,
  stop_order_id TEXT,
  stop_created_at TEXT,
  trail_activated INTEGER NOT NULL DEFAULT 0,
  trail_activated_at TEXT,
  highest_roe_pct TEXT,
  highest_price TEXT,
  lowest_price TEXT,
  loss_warned_at TEXT,
  gone_since TEXT,
  exit_price TEXT,
  exit_time TEXT,
  exit_reason TEXT,
  realized_pnl TEXT NOT NULL DEFAULT '0',
  realized_pnl_pct TEXT,
  bot_id TEXT,
  signal_source TEXT NOT NULL,
  signal_id TEXT,
  entry_quadrant TEXT,
  entry_bias TEXT,
  trace_id TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
){STRICT}
""",
    f"""
CREATE TABLE position_transitions (
  id INTEGER PRIMARY KEY,
  position_id TEXT NOT NULL,
  from_state TEXT,
  to_state TEXT NOT NULL,
  reason TEXT NOT NULL,
  at TEXT NOT NULL
){STRICT}
""",
    f"""
CREATE TABLE trades (
  sequence INTEGER PRIMARY KEY,
  trade_id TEXT NOT NULL UNIQUE,
  position_id TEXT NOT NULL,
  account TEXT NOT NULL,
  symbol TEXT NOT NULL,
  side TEXT NOT NULL DEFAULT 'both',
  direction TEXT NOT NULL CHECK (direction IN ('long', 'short')),
  kind TEXT NOT NULL CHECK (kind IN ('NEWBUY', 'REBUY')),
  status TEXT NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'CLOSED')),
  order_id TEXT,
  signal_id TEXT,
  strategy_id TEXT,
  trace_id TEXT,
  quantity TEXT NOT NULL,
  open_quantity TEXT NOT NULL,
  entry_price TEXT,
  entry_time TEXT NOT NULL,
  exit_price TEXT,
  exit_time TEXT,
  exit_reason TEXT,
  target TEXT,
  floor TEXT,
  ceiling TEXT,
  take_profit_pct TEXT,
  fees TEXT NOT NULL DEFAULT '0',
  realized_pnl TEXT NOT NULL DEFAULT '0',
  realized_pnl_pct TEXT,
  updated_at TEXT NOT NULL
){STRICT}
""",
    f"""
CREATE TABLE exit_episodes (
  trade_id TEXT NOT NULL,
  cause TEXT NOT NULL,
  episode INTEGER NOT NULL,
  granted_at TEXT NOT NULL,
  price TEXT,
  barren INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (trade_id, cause)
){STRICT}
""",
    f"""
CREATE TABLE exit_signals (
  sequence INTEGER PRIMARY KEY,
  exit_signal_id TEXT NOT NULL UNIQUE,
  trade_id TEXT NOT NULL,
  position_id TEXT NOT NULL,
  account TEXT NOT NULL,
  symbol TEXT NOT NULL,
  cause TEXT NOT NULL,
  episode INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'DETECTED',
  price TEXT,
  quantity TEXT,
  because TEXT NOT NULL,
  "by" TEXT NOT NULL,
  trace_id TEXT,
  detected_at TEXT NOT NULL,
  published_at TEXT,
  UNIQUE (trade_id, cause, episode)
){STRICT}
""",
    f"""
CREATE TABLE exit_intents (
  sequence INTEGER PRIMARY KEY,
  exit_intent_id TEXT NOT NULL UNIQUE,
  exit_signal_id TEXT NOT NULL,
  trade_id TEXT NOT NULL,
  position_id TEXT NOT NULL,
  account TEXT NOT NULL,
  symbol TEXT NOT NULL,
  position_side TEXT NOT NULL DEFAULT 'both',
  side TEXT NOT NULL,
  cause TEXT NOT NULL,
  episode INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'PENDING',
  tries INTEGER NOT NULL DEFAULT 1,
  quantity TEXT,
  order_type TEXT,
  price TEXT,
  reduce_only INTEGER NOT NULL DEFAULT 1,
  reasons TEXT NOT NULL DEFAULT '{{}}',
  because TEXT NOT NULL DEFAULT '{{}}',
  trace_id TEXT,
  created_at TEXT NOT NULL,
  not_before TEXT,
  updated_at TEXT NOT NULL,
  outcome TEXT,
  UNIQUE (trade_id, account, cause, episode)
){STRICT}
""",
    f"""
CREATE TABLE exit_orders (
  order_id TEXT NOT NULL PRIMARY KEY,
  exit_intent_id TEXT NOT NULL,
  trade_id TEXT NOT NULL,
  cause TEXT NOT NULL
){STRICT}
""",
    f"""
CREATE TABLE position_snapshots (
  id INTEGER PRIMARY KEY,
  position_id TEXT,
  account TEXT NOT NULL,
  symbol TEXT NOT NULL,
  side TEXT NOT NULL DEFAULT 'both',
  quantity TEXT NOT NULL,
  average_price TEXT,
  mark_price TEXT,
  unrealized_pnl TEXT,
  realized_pnl TEXT NOT NULL DEFAULT '0',
  state TEXT,
  stop_price TEXT,
  at TEXT NOT NULL
){STRICT}
""",
    f"""
CREATE TABLE relay_cursors (
  sink TEXT NOT NULL PRIMARY KEY,
  sequence INTEGER NOT NULL,
  at TEXT NOT NULL
){STRICT}
""",
)

INDEXES = (
    "CREATE UNIQUE INDEX position_lives_living ON position_lives (account, symbol, direction)"
    f" WHERE {IS_LIVING}",
    # A stop guards one position.
    "CREATE UNIQUE INDEX position_lives_by_stop ON position_lives (stop_order_id)"
    f" WHERE stop_order_id IS NOT NULL AND {IS_LIVING}",
    "CREATE INDEX position_lives_by_signal_id ON position_lives (signal_id)"
    " WHERE signal_id IS NOT NULL",
    # Of the symbol alone: with the account, SQLite takes it for the index of what lives.
    "CREATE INDEX position_lives_by_symbol ON position_lives (symbol)",
    "CREATE INDEX position_transitions_by_position_id ON position_transitions (position_id)",
    f"CREATE INDEX trades_open ON trades (account, symbol) WHERE {IS_OPEN_TRADE}",
    "CREATE INDEX trades_by_position_id ON trades (position_id)",
    "CREATE INDEX trades_by_order_id ON trades (order_id) WHERE order_id IS NOT NULL",
    f"CREATE INDEX exit_intents_open ON exit_intents (account, symbol) WHERE {IS_OPEN_EXIT}",
    "CREATE INDEX exit_intents_by_symbol ON exit_intents (symbol)",
    # What a lane has sent lately, however long it has been trading.
    "CREATE INDEX trade_intents_by_symbol ON trade_intents (symbol)",
    "CREATE INDEX journal_by_order_id ON journal (order_id) WHERE order_id IS NOT NULL",
    "CREATE UNIQUE INDEX exit_intents_under_way ON exit_intents (trade_id)"
    f" WHERE {IS_EXIT_UNDER_WAY}",
    "CREATE INDEX position_snapshots_by_position_id ON position_snapshots (position_id)",
    f"CREATE INDEX position_snapshots_by_time ON position_snapshots ({in_time('at')})",
)


def _pairs(moves: Mapping[Any, Collection[Any]]) -> str:
    """A table of moves as SQL sees it: 'open>closed', …"""
    told = (f"'{one}>{to}'" for one, reachable in moves.items() for to in reachable)
    return ", ".join(sorted(told))


# SQLite deletes what INSERT OR REPLACE takes the place of without asking the triggers on DELETE:
# what is guarded from being deleted is guarded from being replaced, too.
TRIGGERS = (
    f"""
CREATE TRIGGER position_lives_in_sequence BEFORE UPDATE OF state ON position_lives
WHEN OLD.state <> NEW.state AND OLD.state || '>' || NEW.state NOT IN ({_pairs(LIFE_MOVES)})
BEGIN SELECT raise(ABORT, 'a position cannot skip a state'); END
""",
    """
CREATE TRIGGER position_lives_over BEFORE UPDATE ON position_lives
WHEN OLD.state IN ('closed', 'failed')
BEGIN SELECT raise(ABORT, 'a position that is over stays as it was'); END
""",
    """
CREATE TRIGGER position_lives_kept BEFORE DELETE ON position_lives
BEGIN SELECT raise(ABORT, 'the life of a position is never deleted'); END
""",
    f"""
CREATE TRIGGER position_lives_not_replaced BEFORE INSERT ON position_lives
WHEN EXISTS (SELECT 1 FROM position_lives
  WHERE position_id = NEW.position_id OR sequence = NEW.sequence)
OR (NEW.{IS_LIVING} AND EXISTS (SELECT 1 FROM position_lives WHERE account = NEW.account
  AND symbol = NEW.symbol AND direction = NEW.direction AND {IS_LIVING}))
BEGIN SELECT raise(ABORT, 'there is such a position already, and it stays'); END
""",
    """
CREATE TRIGGER position_transitions_kept BEFORE DELETE ON position_transitions
BEGIN SELECT raise(ABORT, 'what became of a position is never deleted'); END
""",
    """
CREATE TRIGGER position_transitions_fixed BEFORE UPDATE ON position_transitions
BEGIN SELECT raise(ABORT, 'what became of a position is never rewritten'); END
""",
    """
CREATE TRIGGER position_transitions_not_replaced BEFORE INSERT ON position_transitions
WHEN EXISTS (SELECT 1 FROM position_transitions WHERE id = NEW.id)
BEGIN SELECT raise(ABORT, 'what became of a position is never rewritten'); END
""",
    """
CREATE TRIGGER trades_stay_closed BEFORE UPDATE ON trades
WHEN OLD.status = 'CLOSED' AND NEW.status <> 'CLOSED'
BEGIN SELECT raise(ABORT, 'a closed trade is never opened again'); END
""",
    """
CREATE TRIGGER trades_not_replaced BEFORE INSERT ON trades
WHEN NEW.status <> 'CLOSED' AND EXISTS (SELECT 1 FROM trades
  WHERE (trade_id = NEW.trade_id OR sequence = NEW.sequence) AND status = 'CLOSED')
BEGIN SELECT raise(ABORT, 'a closed trade is never opened again'); END
""",
    f"""
CREATE TRIGGER exit_intents_in_sequence BEFORE UPDATE OF state ON exit_intents
WHEN OLD.state <> NEW.state AND OLD.state || '>' || NEW.state NOT IN ({_pairs(EXIT_MOVES)})
BEGIN SELECT raise(ABORT, 'an exit intent cannot skip a state'); END
""",
    # Quietly, because asking for the same episode twice is no mistake.
    """
CREATE TRIGGER exit_intents_not_replaced BEFORE INSERT ON exit_intents
WHEN EXISTS (SELECT 1 FROM exit_intents
  WHERE exit_intent_id = NEW.exit_intent_id OR sequence = NEW.sequence
  OR (trade_id = NEW.trade_id AND account = NEW.account AND cause = NEW.cause
    AND episode = NEW.episode))
BEGIN SELECT raise(IGNORE); END
""",
)
