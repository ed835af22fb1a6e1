"""Executions, their corrections, and the commission reported for each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from .contracts import Contract
from .orders import Order

CENT = Decimal("0.01")
STOCK_COMMISSION_PER_SHARE = Decimal("0.005")
STOCK_COMMISSION_MIN = Decimal("1.00")
FUTURE_COMMISSION_PER_POINT_VALUE = Decimal("0.045")


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One fill; `realized` is None while it opened a position."""

    execution_id: str
    order: Order
    quantity: Decimal
    price: Decimal
    cumulative_quantity: Decimal
    average_price: Decimal
    at: datetime
    commission: Decimal
    realized: Decimal | None

    @property
    def side(self) -> str:
        return "BOT" if self.order.is_buy else "SLD"

    @property
    def stem(self) -> str:
        """The part of the id that a correction keeps: all before the last dot."""
        return self.execution_id.rpartition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFilter:
    """Which executions a client asks for; an empty part, and client 0, mean "any"."""

    client_id: int = 0
    account: str = ""
    since: datetime | None = None
    symbol: str = ""
    sec_type: str = ""
    exchange: str = ""
    side: str = ""

    def passes(self, execution: Execution) -> bool:
        order = execution.order
        asked = (
            (self.account, order.account),
            (self.symbol, order.contract.symbol),
            (self.sec_type, order.contract.sec_type),
            (self.exchange, order.contract.execution_exchange),
            (self.side, order.ticket.action),
        )
        return (
            all(wanted in ("", actual) for wanted, actual in asked)
            and self.client_id in (0, order.client_id)
            and (self.since is None or execution.at >= self.since)
        )


class ExecutionIds:
    """Execution ids in the broker's shape: three dotted parts and the revision after the last."""

    def __init__(self) -> None:
        self._issued = 0

    def next(self) -> str:
        self._issued += 1
        return f"0000e215.{0x656D0000 + self._issued:08x}.01.01"

    @staticmethod
    def correction_of(execution_id: str) -> str:
        stem, _, revision = execution_id.rpartition(".")
        return f"{stem}.{int(revision) + 1:02d}"


def commission_for(contract: Contract, quantity: Decimal) -> Decimal:
    """What the broker takes for a fill of this quantity."""
    if contract.is_future:
        rate = contract.money_per_point * FUTURE_COMMISSION_PER_POINT_VALUE
        return (rate * quantity).quantize(CENT)
    return max(STOCK_COMMISSION_MIN, quantity * STOCK_COMMISSION_PER_SHARE).quantize(CENT)


def corrected(execution: Execution, quantity: Decimal | None, price: Decimal | None) -> Execution:
    """The same execution under its next revision, with the quantity or price put right."""
    return replace(
        execution,
        execution_id=ExecutionIds.correction_of(execution.execution_id),
        quantity=execution.quantity if quantity is None else quantity,
        price=execution.price if price is None else price,
    )
