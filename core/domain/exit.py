"""Leaving a trade: the signal that it is time, and the intent that answers it with an order.

An exit signal is a fact about one trade (“its target is reached”); an exit intent is the answer to
“may it be done now, and how?”, and carries what became of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType

from core.domain.life import ExitReason
from core.domain.order import OUR_KEY_PREFIX, OrderRequest, OrderType, PositionSide, Side


class ExitCause(StrEnum):
    """What makes it time to leave."""

    TARGET_HIT = "TARGET_HIT"
    STOP_LOSS = "STOP_LOSS"
    TRAILING_STOP = "TRAILING_STOP"
    TIME_BASED = "TIME_BASED"
    MANUAL = "MANUAL"


# In what the book says of a position once it is gone.
REASON_OF: Mapping[ExitCause, ExitReason] = MappingProxyType(
    {
        ExitCause.TARGET_HIT: ExitReason.TAKE_PROFIT,
        ExitCause.STOP_LOSS: ExitReason.STOP_LOSS,
        ExitCause.TRAILING_STOP: ExitReason.TRAILING_STOP,
        ExitCause.TIME_BASED: ExitReason.TIME_BASED,
        ExitCause.MANUAL: ExitReason.MANUAL,
    }
)
# Loses more with every second that it waits.
PROTECTIVE = frozenset({ExitCause.STOP_LOSS, ExitCause.TRAILING_STOP})
# Depends on the price alone, so a price that stands still says nothing new.
BY_PRICE = frozenset({ExitCause.TARGET_HIT, ExitCause.STOP_LOSS, ExitCause.TRAILING_STOP})


class ExitSignalState(StrEnum):
    DETECTED = "DETECTED"
    PUBLISHED = "PUBLISHED"


class ExitState(StrEnum):
    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    PLACED = "PLACED"
    FILLED = "FILLED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    # DRY_RUN: everything but the venue.
    SIMULATED = "SIMULATED"


EXIT_MOVES: Mapping[ExitState, frozenset[ExitState]] = MappingProxyType(
    {
        ExitState.PENDING: frozenset({ExitState.APPROVED, ExitState.REJECTED, ExitState.CANCELLED}),
        ExitState.APPROVED: frozenset(
            {ExitState.PLACED, ExitState.FAILED, ExitState.CANCELLED, ExitState.SIMULATED}
        ),
        # Back to APPROVED: the order came to nothing and is tried once more.
        ExitState.PLACED: frozenset(
            {ExitState.FILLED, ExitState.FAILED, ExitState.CANCELLED, ExitState.APPROVED}
        ),
        # The cancel of an order can lose the race against its fill, and what was taken for lost
        # may turn out to have filled after all.
        ExitState.CANCELLED: frozenset({ExitState.FILLED}),
        ExitState.FAILED: frozenset({ExitState.FILLED}),
        ExitState.REJECTED: frozenset(),
        ExitState.FILLED: frozenset(),
        ExitState.SIMULATED: frozenset(),
    }
)
# Still wants something done; a restart takes them up again.
EXIT_OPEN = frozenset({ExitState.PENDING, ExitState.APPROVED, ExitState.PLACED})


_DOUBLED_MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One row of `exit_episodes`: the memory of a trade's exits for one cause."""

    trade_id: str
    cause: ExitCause
    # The last number given out, and when one was last granted: the cooldown runs from there.
    episode: int
    granted_at: datetime
    # Where the price stood at the last signal.
    price: Decimal | None = None
    # How many of those granted came to nothing, one after the other.
    barren: int = 0

    def cools_until(self, seconds: int) -> datetime:
        """Longer each time that it came to nothing: what fails for ever is not tried for ever at
        the same pace."""
        return self.granted_at + timedelta(seconds=seconds * 2 ** min(self.barren, _DOUBLED_MOST))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitSignal:
    """One row of `exit_signals`; unique by trade, cause and episode."""

    exit_signal_id: str
    trade_id: str
    position_id: str
    account: str
    symbol: str
    cause: ExitCause
    episode: int
    state: ExitSignalState = ExitSignalState.DETECTED
    # What leaving would fetch when it was seen; None when a person asked.
    price: Decimal | None = None
    # How much of the trade; None all that is open.
    quantity: Decimal | None = None
    because: str
    by: str
    trace_id: str | None = None
    detected_at: datetime
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitOrder(OrderRequest):
    """The one order of an exit intent."""

    exit_intent_id: str
    trade_id: str
    cause: ExitCause
    # Which try this is: an order that came to nothing is followed by another one.
    tries: int = 1
    trace_id: str | None = None

    @property
    def key(self) -> str:
        return exit_key(self.exit_intent_id, self.tries)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitIntent:
    """One row of `exit_intents`; unique by trade, account, cause and episode."""

    exit_intent_id: str
    exit_signal_id: str
    trade_id: str
    position_id: str
    account: str
    symbol: str
    position_side: PositionSide = PositionSide.BOTH
    side: Side
    cause: ExitCause
    episode: int
    state: ExitState = ExitState.PENDING
    tries: int = 1
    # Decided at approval; until then nothing is known of the order.
    quantity: Decimal | None = None
    order_type: OrderType | None = None
    price: Decimal | None = None
    # False on spot only, where there is no such thing.
    reduce_only: bool = True
    # {"reasons": [{"code": …, "message": …}]}: every reason of a rejection.
    reasons: Mapping[str, object] = field(default_factory=dict)
    # {"because": [one sentence per decision]}
    because: Mapping[str, object] = field(default_factory=dict)
    trace_id: str | None = None
    created_at: datetime
    # A try that came to nothing is followed by another one after a pause.
    not_before: datetime | None = None
    updated_at: datetime
    outcome: str | None = None

    @property
    def order(self) -> ExitOrder:
        """What it asks for, as of its present try."""
        if self.quantity is None or self.order_type is None:
            raise ValueError(f"exit intent {self.exit_intent_id} has not been approved")
        return ExitOrder(
            symbol=self.symbol,
            side=self.side,
            position_side=self.position_side,
            type=self.order_type,
            quantity=self.quantity,
            price=self.price,
            time_in_force="GTC" if self.order_type is OrderType.LIMIT else "IOC",
            reduce_only=self.reduce_only,
            exit_intent_id=self.exit_intent_id,
            trade_id=self.trade_id,
            cause=self.cause,
            tries=self.tries,
            trace_id=self.trace_id,
        )

    def key_of(self, tries: int) -> str:
        return exit_key(self.exit_intent_id, tries)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitOf:
    """Which exit an order was sent for: one row of `exit_orders`."""

    order_id: str
    exit_intent_id: str
    trade_id: str
    cause: ExitCause


def exit_of(order: ExitOrder) -> ExitOf:
    return ExitOf(
        order_id=order.key,
        exit_intent_id=order.exit_intent_id,
        trade_id=order.trade_id,
        cause=order.cause,
    )


def exit_name(letter: str, trade_id: str, cause: ExitCause, episode: int) -> str:
    """`letter` tells a signal (`x`) from an intent (`e`); the rest is what makes it unique."""
    return f"{letter}-{_digest(trade_id, cause, str(episode))[:20]}"


def exit_key(exit_intent_id: str, tries: int) -> str:
    """The client order id of an exit: whichever process sends it, the venue knows it for one."""
    return OUR_KEY_PREFIX + _digest(exit_intent_id, str(tries))[:24]


def _digest(*meaning: str) -> str:
    return sha256("|".join(meaning).encode()).hexdigest()
