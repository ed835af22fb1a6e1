"""MEXC's listings of orders, plan orders and deals: numbered pages and no cursor."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from tests.venues.exchange import Exchange, Execution, ExecutionKind, Order, Refusal, Refused
from tests.venues.mexc.errors import bad_request
from tests.venues.mexc.rows import deal_row, is_plan, order_row, plan_row, wire_state
from tests.venues.wire import Call, Route

Row = dict[str, Any]
Item = TypeVar("Item")
USUAL, MOST = 20, 100


class Listings:
    """What may be asked about orders, plan orders and deals."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        # Whether an unknown order is answered with success and null instead of an error code.
        self.absent_is_null = False

    def routes(self) -> list[Route]:
        """The endpoints that list and look up."""
        answers = {
            "order/get/{order_id}": self.order,
            "order/external/{symbol}/{external_oid}": self.external,
            "order/batch_query": self.batch,
            "order/list/open_orders": self.open_orders,
            "order/list/open_orders/{symbol}": self.open_orders,
            "order/list/history_orders": self.history,
            "order/list/order_deals": self.deals,
            "order/deal_details/{order_id}": self.deals_of_order,
            "planorder/list/orders": self.plans,
            "stoporder/list/orders": self.stops,
            "stoporder/open_orders": self.stops,
        }
        return [
            Route(
                name=path.partition("/{")[0],
                method="GET",
                path=f"/api/v1/private/{path}",
                answer=answer,
            )
            for path, answer in answers.items()
        ]

    def order(self, call: Call) -> Row | None:
        """One order by the venue's id."""
        return self._one(call.text("order_id"), self._orders())

    def external(self, call: Call) -> Row | None:
        """One order by the client's own id, the last one if there are several."""
        key = call.text("external_oid")
        found = [
            order
            for order in self._exchange.register.with_client_id(key)
            if order.ticket.instrument.symbol == call.text("symbol")
        ]
        return self._one(found[-1].order_id if found else key, found)

    def batch(self, call: Call) -> list[Row]:
        """Several orders by id; unknown ids are left out."""
        keys = call.text("order_ids").split(",")
        return [order_row(self._exchange, each) for each in self._orders() if each.order_id in keys]

    def open_orders(self, call: Call) -> list[Row]:
        """The open orders, without plan orders."""
        found = [each for each in self._orders() if each.open and _of_symbol(each, call)]
        return _page(call, found, lambda each: order_row(self._exchange, each))

    def history(self, call: Call) -> list[Row]:
        """Orders of every state, or of some."""
        found = [each for each in self._orders() if _asked_for(each, call)]
        return _page(call, found, lambda each: order_row(self._exchange, each))

    def plans(self, call: Call) -> list[Row]:
        """Plan orders of every state, or of some."""
        every = self._exchange.register.orders.values()
        found = [each for each in every if is_plan(each) and _asked_for(each, call)]
        return _page(call, found, lambda each: plan_row(self._exchange, each))

    def deals(self, call: Call) -> list[Row]:
        """The executions of one contract."""
        if not call.text("symbol"):
            raise bad_request("symbol is required")
        found = [
            execution
            for execution in self._trades()
            if execution.instrument.symbol == call.text("symbol")
            and _in_time(execution.time_ms, call)
        ]
        return _page(call, found, lambda each: deal_row(self._exchange, each))

    def deals_of_order(self, call: Call) -> list[Row]:
        """The executions of one order."""
        key = call.text("order_id")
        found = [execution for execution in self._trades() if execution.order_id == key]
        return [deal_row(self._exchange, execution) for execution in found]

    def stops(self, call: Call) -> list[Row]:
        """No stops on positions: stops are plan orders here."""
        return []

    def _orders(self) -> list[Order]:
        return [order for order in self._exchange.register.orders.values() if not is_plan(order)]

    def _trades(self) -> list[Execution]:
        executions = self._exchange.register.executions
        return [each for each in executions if each.kind is not ExecutionKind.FUNDING]

    def _one(self, key: str, orders: Iterable[Order]) -> Row | None:
        for order in orders:
            if order.order_id == key:
                return order_row(self._exchange, order)
        if self.absent_is_null:
            return None
        raise Refused(Refusal.NOT_FOUND, key)


def _of_symbol(order: Order, call: Call) -> bool:
    return call.text("symbol") in {"", order.ticket.instrument.symbol}


def _in_time(moment_ms: int, call: Call) -> bool:
    start, end = call.moment("start_time"), call.moment("end_time")
    return (start is None or start <= moment_ms) and (end is None or moment_ms <= end)


def _asked_for(order: Order, call: Call) -> bool:
    """Whether an order has the symbol, the time and one of the states a listing asks for."""
    states = [each for each in call.text("states").split(",") if each]
    in_state = not states or str(wire_state(order)) in states
    return in_state and _of_symbol(order, call) and _in_time(order.created_ms, call)


def _page(call: Call, items: list[Item], row: Callable[[Item], Row]) -> list[Row]:
    """One page, newest first; that there are more is for the client to find out."""
    size = max(1, min(call.whole("page_size", USUAL), MOST))
    begin = (max(call.whole("page_num", 1), 1) - 1) * size
    return [row(item) for item in items[::-1][begin : begin + size]]
