"""What a broker tells by itself while we listen."""

from dataclasses import dataclass
from datetime import datetime

from core.domain.execution import BrokerExecution
from core.domain.order import BrokerOrder


@dataclass(frozen=True, slots=True)
class OrderTold:
    """An order as the broker tells it now; may repeat, come late or out of order."""

    order: BrokerOrder


@dataclass(frozen=True, slots=True)
class ExecutionTold:
    execution: BrokerExecution


@dataclass(frozen=True, slots=True)
class Gap:
    """Something may have been missed since then: only a snapshot tells what."""

    why: str
    since: datetime


StreamEvent = OrderTold | ExecutionTold | Gap
