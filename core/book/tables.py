"""Which noun each table holds."""

from core.book.rows import Table
from core.domain.ambiguity import MatchDecision
from core.domain.execution import BookExecution
from core.domain.exit import Episode, ExitIntent, ExitOf, ExitSignal
from core.domain.intent import Halt, SignalOrder, TradeIntent
from core.domain.life import Life, PositionSnapshot, Transition
from core.domain.observation import OpenStep
from core.domain.order import BookOrder
from core.domain.position import Adjustment, BookPosition
from core.domain.record import (
    Alert,
    Audit,
    Event,
    OrderEvent,
    PlanRecord,
    Posted,
    RelayCursor,
    Step,
)
from core.domain.signal import Cursor, DeadLetter, Delivery, SignalRecord
from core.domain.trade import Trade

ORDERS = Table("orders", BookOrder, ("order_id",))
ORDER_EVENTS = Table("order_events", OrderEvent, ("order_id", "event_type", "occurred_at"))
EXECUTIONS = Table("executions", BookExecution, ("execution_key",))
POSITIONS = Table("positions", BookPosition, ("account", "symbol", "side"))
ADJUSTMENTS = Table("adjustments", Adjustment, ("id",))
DECISIONS = Table("match_decisions", MatchDecision, ("account", "broker_order_id"))
AUDIT = Table("order_audit", Audit, ("correlation_id", "timestamp"))
PLANS = Table("plans", PlanRecord, ("plan_id",))
JOURNAL = Table("journal", Step, ("step_id",))
OPEN_STEPS = Table("journal", OpenStep, ("step_id",))
OUTBOX = Table("outbox", Event, ("event_id",))
POSTED = Table("outbox", Posted, ("event_id",))
RELAY_CURSORS = Table("relay_cursors", RelayCursor, ("sink",))
ALERTS = Table("alerts", Alert, ("alert_id",))
SIGNALS = Table("signals", SignalRecord, ("signal_id",))
DELIVERIES = Table("signal_deliveries", Delivery, ("signal_id", "account"))
INTENTS = Table("trade_intents", TradeIntent, ("intent_id",))
SIGNAL_ORDERS = Table("signal_order_relationships", SignalOrder, ("signal_id", "order_id"))
CURSORS = Table("intake_cursors", Cursor, ("source",))
DEAD_LETTERS = Table("dead_letters", DeadLetter, ("letter_id",))
HALTS = Table("halts", Halt, ("halt_id",))
LIVES = Table("position_lives", Life, ("position_id",))
TRANSITIONS = Table("position_transitions", Transition, ("position_id", "at"))
TRADES = Table("trades", Trade, ("trade_id",))
EPISODES = Table("exit_episodes", Episode, ("trade_id", "cause"))
EXIT_SIGNALS = Table("exit_signals", ExitSignal, ("exit_signal_id",))
EXIT_INTENTS = Table("exit_intents", ExitIntent, ("exit_intent_id",))
EXIT_ORDERS = Table("exit_orders", ExitOf, ("order_id",))
POSITION_SNAPSHOTS = Table("position_snapshots", PositionSnapshot, ("account", "symbol", "at"))
