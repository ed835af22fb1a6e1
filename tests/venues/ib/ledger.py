"""What the broker keeps: accounts, orders, executions and quotes, and who is told of changes.

It outlives every connection and every restart of the gateway. Client and order ids are the
gateway's words for an order and may be used again; the permanent id never is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal

from .contracts import Catalogue, listed_contracts
from .events import VenueEvent
from .executions import Execution, ExecutionIds, commission_for
from .holdings import Holdings
from .market import Market
from .orders import Order, Ticket

FIRST_PERM_ID = 1351823300
OPENING_CASH = Decimal(1_000_000)


class Ledger:
    """Everything the broker knows; `listeners` hear of changes in the order they happen."""

    def __init__(self, accounts: Iterable[str], now: Callable[[], datetime]) -> None:
        self.now = now
        self.market = Market()
        self.catalogue = Catalogue(listed_contracts())
        self.holdings = {account: Holdings(account, OPENING_CASH) for account in accounts}
        self.orders: list[Order] = []
        self.executions: list[Execution] = []
        self.listeners: list[Callable[[VenueEvent], None]] = []
        self._execution_ids = ExecutionIds()
        self._perm_id = FIRST_PERM_ID

    def tell(self, event: VenueEvent) -> None:
        for listener in self.listeners:
            listener(event)

    def live_orders(self) -> list[Order]:
        return [order for order in self.orders if order.is_live]

    def completed_orders(self) -> list[Order]:
        return [order for order in self.orders if not order.is_live]

    def current_executions(self, order: Order) -> list[Execution]:
        """The order's executions without those that a correction replaced."""
        return [each for each in self.executions if each.execution_id in order.execution_ids]

    def execution(self, execution_id: str) -> Execution:
        for execution in self.executions:
            if execution.execution_id == execution_id:
                return execution
        raise KeyError(f"no such execution: {execution_id}")

    def record_order(self, client_id: int, order_id: int, ticket: Ticket) -> Order:
        """Give the order its permanent id and keep it."""
        self._perm_id += 1
        order = Order(
            ticket=ticket,
            perm_id=self._perm_id,
            client_id=client_id,
            order_id=order_id,
            placed_at=self.now(),
        )
        self.orders.append(order)
        return order

    def record_execution(self, order: Order, quantity: Decimal, price: Decimal) -> Execution:
        """Book a fill into the account and keep its execution."""
        holdings = self.holdings[order.account]
        commission = commission_for(order.contract, quantity)
        realized = holdings.book(order.contract, order.signed(quantity), price)
        holdings.pay(order.contract, commission, opened=realized is None)
        execution = Execution(
            execution_id=self._execution_ids.next(),
            order=order,
            quantity=quantity,
            price=price,
            cumulative_quantity=order.filled,
            average_price=order.average_price,
            at=self.now(),
            commission=commission,
            realized=None if realized is None else realized - commission,
        )
        self.executions.append(execution)
        order.execution_ids.append(execution.execution_id)
        return execution

    def family(self, order: Order) -> list[Order]:
        """The live orders tied to this one: its parent, its children, its siblings."""
        parent_id = order.ticket.parent_id or order.order_id
        if parent_id <= 0:
            return []
        return [
            other
            for other in self.live_orders()
            if other is not order
            and other.client_id == order.client_id
            and parent_id in (other.order_id, other.ticket.parent_id)
        ]

    def begin_day(self) -> None:
        """A new trading day: yesterday's executions and completed orders are no longer listed."""
        self.orders = self.live_orders()
        self.executions = []
