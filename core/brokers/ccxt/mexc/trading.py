"""Placing, amending and cancelling at MEXC."""

from dataclasses import dataclass, field
from typing import Any

from core.brokers.ccxt.figures import name
from core.brokers.ccxt.line import Line
from core.brokers.ccxt.mexc.contracts import Contract, Contracts
from core.brokers.ccxt.mexc.reading import Reading
from core.brokers.ccxt.mexc.requests import amending, is_plan, placing, planning
from core.brokers.ccxt.told import readable, row_of, rows_of
from core.brokers.ccxt.venue import Changes, acknowledged, cannot
from core.domain.errors import NotSent, OutcomeUnknown, Rejected, Unavailable
from core.domain.order import BrokerOrder, OrderRequest, OrderType

DONE = "0"


@dataclass(slots=True, kw_only=True)
class Trading:
    line: Line
    contracts: Contracts
    reading: Reading
    # What no listing tells: under which id the plan order of a key lives, as long as we do.
    plans_placed: dict[str, str] = field(default_factory=dict)

    async def place(self, key: str, request: OrderRequest) -> BrokerOrder:
        """The order as it was acknowledged: what it has become since, only asking tells."""
        if request.type is OrderType.TRAILING_STOP:
            raise cannot("MEXC", "take a trailing stop as an order", "trail with ordinary stops")
        contract = await self._contract(request.symbol)
        open_type = self.reading.open_types.get(request.symbol, 0)
        if is_plan(request.type):
            wanted = planning(request, contract, open_type)
            order_id = _id(await self.line.write("contractPrivatePostPlanorderPlace", wanted))
            self.plans_placed[key] = order_id
        else:
            wanted = placing(key, request, contract, open_type)
            order_id = _id(await self.line.write("contractPrivatePostOrderCreate", wanted))
        return acknowledged(order_id, key, request)

    async def amend(self, order: BrokerOrder, changes: Changes) -> None:
        contract = await self._contract(order.symbol)
        wanted = amending(order, changes, contract)
        await self.line.write("contractPrivatePostOrderChangeLimitOrder", wanted)

    async def cancel(self, order: BrokerOrder) -> None:
        """A plan order that was triggered is cancelled by cancelling what trades for it."""
        if is_plan(order.type) and order.perm_id is None:
            wanted = [{"symbol": order.symbol, "orderId": order.broker_order_id}]
            await self.line.write("contractPrivatePostPlanorderCancel", wanted)
            return
        order_id = order.perm_id or order.broker_order_id
        _believe(order_id, await self.line.write("contractPrivatePostOrderCancel", [order_id]))

    async def _contract(self, symbol: str) -> Contract:
        """Known before anything is sent."""
        try:
            with readable("the contracts"):
                return await self.contracts.named(symbol)
        except Unavailable as error:
            why, hint = error.message, error.hint
        raise NotSent(why, hint=hint)


def _id(answer: Any) -> str:
    """Of the new order: bare, or in an object."""
    order_id = name(answer.get("orderId") if isinstance(answer, dict) else answer)
    if order_id is None:
        raise OutcomeUnknown("MEXC answered with success and without an order id")
    return order_id


def _believe(order_id: str, answer: Any) -> None:
    """A cancel succeeds as a request even when the order in it could not be cancelled."""
    try:
        verdicts = {str(row["orderId"]): row for row in map(row_of, rows_of(answer))}
        verdict = verdicts[order_id]
        code, text = str(verdict["errorCode"]), str(verdict.get("errorMsg") or "")
    except (KeyError, ValueError):
        code, text = "", ""
    if not code:
        raise OutcomeUnknown(f"MEXC answered without a verdict about {order_id}")
    if code != DONE:
        raise Rejected(code, text or "the order cannot be cancelled")
