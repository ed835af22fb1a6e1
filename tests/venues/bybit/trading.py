"""Bybit's writing endpoints for orders: create, amend, cancel, cancel-all."""

from typing import Any

from tests.venues.bybit.errors import bad_request
from tests.venues.bybit.listings import require_scope
from tests.venues.bybit.tickets import read_category, read_ticket
from tests.venues.exchange import Category, Exchange, Order, Refusal, Refused
from tests.venues.wire import Call, Route


class Trading:
    """What changes orders; every answer carries ids and nothing else."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def routes(self) -> list[Route]:
        """The endpoints that write orders."""
        answers = {
            "order/create": self.create,
            "order/amend": self.amend,
            "order/cancel": self.cancel,
            "order/cancel-all": self.cancel_all,
        }
        return [
            Route(name=name, method="POST", path=f"/v5/{name}", answer=answer)
            for name, answer in answers.items()
        ]

    def create(self, call: Call) -> dict[str, str]:
        """Place an order."""
        return _ids(self._exchange.place(read_ticket(self._exchange, call)))

    def amend(self, call: Call) -> dict[str, str]:
        """Change quantity, price or trigger of an open order."""
        order = self._named(call)
        self._exchange.amend(
            order,
            quantity=call.number("qty"),
            price=call.number("price"),
            trigger_price=call.number("triggerPrice"),
        )
        return _ids(order)

    def cancel(self, call: Call) -> dict[str, str]:
        """Cancel one order."""
        order = self._named(call)
        if not _passes_filter(order, call):
            raise Refused(Refusal.NOT_FOUND)
        self._exchange.cancel(order)
        return _ids(order)

    def cancel_all(self, call: Call) -> dict[str, Any]:
        """Cancel what is open in a symbol, a coin or a category."""
        category = read_category(call)
        if category is Category.LINEAR:
            require_scope(call)
        concerned = [order for order in self._open(category) if _in_scope(order, call)]
        for order in concerned:
            self._exchange.cancel(order)
        return {"list": [_ids(order) for order in concerned], "success": "1"}

    def _open(self, category: Category) -> list[Order]:
        orders = self._exchange.register.open_orders()
        return [order for order in orders if order.ticket.instrument.category is category]

    def _named(self, call: Call) -> Order:
        """The order a request names; one the venue has forgotten cannot be written to."""
        key = call.text("orderId") or call.text("orderLinkId")
        if not key:
            raise bad_request("orderId or orderLinkId is required")
        order = self._exchange.order(key, read_category(call))
        if not order.recent or order.ticket.instrument.symbol != call.text("symbol"):
            raise Refused(Refusal.NOT_FOUND)
        return order


def _ids(order: Order) -> dict[str, str]:
    return {"orderId": order.order_id, "orderLinkId": order.ticket.client_id}


def _passes_filter(order: Order, call: Call) -> bool:
    """Whether a spot request means this kind of order; derivatives need no filter."""
    if order.ticket.instrument.category is not Category.SPOT:
        return True
    wanted = call.text("orderFilter", "Order")
    return (wanted == "Order") == (order.trigger is None)


def _in_scope(order: Order, call: Call) -> bool:
    instrument, filtered = order.ticket.instrument, call.text("orderFilter")
    return (
        call.text("symbol") in {"", instrument.symbol}
        and call.text("baseCoin") in {"", instrument.base}
        and call.text("settleCoin") in {"", instrument.quote}
        and filtered in {"", "StopOrder" if order.trigger is not None else "Order"}
    )
