"""Orders coming in: entering, amending, cancelling, and the ids the gateway knows them by."""

from __future__ import annotations

from dataclasses import replace

from .entry_rules import (
    Refusal,
    check_amendment,
    check_cancellation,
    check_ticket,
    triggered_at_entry,
)
from .events import OrderChanged
from .ledger import Ledger
from .matching import Matching
from .orders import Order, Status, Ticket


class OrderEntry:
    """The desk that takes orders, by (client id, order id), as this run of the gateway knows them.

    `forget_ids` is what a restart does: finished orders lose their ids, and the next ids begin
    again after the highest one that is still live. Those in between are handed out a second time.
    """

    def __init__(self, ledger: Ledger, matching: Matching) -> None:
        self._ledger = ledger
        self._matching = matching
        self._known: dict[tuple[int, int], Order] = {}
        self._next_ids: dict[int, int] = {}
        self._last_bound_id = 0

    def next_id(self, client_id: int) -> int:
        return self._next_ids.get(client_id, 1)

    def order(self, client_id: int, order_id: int) -> Order | None:
        return self._known.get((client_id, order_id))

    def enter(self, client_id: int, order_id: int, ticket: Ticket) -> Order:
        """Take a new order in; `Matching.match` lets it meet the market afterwards."""
        check_ticket(ticket, self._ledger.holdings)
        order = self._remember(client_id, order_id, ticket)
        order.triggered = triggered_at_entry(ticket)
        parent = self.order(client_id, ticket.parent_id)
        order.waits_for_parent = parent is not None and parent.is_live
        self._transmit(order)
        return order

    def reject(self, client_id: int, order_id: int, ticket: Ticket, outcome: str) -> Order:
        """Keep an order that the exchange turned down: it is over before it began."""
        order = self._remember(client_id, order_id, ticket)
        order.end(Status.CANCELLED, self._ledger.now(), outcome)
        return order

    def amend(self, order: Order, ticket: Ticket) -> None:
        """Give a live order new terms."""
        check_ticket(ticket, self._ledger.holdings)
        check_amendment(order, ticket)
        if ticket.kind != order.ticket.kind:
            order.triggered = triggered_at_entry(ticket)
        order.ticket = ticket
        self._transmit(order)

    def cancel(self, client_id: int, order_id: int) -> Order:
        """Cancel at the owner's request; children that still wait for it go with it."""
        order = check_cancellation(self.order(client_id, order_id), order_id)
        order.end(Status.CANCELLED, self._ledger.now(), "Cancelled by Trader")
        self._matching.abandon_children(order)
        return order

    def enter_by_hand(self, ticket: Ticket) -> Order:
        """An order typed into TWS: it belongs to no client and has order id 0."""
        check_ticket(ticket, self._ledger.holdings)
        order = self._ledger.record_order(0, 0, ticket)
        order.triggered = triggered_at_entry(ticket)
        self._matching.submit(order)
        self._ledger.tell(OrderChanged(order))
        return order

    def bind_manual_orders(self) -> list[Order]:
        """Give every live manual order a negative id under client 0, which may then change it."""
        bound = [order for order in self._ledger.live_orders() if order.order_id == 0]
        for order in bound:
            self._last_bound_id -= 1
            order.order_id = self._last_bound_id
            self._known[(0, order.order_id)] = order
        return bound

    def forget_ids(self) -> None:
        self._known = {key: order for key, order in self._known.items() if order.is_live}
        self._next_ids = {}
        for client_id, order_id in self._known:
            self._advance(client_id, order_id)

    def _remember(self, client_id: int, order_id: int, ticket: Ticket) -> Order:
        if (client_id, order_id) in self._known:
            raise Refusal(103, "Duplicate order id")
        order = self._ledger.record_order(client_id, order_id, ticket)
        self._known[(client_id, order_id)] = order
        self._advance(client_id, order_id)
        return order

    def _advance(self, client_id: int, order_id: int) -> None:
        self._next_ids[client_id] = max(self.next_id(client_id), order_id + 1)

    def _transmit(self, order: Order) -> None:
        """Put the order, and the family held back until now, before the market."""
        if not order.ticket.transmit:
            return
        self._matching.submit(order)
        for relative in self._ledger.family(order):
            if not relative.ticket.transmit:
                relative.ticket = replace(relative.ticket, transmit=True)
                self._matching.submit(relative)
                self._ledger.tell(OrderChanged(relative))
                self._matching.match(relative)
