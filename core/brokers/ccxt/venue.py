"""What a translation offers: one exchange's words in ours."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from core.brokers.ccxt.told import Told
from core.domain.errors import NotSent
from core.domain.execution import BrokerExecution
from core.domain.market import Balance, Instrument, Quote
from core.domain.order import TERMINAL, BrokerOrder, OrderRequest, OrderStatus
from core.domain.position import BrokerPosition
from core.domain.snapshot import Lookup
from core.domain.stream import StreamEvent
from core.operate.checking import Finding
from core.ports import Capabilities

ONE_WAY, HEDGE, MIXED = "one-way", "hedge", "mixed"
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """One order by any of its names."""

    symbol: str
    client_order_id: str | None = None
    broker_order_id: str | None = None
    perm_id: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    quantity: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What is held, and how the account keeps long and short apart."""

    positions: Told[BrokerPosition]
    mode: str = ONE_WAY
    leverage: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def quantities(self) -> dict[tuple[str, str], Decimal]:
        return {(row.symbol, row.side.value): row.quantity for row in self.positions.rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Orders, and executions as far back as they are complete."""

    orders: Told[BrokerOrder]
    executions: Told[BrokerExecution]
    executions_since: datetime | None


class Venue(Protocol):
    """Reads raise Unavailable or say in a Told what is missing; writes raise as the port says."""

    name: str

    @property
    def capabilities(self) -> Capabilities: ...

    async def holdings(self) -> Holdings: ...

    async def activity(self, since: datetime, holdings: Holdings) -> Activity: ...

    async def balances(self) -> Told[Balance]: ...

    async def instrument(self, symbol: str) -> Instrument | None: ...

    async def quote(self, symbol: str) -> Quote: ...

    async def time(self) -> datetime: ...

    async def find(self, sought: Sought) -> Lookup: ...

    async def place(self, key: str, request: OrderRequest) -> BrokerOrder: ...

    async def amend(self, order: BrokerOrder, changes: Changes) -> None: ...

    async def cancel(self, order: BrokerOrder) -> None: ...

    async def permissions(self, what: str) -> Sequence[Finding]:
        """What the key may do and what the venue cannot; `what` begins every finding."""
        ...

    def events(self) -> AsyncIterator[StreamEvent]: ...


def cannot(venue: str, what: str, instead: str) -> NotSent:
    """What this venue has no way of doing; nothing is sent, and repeating it is of no use."""
    return NotSent(f"{venue} cannot {what}", hint=instead)


def acknowledged(order_id: str, key: str, request: OrderRequest) -> BrokerOrder:
    """All that an acknowledgement tells: it exists, under this id, as it was asked for."""
    return BrokerOrder(
        broker_order_id=order_id,
        client_order_id=key,
        symbol=request.symbol,
        side=request.side,
        position_side=request.position_side,
        type=request.type,
        quantity=request.quantity,
        price=request.price,
        trigger_price=request.trigger_price,
        time_in_force=request.time_in_force,
        reduce_only=request.reduce_only,
        post_only=request.post_only,
        status=OrderStatus.OPEN,
    )


def orders_once(orders: Iterable[BrokerOrder]) -> tuple[BrokerOrder, ...]:
    """Listings overlap, and not every row in them is fresh: the latest word on each order."""
    latest: dict[tuple[str, str], BrokerOrder] = {}
    for order in sorted(orders, key=lambda each: (each.updated_at or NEVER, _has_ended(each))):
        latest[order.symbol, order.broker_order_id] = order
    return tuple(latest.values())


def _has_ended(order: BrokerOrder) -> bool:
    return order.status in TERMINAL
