"""Both sides of one account at one instant: all that a decision may look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from core.domain.ambiguity import MatchDecision
from core.domain.execution import BookExecution
from core.domain.exit import ExitIntent
from core.domain.intent import TradeIntent
from core.domain.life import Life
from core.domain.money import ZERO
from core.domain.order import BookOrder
from core.domain.position import Adjustment, BookPosition, PositionKey
from core.domain.snapshot import BrokerSnapshot, Lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedPosition:
    """A position as the book's own executions and adjustments add up."""

    key: PositionKey
    quantity: Decimal
    average_price: Decimal | None
    realized_pnl: Decimal
    # Paid for opening what is still open; None when one of the fees is not known.
    fees: Decimal | None = ZERO
    # What each adjustment still stands for, by its id, after later rows replaced their share.
    adjustments_left: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStep:
    """A journaled broker call whose outcome nobody knows yet."""

    step_id: str
    plan_id: str
    action_id: str
    account: str
    symbol: str
    kind: str
    idempotency_key: str
    order_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookView:
    """The rows of one account's book that a decision could need.

    `orders`: every live row, and every row whose identifiers or order id a broker row touches.
    `executions`: those that a listed broker execution names or corrects, by key.
    `computed`: of the positions that were added up in full.
    `executed`: summed quantity of moving executions per broker order id, over the whole book.
    """

    account: str
    lineage: str
    serial: int
    orders: tuple[BookOrder, ...] = ()
    executions: Mapping[str, BookExecution] = field(default_factory=dict)
    executed: Mapping[str, Decimal] = field(default_factory=dict)
    positions: tuple[BookPosition, ...] = ()
    computed: Mapping[PositionKey, ComputedPosition] = field(default_factory=dict)
    adjustments: tuple[Adjustment, ...] = ()
    decisions: tuple[MatchDecision, ...] = ()
    open_steps: tuple[OpenStep, ...] = ()
    # Opened by nobody of us, as far as the look was told to find out.
    foreign: frozenset[PositionKey] = frozenset()
    # Those that go on.
    lives: tuple[Life, ...] = ()
    # Exits that wait to be sent, as far as the look was told to think of them.
    exits: tuple[ExitIntent, ...] = ()
    # Approved, in the order of their signals, as far as the look was told to think of them.
    intents: tuple[TradeIntent, ...] = ()

    def executed_quantity(self, broker_order_id: str | None) -> Decimal:
        return self.executed.get(broker_order_id or "", ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """`broker` carries the rows that need thought; `unchanged` counts those already found equal."""

    account: str
    broker: BrokerSnapshot
    book: BookView
    # What the broker answered, by our order id, for live book orders missing from its listing.
    lookups: Mapping[str, Lookup] = field(default_factory=dict)
    unchanged: int = 0
