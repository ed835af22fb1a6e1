"""A trade: what one entry order bought or sold, and what became of it until all of it was gone."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

from core.domain.life import Direction, ExitReason
from core.domain.money import ZERO
from core.domain.order import PositionSide


class TradeKind(StrEnum):
    """The first order of a position, and every later one that adds to it."""

    NEWBUY = "NEWBUY"
    REBUY = "REBUY"


class TradeStatus(StrEnum):
    OPEN = "OPEN"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One row of `trades`. An exit price of None on a closed trade means that nobody knows it."""

    trade_id: str
    position_id: str
    account: str
    symbol: str
    side: PositionSide = PositionSide.BOTH
    direction: Direction
    kind: TradeKind
    status: TradeStatus = TradeStatus.OPEN
    # The entry order, where the book knows it.
    order_id: str | None = None
    signal_id: str | None = None
    strategy_id: str | None = None
    trace_id: str | None = None
    # All that was entered, and what of it is still open.
    quantity: Decimal
    open_quantity: Decimal
    entry_price: Decimal | None = None
    entry_time: datetime
    exit_price: Decimal | None = None
    exit_time: datetime | None = None
    exit_reason: ExitReason | None = None
    # Prices at which the trade is to be left; floor guards a long, ceiling a short.
    target: Decimal | None = None
    floor: Decimal | None = None
    ceiling: Decimal | None = None
    take_profit_pct: Decimal | None = None
    fees: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    realized_pnl_pct: Decimal | None = None
    updated_at: datetime


def trade_name(*meaning: str) -> str:
    return "t-" + sha256("|".join(meaning).encode()).hexdigest()[:20]
