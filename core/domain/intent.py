"""A trade intent: the qualified answer to one signal for one account, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType

from core.domain.order import OUR_KEY_PREFIX, OrderRequest, Side
from core.domain.text import from_row, to_row


class IntentState(StrEnum):
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    PLACED = "PLACED"
    FILLED = "FILLED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    # A dry run or a warm-up signal: everything but the venue.
    SIMULATED = "SIMULATED"


INTENT_MOVES: Mapping[IntentState, frozenset[IntentState]] = MappingProxyType(
    {
        IntentState.APPROVED: frozenset(
            {
                IntentState.PLACED,
                IntentState.FAILED,
                IntentState.CANCELLED,
                IntentState.SIMULATED,
            }
        ),
        IntentState.PLACED: frozenset(
            {IntentState.FILLED, IntentState.FAILED, IntentState.CANCELLED}
        ),
        # The cancel of an order can lose the race against its fill.
        IntentState.CANCELLED: frozenset({IntentState.FILLED}),
        # An order that was taken for lost may turn out to have filled after all.
        IntentState.FAILED: frozenset({IntentState.FILLED}),
        IntentState.REJECTED: frozenset(),
        IntentState.FILLED: frozenset(),
        IntentState.SIMULATED: frozenset(),
    }
)

# An intent that still wants something done.
WAITING = frozenset({IntentState.APPROVED})
OPEN = frozenset({IntentState.APPROVED, IntentState.PLACED})


class Purpose(StrEnum):
    """What an order of an intent does to the position."""

    OPEN = "open"
    ADD = "add"
    REDUCE = "reduce"
    CLOSE = "close"


ENTERING = frozenset({Purpose.OPEN, Purpose.ADD})


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentOrder(OrderRequest):
    """One order that an intent asks for, with where it comes from."""

    intent_id: str
    signal_id: str
    # Counts from 1 within the intent, and how many orders that has.
    sequence: int
    of: int = 1
    purpose: Purpose
    # Its share of the signal's amount, in quote currency.
    amount: Decimal
    # Waits for the one before it to be filled, as the opening half of a reversal does.
    after_previous: bool = False
    # Which try this is; a try that never reached the venue is followed by another one.
    tries: int = 1
    trace_id: str | None = None

    @property
    def key(self) -> str:
        return order_key(self.intent_id, self.sequence, self.tries)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeIntent:
    """One row of `trade_intents`. What it asks for is decided once and never looked up again."""

    intent_id: str
    signal_id: str
    account: str
    symbol: str
    side: Side
    state: IntentState
    # Which intake of the signal it answers, and which try of its orders is the next.
    attempt: int = 1
    tries: int = 1
    # {"reasons": [{"code": …, "message": …}]}: every reason of a rejection.
    reasons: Mapping[str, object] = field(default_factory=dict)
    # {"because": [one sentence per decision], "warnings": [...]}
    because: Mapping[str, object] = field(default_factory=dict)
    # {"orders": [the fields of IntentOrder]}
    orders: Mapping[str, object] = field(default_factory=dict)
    trace_id: str | None = None
    created_at: datetime
    # When it is too old to be executed; None never.
    expires_at: datetime | None = None
    # Not before this moment: a try that never reached the venue is repeated after a pause.
    not_before: datetime | None = None
    updated_at: datetime
    outcome: str | None = None


def orders_of(intent: TradeIntent) -> tuple[IntentOrder, ...]:
    """What the intent asks for, as of its present try."""
    rows = intent.orders.get("orders", ())
    if not isinstance(rows, list | tuple):
        raise ValueError(f"intent {intent.intent_id}: orders is not a list")
    return tuple(replace(from_row(IntentOrder, row), tries=intent.tries) for row in rows)


def orders_document(orders: Sequence[IntentOrder]) -> Mapping[str, object]:
    return {"orders": [to_row(order) for order in orders]} if orders else {}


class Relationship(StrEnum):
    ONE_TO_ONE = "one_to_one"
    ONE_TO_MANY = "one_to_many"
    MANY_TO_ONE = "many_to_one"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalOrder:
    """Which order came of which signal: one row of `signal_order_relationships`."""

    signal_id: str
    order_id: str
    relationship_type: Relationship
    execution_sequence: int
    allocation_amount: Decimal
    allocation_quantity: Decimal


def signal_order(order: IntentOrder) -> SignalOrder:
    """How an order of an intent stands to its signal."""
    return SignalOrder(
        signal_id=order.signal_id,
        order_id=order.key,
        relationship_type=Relationship.ONE_TO_ONE if order.of == 1 else Relationship.ONE_TO_MANY,
        execution_sequence=order.sequence,
        allocation_amount=order.amount,
        allocation_quantity=order.quantity,
    )


# A halt by hand that holds up exits, too.
FROZEN = "frozen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """Entries are stopped for an account until a person lifts it; survives every restart."""

    halt_id: str
    account: str
    # daily_loss, liquidation, frozen
    kind: str
    reason: str
    since: datetime
    lifted_at: datetime | None = None
    lifted_by: str | None = None
    lifted_because: str | None = None


def intent_name(signal_id: str, account: str, attempt: int) -> str:
    """Derived, so that however often a signal arrives it means the same intent."""
    return "i-" + _digest(signal_id, account, str(attempt))[:20]


def order_key(intent_id: str, sequence: int, tries: int) -> str:
    """The client order id of an intent's order: 27 characters, fit for any venue.

    It does not depend on the book: a book restored from before the signal gives the same key, and
    the venue then knows the order.
    """
    return OUR_KEY_PREFIX + _digest(intent_id, str(sequence), str(tries))[:24]


def _digest(*meaning: str) -> str:
    return sha256("|".join(meaning).encode()).hexdigest()
