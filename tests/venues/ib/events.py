"""What happens at the broker, told to whoever listens; the gateway turns it into messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from .contracts import Contract
from .executions import Execution
from .orders import Order


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """A live order has a new status or new terms, with no fill."""

    order: Order


@dataclass(frozen=True, slots=True)
class OrderFilled:
    """An order has an execution, partly or in full."""

    order: Order
    execution: Execution


@dataclass(frozen=True, slots=True)
class ExecutionCorrected:
    """An execution was put right; the new one has the id's next revision."""

    order: Order
    execution: Execution


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """A live order ended before it was filled, and not at its owner's request."""

    order: Order


@dataclass(frozen=True, slots=True)
class PositionChanged:
    """The account holds more or less of this contract."""

    account: str
    contract: Contract


@dataclass(frozen=True, slots=True)
class QuoteChanged:
    """The contract trades at another price."""

    contract: Contract


VenueEvent: TypeAlias = (
    OrderChanged
    | OrderFilled
    | ExecutionCorrected
    | OrderCancelled
    | PositionChanged
    | QuoteChanged
)
