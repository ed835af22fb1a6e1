"""Positions, and the adjustments that stand for what no execution row explains."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.domain.money import ZERO
from core.domain.order import PositionSide, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerPosition:
    """Signed in one-way mode (`both`), positive per leg in hedge mode."""

    symbol: str
    side: PositionSide = PositionSide.BOTH
    quantity: Decimal
    average_price: Decimal | None = None
    mark_price: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    leverage: Decimal | None = None
    # Whether the venue counts the fees of opening into the average, as IB does.
    fees_in_average: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BookPosition:
    """One row of `positions`: the stored position, the one that decides."""

    account: str
    symbol: str
    side: PositionSide = PositionSide.BOTH
    quantity: Decimal
    average_price: Decimal | None = None
    mark_price: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    realized_pnl: Decimal = ZERO
    mode: str | None = None
    state: str | None = None
    dust: bool = False
    updated_at: datetime | None = None
    last_snapshot_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A quantity adopted without rows: who took it over, when, how much and why.

    Executions that arrive later but happened before `as_of` replace it; they do not add to it.
    """

    id: str
    account: str
    symbol: str
    side: PositionSide
    quantity: Decimal
    average_price: Decimal | None
    as_of: datetime
    recorded_serial: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True, order=True)
class PositionKey:
    account: str
    symbol: str
    side: PositionSide = PositionSide.BOTH

    @property
    def target(self) -> str:
        """How a plan names it: the symbol alone in one-way mode."""
        return self.symbol if self.side is PositionSide.BOTH else f"{self.symbol}/{self.side}"


def signed(quantity: Decimal, side: PositionSide) -> Decimal:
    """Hedge legs are told as positive figures; arithmetic wants shorts below zero."""
    return -quantity if side is PositionSide.SHORT else quantity


def exit_side(quantity: Decimal, side: PositionSide) -> Side:
    """The side of an order that reduces this position."""
    return Side.SELL if signed(quantity, side) > 0 else Side.BUY
