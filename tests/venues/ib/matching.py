"""Orders meeting the market: triggering, filling, ending what may not rest, and corrections."""

from __future__ import annotations

from decimal import Decimal

from .contracts import Contract
from .events import (
    ExecutionCorrected,
    OrderCancelled,
    OrderChanged,
    OrderFilled,
    PositionChanged,
    QuoteChanged,
)
from .executions import Execution, corrected
from .ledger import Ledger
from .market import Quote
from .orders import Order, Status

PRICE_STEP_MIN = Decimal("0.00000001")


class Matching:
    """The one place where an order is filled."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._market = ledger.market

    def quote(self, contract: Contract, quote: Quote) -> None:
        """Set a contract's quote and let every resting order meet it."""
        self._market.set(contract, quote)
        self._ledger.tell(QuoteChanged(contract))
        for order in self._ledger.live_orders():
            if order.contract == contract:
                self.match(order)

    def submit(self, order: Order) -> None:
        """Put a transmitted order before the market, where a stop or a child still waits."""
        unseen = order.limit is None and self._market.quote(order.contract) is None
        waits = order.waits_for_parent or not order.triggered or unseen
        if order.status is not Status.SUBMITTED:
            order.become(Status.PRE_SUBMITTED if waits else Status.SUBMITTED)

    def match(self, order: Order) -> None:
        """Trigger and fill the order as far as the market allows; end it if it may not rest."""
        if not order.is_working:
            return
        if not order.triggered and self._market.reaches_stop(order):
            order.triggered = True
            order.become(Status.SUBMITTED)
            self._ledger.tell(OrderChanged(order))
        trade = self._market.trade(order)
        if trade is not None:
            self._market.consume(order, trade[0])
            self.fill(order, *trade)
        if order.is_live and order.triggered and not order.rests:
            self.end(order, "Cancelled: the rest could not trade at once")

    def fill(self, order: Order, quantity: Decimal, price: Decimal) -> Execution:
        """Execute part or all of an order at this price, whatever the quote says."""
        if not order.is_live or not 0 < quantity <= order.remaining:
            raise ValueError(f"order {order.perm_id} has no {quantity} left to fill")
        spent = order.average_price * order.filled + price * quantity
        order.filled += quantity
        order.average_price = (spent / order.filled).quantize(PRICE_STEP_MIN)
        order.last_price = price
        execution = self._ledger.record_execution(order, quantity, price)
        if order.remaining:
            order.become(Status.SUBMITTED)
        else:
            order.end(Status.FILLED, self._ledger.now(), f"Filled Size: {order.filled:f}")
        self._ledger.tell(OrderFilled(order, execution))
        self._ledger.tell(PositionChanged(order.account, order.contract))
        if not order.remaining:
            self._release_children(order)
        return execution

    def correct(
        self, execution_id: str, quantity: Decimal | None = None, price: Decimal | None = None
    ) -> Execution:
        """Publish the next revision of an execution and put position and average right."""
        before = self._ledger.execution(execution_id)
        order = before.order
        place = order.execution_ids.index(execution_id)
        after = corrected(before, quantity, price)
        holdings = self._ledger.holdings[order.account]
        position = holdings.position(order.contract)
        commissions = position.commissions
        holdings.book(order.contract, -order.signed(before.quantity), before.price)
        holdings.book(order.contract, order.signed(after.quantity), after.price)
        position.commissions = commissions
        order.execution_ids[place] = after.execution_id
        self._ledger.executions.append(after)
        self._average_again(order)
        self._ledger.tell(ExecutionCorrected(order, after))
        self._ledger.tell(PositionChanged(order.account, order.contract))
        return after

    def _average_again(self, order: Order) -> None:
        counted = self._ledger.current_executions(order)
        order.filled = sum((each.quantity for each in counted), Decimal(0))
        spent = sum((each.quantity * each.price for each in counted), Decimal(0))
        order.average_price = (spent / order.filled).quantize(PRICE_STEP_MIN)

    def end(self, order: Order, outcome: str) -> None:
        """The broker ends a live order by itself; children that waited for it end with it."""
        order.end(Status.CANCELLED, self._ledger.now(), outcome)
        self._ledger.tell(OrderCancelled(order))
        self.abandon_children(order)

    def abandon_children(self, parent: Order) -> None:
        for child in self._waiting_children(parent):
            self.end(child, "Cancelled with its parent")

    def _release_children(self, parent: Order) -> None:
        for child in self._waiting_children(parent):
            child.waits_for_parent = False
            self.submit(child)
            self._ledger.tell(OrderChanged(child))
            self.match(child)

    def _waiting_children(self, parent: Order) -> list[Order]:
        return [
            other
            for other in self._ledger.family(parent)
            if other.waits_for_parent and other.ticket.parent_id == parent.order_id
        ]
