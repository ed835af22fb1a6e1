"""A venue that takes no time: orders fill at once, so that what is measured is our own work."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.domain.execution import BrokerExecution
from core.domain.market import Balance, Instrument, Quote
from core.domain.order import BrokerOrder, OrderRequest, OrderStatus, OrderType
from core.domain.position import BrokerPosition
from core.domain.snapshot import PARTS, Absent, BrokerSnapshot, Found, Known, Lookup
from core.domain.stream import ExecutionTold, Gap, OrderTold, StreamEvent
from core.ports import AccountMode, Capabilities
from core.ports.receipt import Receipt

PRICE = Decimal(100)


class InstantVenue:
    """Fulfils the broker port; `asked` keeps when each order was asked for, by its key."""

    def __init__(self, account: str, symbols: Sequence[str]):
        self.account = account
        self.capabilities = Capabilities(
            deduplicates=True, finds_by_key=True, quarantine=timedelta(seconds=1)
        )
        self.asked: dict[str, datetime] = {}
        self._symbols = symbols
        self._orders: dict[str, BrokerOrder] = {}
        self._executions: list[BrokerExecution] = []
        self._held: dict[str, Decimal] = {}
        self._news: asyncio.Queue[StreamEvent] = asyncio.Queue()

    # --- reading ----------------------------------------------------------------------------------

    async def snapshot(self, since: datetime | None = None) -> BrokerSnapshot:
        return BrokerSnapshot(
            account=self.account,
            broker="instant",
            taken_at=datetime.now(UTC),
            parts=dict.fromkeys(PARTS, Known()),
            orders=tuple(self._orders.values()),
            executions=tuple(self._executions),
            positions=tuple(
                BrokerPosition(symbol=name, quantity=held, average_price=PRICE)
                for name, held in self._held.items()
                if held
            ),
            instruments={name: self._instrument(name) for name in self._symbols},
        )

    async def find_order(self, **names: Any) -> Lookup:
        order = self._orders.get(names.get("client_order_id") or "")
        return Found(order) if order else Absent()

    async def instrument(self, symbol: str) -> Instrument | None:
        return self._instrument(symbol)

    def _instrument(self, symbol: str) -> Instrument:
        return Instrument(
            symbol=symbol, base=symbol[:3], quote="USDT", quantity_step=Decimal("0.01"),
            price_tick=Decimal("0.1"),
        )  # fmt: skip

    async def quote(self, symbol: str) -> Quote:
        return Quote(symbol=symbol, bid=PRICE, ask=PRICE, last=PRICE, at=datetime.now(UTC))

    async def balances(self) -> Sequence[Balance]:
        return [Balance(currency="USDT", total=Decimal(10**9), available=Decimal(10**9))]

    async def account_mode(self) -> AccountMode:
        return AccountMode(position_mode="one-way")

    async def clock_skew(self) -> timedelta:
        return timedelta()

    async def close(self) -> None:
        """Nothing is open."""

    # --- writing ----------------------------------------------------------------------------------

    async def place(self, receipt: Receipt, request: OrderRequest) -> BrokerOrder:
        key, now = receipt.idempotency_key, datetime.now(UTC)
        self.asked[key] = now
        fills = request.type is OrderType.MARKET
        number = str(len(self._orders) + 1)
        order = BrokerOrder(
            broker_order_id=number,
            client_order_id=key,
            symbol=request.symbol,
            side=request.side,
            type=request.type,
            quantity=request.quantity,
            filled_quantity=request.quantity if fills else Decimal(0),
            average_price=PRICE if fills else None,
            price=request.price,
            trigger_price=request.trigger_price,
            reduce_only=request.reduce_only,
            status=OrderStatus.FILLED if fills else OrderStatus.OPEN,
            created_at=now,
            updated_at=now,
        )
        self._orders[key] = order
        if fills:
            self._fill(order, now)
        self._news.put_nowait(OrderTold(order))
        return order

    def _fill(self, order: BrokerOrder, now: datetime) -> None:
        row = BrokerExecution(
            execution_id=f"t{order.broker_order_id}",
            broker_order_id=order.broker_order_id,
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            price=PRICE,
            executed_at=now,
        )
        self._executions.append(row)
        held = self._held.get(order.symbol, Decimal(0))
        self._held[order.symbol] = held + order.side.sign * order.quantity
        self._news.put_nowait(ExecutionTold(row))

    async def amend(self, receipt: Receipt, order: BrokerOrder, **changes: Any) -> BrokerOrder:
        raise NotImplementedError

    async def cancel(self, receipt: Receipt, order: BrokerOrder) -> BrokerOrder:
        raise NotImplementedError

    async def events(self) -> AsyncIterator[StreamEvent]:
        yield Gap("listening from here on", datetime.now(UTC))
        while True:
            yield await self._news.get()
