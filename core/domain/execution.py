"""Executions: what was really bought and sold. Nothing in here is ever invented."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.domain.order import PositionSide, Side


class ExecutionKind(StrEnum):
    TRADE = "trade"
    LIQUIDATION = "liquidation"
    ADL = "adl"
    SETTLEMENT = "settlement"
    FUNDING = "funding"


# Funding pays or costs money without moving a position; it is never a fill.
MOVING = frozenset(ExecutionKind) - {ExecutionKind.FUNDING}


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerExecution:
    """One execution in the broker's words; a fee of None is not known yet."""

    execution_id: str
    broker_order_id: str | None = None
    client_order_id: str | None = None
    perm_id: str | None = None
    symbol: str
    side: Side
    position_side: PositionSide = PositionSide.BOTH
    quantity: Decimal
    price: Decimal
    fee: Decimal | None = None
    fee_currency: str | None = None
    kind: ExecutionKind = ExecutionKind.TRADE
    executed_at: datetime
    # Set when the broker itself says that this row replaces an earlier one.
    corrects: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookExecution:
    """One row of `executions`."""

    execution_key: str
    execution_id: str
    account: str
    order_id: str | None = None
    broker_order_id: str | None = None
    symbol: str
    side: Side
    position_side: PositionSide = PositionSide.BOTH
    quantity: Decimal
    price: Decimal
    fee: Decimal | None = None
    fee_currency: str | None = None
    kind: ExecutionKind = ExecutionKind.TRADE
    realized_pnl: Decimal | None = None
    executed_at: datetime
    # The book's serial when the row arrived; tells a late row from one known at an adoption.
    recorded_serial: int = 0


def execution_key(account: str, symbol: str, broker_order_id: str | None, execution_id: str) -> str:
    """The durable name of an execution; bare execution ids repeat across symbols on some venues."""
    return "|".join((account, symbol, broker_order_id or "-", execution_id))
