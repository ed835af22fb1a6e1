"""The life of a position: from the wish for it to its end, in states that cannot be skipped."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType

from core.domain.money import ZERO
from core.domain.order import PositionSide, Side
from core.domain.position import PositionKey


class LifeState(StrEnum):
    QUEUED = "queued"
    EXECUTING = "executing"
    OPEN = "open"
    TRAILING = "trailing"
    CLOSING = "closing"
    CLOSED = "closed"
    FAILED = "failed"


LIFE_MOVES: Mapping[LifeState, frozenset[LifeState]] = MappingProxyType(
    {
        LifeState.QUEUED: frozenset({LifeState.EXECUTING, LifeState.FAILED}),
        LifeState.EXECUTING: frozenset({LifeState.OPEN, LifeState.FAILED}),
        LifeState.OPEN: frozenset({LifeState.TRAILING, LifeState.CLOSING, LifeState.CLOSED}),
        LifeState.TRAILING: frozenset({LifeState.CLOSING, LifeState.CLOSED}),
        # The exit did not happen, or only in part, and the position is still there.
        LifeState.CLOSING: frozenset({LifeState.CLOSED, LifeState.OPEN, LifeState.TRAILING}),
        LifeState.CLOSED: frozenset(),
        LifeState.FAILED: frozenset(),
    }
)
LIVING = frozenset(state for state, moves in LIFE_MOVES.items() if moves)
# Something is held.
HELD = frozenset({LifeState.OPEN, LifeState.TRAILING, LifeState.CLOSING})


class Direction(StrEnum):
    """Stored with whatever has one, and never derived from a sign again."""

    LONG = "long"
    SHORT = "short"

    @property
    def sign(self) -> int:
        return 1 if self is Direction.LONG else -1

    @property
    def entry_side(self) -> Side:
        return Side.BUY if self is Direction.LONG else Side.SELL

    @property
    def exit_side(self) -> Side:
        return self.entry_side.opposite

    @classmethod
    def of(cls, signed: Decimal) -> "Direction":
        return cls.LONG if signed > 0 else cls.SHORT


class ExitReason(StrEnum):
    """Why a position, or a part of one, is no more."""

    STOP_LOSS = "stop_loss"
    TRAILING_STOP = "trailing_stop"
    TAKE_PROFIT = "take_profit"
    TIME_BASED = "time_based"
    MANUAL = "manual"
    # A trading signal closed it, or went against it.
    SIGNAL = "signal"
    LIQUIDATION = "liquidation"
    # Closed past us: by hand, by another program, or in a way that nobody tells.
    EXTERNAL = "external"
    # Opened and closed before anybody here had heard of it.
    HISTORICAL = "historical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One row of `position_lives`."""

    position_id: str
    account: str
    symbol: str
    side: PositionSide = PositionSide.BOTH
    direction: Direction
    state: LifeState
    mode: str = "one-way"
    # Still held, and the most that ever was.
    quantity: Decimal = ZERO
    volume: Decimal = ZERO
    entry_price: Decimal | None = None
    entry_time: datetime | None = None
    leverage: Decimal | None = None
    margin_used: Decimal | None = None
    # What its signal asked for, in ROE percent; None leaves it to the configuration.
    stop_loss_pct: Decimal | None = None
    take_profit_pct: Decimal | None = None
    initial_stop_price: Decimal | None = None
    # The last stop that stood, also while none does: the next one is never looser.
    stop_price: Decimal | None = None
    stop_order_id: str | None = None
    stop_created_at: datetime | None = None
    trail_activated: bool = False
    trail_activated_at: datetime | None = None
    highest_roe_pct: Decimal | None = None
    highest_price: Decimal | None = None
    lowest_price: Decimal | None = None
    loss_warned_at: datetime | None = None
    # Since when the venue does not show it, though the book holds it.
    gone_since: datetime | None = None
    exit_price: Decimal | None = None
    exit_time: datetime | None = None
    exit_reason: ExitReason | None = None
    realized_pnl: Decimal = ZERO
    realized_pnl_pct: Decimal | None = None
    bot_id: str | None = None
    # signal, plan (a recommendation that was applied), external or adopted.
    signal_source: str
    signal_id: str | None = None
    entry_quadrant: str | None = None
    entry_bias: str | None = None
    trace_id: str | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def key(self) -> PositionKey:
        return PositionKey(self.account, self.symbol, self.side)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One row of `position_transitions`; the first of a life comes from nowhere."""

    position_id: str
    from_state: LifeState | None = None
    to_state: LifeState
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionSnapshot:
    """One row of `position_snapshots`: how a position stood at a moment."""

    position_id: str | None = None
    account: str
    symbol: str
    side: PositionSide = PositionSide.BOTH
    quantity: Decimal
    average_price: Decimal | None = None
    mark_price: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    realized_pnl: Decimal = ZERO
    state: str | None = None
    stop_price: Decimal | None = None
    at: datetime


def position_name(*meaning: str) -> str:
    """Derived from what began it, so that however often that is booked it means the same life."""
    return "pos-" + sha256("|".join(meaning).encode()).hexdigest()[:20]
