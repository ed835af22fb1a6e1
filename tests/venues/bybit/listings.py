"""Bybit's listings of orders and executions, page by page and with the venue's limits."""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from tests.venues.bybit.errors import bad_request
from tests.venues.bybit.rows import execution_row, order_row, wire_status
from tests.venues.bybit.tickets import check_category
from tests.venues.exchange import Category, Exchange, Execution, Order
from tests.venues.wire import Call, Route

Row = dict[str, Any]
DAY_MS = 86_400_000
WINDOW_MS = 7 * DAY_MS


class Listings:
    """What may be asked about orders and executions."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def routes(self) -> list[Route]:
        """The endpoints that list."""
        answers = {
            "order/realtime": self.realtime,
            "order/history": self.history,
            "execution/list": self.executions,
        }
        return [
            Route(name=name, method="GET", path=f"/v5/{name}", answer=answer)
            for name, answer in answers.items()
        ]

    def realtime(self, call: Call) -> Row:
        """Open orders; closed ones only by id or on request, and only since the last restart."""
        check_category(call)
        register = self._exchange.register
        key = call.text("orderId") or call.text("orderLinkId")
        if call.text("category") == Category.LINEAR and not key:
            require_scope(call)
        if key:
            orders = register.named(key)
        elif call.whole("openOnly", 0) == 1:
            orders = register.recently_closed(call.text("category"))
        else:
            orders = register.open_orders()
        found = [order for order in orders if order.recent and order_matches(order, call)]
        return _page(call, found, order_row, _order_key, 20, 50)

    def history(self, call: Call) -> Row:
        """Closed orders, as long as the venue keeps them."""
        check_category(call)
        now = self._exchange.clock.now_ms()
        register = self._exchange.register
        key = call.text("orderId") or call.text("orderLinkId")
        start, end = (0, now) if key else _window(call, now)
        found = [
            order
            for order in (register.named(key) if key else register.orders.values())
            if not order.open
            and start <= order.created_ms <= end
            and _kept(order, now)
            and order_matches(order, call)
            and call.text("orderStatus") in {"", wire_status(order)}
        ]
        return _page(call, found, order_row, _order_key, 20, 50)

    def executions(self, call: Call) -> Row:
        """Executions of every kind unless one is asked for: funding rows look like trades."""
        check_category(call)
        start, end = _window(call, self._exchange.clock.now_ms())
        found = [
            execution
            for execution in self._exchange.register.executions
            if _execution_matches(execution, call, start, end)
        ]
        return _page(call, found, execution_row, _execution_key, 50, 100)


def order_matches(order: Order, call: Call) -> bool:
    """Whether an order is among those a listing asks for."""
    ticket, instrument = order.ticket, order.ticket.instrument
    if instrument.category.value != call.text("category"):
        return False
    if call.text("orderId"):
        return order.order_id == call.text("orderId")
    if call.text("orderLinkId"):
        return ticket.client_id == call.text("orderLinkId")
    conditional = order.trigger is not None
    return (
        call.text("symbol") in {"", instrument.symbol}
        and call.text("baseCoin") in {"", instrument.base}
        and call.text("settleCoin") in {"", instrument.quote}
        and call.text("orderFilter") in {"", "StopOrder" if conditional else "Order"}
    )


def _execution_matches(execution: Execution, call: Call, start: int, end: int) -> bool:
    instrument = execution.instrument
    if instrument.category.value != call.text("category"):
        return False
    # An id outranks every other parameter, the time window included.
    if call.text("orderId"):
        return execution.order_id == call.text("orderId")
    if call.text("orderLinkId"):
        return execution.client_id == call.text("orderLinkId")
    return (
        start <= execution.time_ms <= end
        and call.text("symbol") in {"", instrument.symbol}
        and call.text("baseCoin") in {"", instrument.base}
        and call.text("settleCoin") in {"", instrument.quote}
        and call.text("execType") in {"", execution.kind.value}
    )


def _kept(order: Order, now: int) -> bool:
    """Whether the history still has it: what never filled is gone after a day."""
    return bool(order.filled) or now - order.updated_ms <= DAY_MS


def require_scope(call: Call) -> None:
    """Refuse a request about derivatives that says neither which symbol nor which coin."""
    if not any(call.text(name) for name in ("symbol", "baseCoin", "settleCoin")):
        raise bad_request("Missing some parameters that must be filled in, symbol or settleCoin")


def _window(call: Call, now: int) -> tuple[int, int]:
    """The span of time a listing covers, never more than seven days."""
    start, end = call.moment("startTime"), call.moment("endTime")
    if start is not None and end is not None and end - start > WINDOW_MS:
        raise bad_request("The time range between startTime and endTime cannot exceed 7 days")
    if start is None:
        end = now if end is None else end
        return end - WINDOW_MS, end
    return start, start + WINDOW_MS if end is None else end


def _order_key(order: Order) -> tuple[int, str]:
    return order.number, f"{order.order_id}:{order.created_ms}"


def _execution_key(execution: Execution) -> tuple[int, str]:
    return execution.sequence, f"{execution.sequence}:0"


_Item = TypeVar("_Item")


def _page(
    call: Call,
    items: list[_Item],
    row: Callable[[_Item], Row],
    key: Callable[[_Item], tuple[int, str]],
    usual: int,
    most: int,
) -> Row:
    """One page, newest first; the cursor names its last row and comes even with the last page."""
    ordered = sorted(items, key=lambda item: key(item)[0], reverse=True)
    limit = max(1, min(call.whole("limit", usual), most))
    after = unquote(call.text("cursor"))
    if after:
        names = [key(item)[1] for item in ordered]
        ordered = ordered[names.index(after) + 1 :] if after in names else []
    shown = ordered[:limit]
    cursor = quote(key(shown[-1])[1], safe="") if shown else ""
    return {
        "category": call.text("category"),
        "list": [row(item) for item in shown],
        "nextPageCursor": cursor,
    }
