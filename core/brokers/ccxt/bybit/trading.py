"""Placing, amending and cancelling: one request each, answered by an id and nothing else."""

from dataclasses import dataclass
from typing import Any

from core.brokers.ccxt.bybit.requests import amending, cancelling, placing
from core.brokers.ccxt.figures import name
from core.brokers.ccxt.line import Line
from core.brokers.ccxt.venue import Changes
from core.domain.errors import OutcomeUnknown
from core.domain.order import BrokerOrder, OrderRequest, OrderStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Trading:
    line: Line
    category: str

    async def place(self, key: str, request: OrderRequest) -> BrokerOrder:
        """The order as it was acknowledged: what it has become since, only asking tells."""
        wanted = placing(key, request, self.category)
        order_id = _id(await self.line.write("privatePostV5OrderCreate", wanted))
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

    async def amend(self, order: BrokerOrder, changes: Changes) -> None:
        wanted = amending(order, changes, self.category)
        _id(await self.line.write("privatePostV5OrderAmend", wanted))

    async def cancel(self, order: BrokerOrder) -> None:
        wanted = cancelling(order, self.category)
        _id(await self.line.write("privatePostV5OrderCancel", wanted))


def _id(answer: Any) -> str:
    order_id = name(answer.get("orderId"))
    if order_id is None:
        raise OutcomeUnknown("Bybit answered with success and without an order id")
    return order_id
