"""Placing, amending and cancelling: one request each, answered by an id and nothing else."""

from dataclasses import dataclass
from typing import Any

from core.brokers.ccxt.bybit.requests import amending, as_listed, cancelling, placing
from core.brokers.ccxt.figures import name
from core.brokers.ccxt.line import Line
from core.brokers.ccxt.venue import Changes, acknowledged
from core.domain.errors import OutcomeUnknown
from core.domain.order import BrokerOrder, OrderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Trading:
    line: Line
    category: str

    async def place(self, key: str, request: OrderRequest) -> BrokerOrder:
        """The order as it was acknowledged: what it has become since, only asking tells."""
        wanted = placing(key, request, self.category)
        order_id = _id(await self.line.write("privatePostV5OrderCreate", wanted))
        return acknowledged(order_id, key, as_listed(request))

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
