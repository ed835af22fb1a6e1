"""Answers to what a client writes: placing, amending and cancelling orders, binding manual ones."""

from __future__ import annotations

from decimal import Decimal

from . import replies, requests
from .broker import Broker, Client
from .entry_rules import Refusal, check_ticket
from .frames import Message
from .listings import sole_contract
from .order_messages import margin_answer, open_order, order_status
from .orders import Order, Ticket

CENT = Decimal("0.01")
REJECTED = 201
CANCELLED_WORDS = "Order Canceled - reason:"


def amends(broker: Broker, client: Client, request: requests.PlaceOrder) -> bool:
    """Whether the id names an order this gateway knows already."""
    return broker.entry.order(client.client_id, request.subject) is not None


def place(broker: Broker, client: Client, request: requests.PlaceOrder) -> list[Message]:
    """Enter or amend; the order meets the market only when its reply is on its way."""
    ticket = _ticket(broker, request)
    if request.terms.what_if:
        return [_what_if(broker, client, request, ticket)]
    order = broker.entry.order(client.client_id, request.subject)
    if order is None:
        order = broker.entry.enter(client.client_id, request.subject, ticket)
    else:
        broker.entry.amend(order, ticket)
    return order_rows(order)


def meet_market(broker: Broker, client: Client, request: requests.PlaceOrder) -> None:
    """Let the order just placed trade."""
    order = broker.entry.order(client.client_id, request.subject)
    if order is not None:
        broker.matching.match(order)


def reject(broker: Broker, client: Client, request: requests.PlaceOrder) -> None:
    """Keep a new order as one the exchange turned down; a live one stays as it was."""
    if not amends(broker, client, request):
        ticket = _ticket(broker, request)
        broker.entry.reject(client.client_id, request.subject, ticket, "Cancelled")


def cancel(broker: Broker, client: Client, request: requests.CancelOrder) -> list[Message]:
    return cancelled_rows(broker.entry.cancel(client.client_id, request.subject))


def auto_bind(broker: Broker, client: Client, request: requests.AutoBind) -> list[Message]:
    """Only client 0 may bind manual orders."""
    if client.client_id != 0:
        raise Refusal(327, "Only the default client (i.e 0) can auto bind orders")
    client.binds_manual_orders = request.on
    return bind_manual_orders(broker) if request.on else []


def bind_manual_orders(broker: Broker) -> list[Message]:
    return [
        row
        for order in broker.entry.bind_manual_orders()
        for row in (
            replies.order_bound(order.perm_id, order.client_id, order.order_id),
            *order_rows(order),
        )
    ]


def order_rows(order: Order) -> list[Message]:
    return [open_order(order), order_status(order)]


def cancelled_rows(order: Order) -> list[Message]:
    return [order_status(order), replies.error(order.order_id, 202, CANCELLED_WORDS)]


def _ticket(broker: Broker, request: requests.PlaceOrder) -> Ticket:
    """The order as a ticket; with a single account it need not be named."""
    accounts = broker.accounts
    account = request.terms.account or (accounts[0] if len(accounts) == 1 else "")
    return request.terms.ticket(sole_contract(broker, request.query), account)


def _what_if(
    broker: Broker, client: Client, request: requests.PlaceOrder, ticket: Ticket
) -> Message:
    check_ticket(ticket, broker.ledger.holdings)
    contract = ticket.contract
    price = broker.ledger.market.mark(contract, ticket.limit or ticket.stop or Decimal(0))
    worth = ticket.quantity * price * contract.money_per_point
    unplaced = Order(
        ticket=ticket,
        perm_id=0,
        client_id=client.client_id,
        order_id=request.subject,
        placed_at=broker.ledger.now(),
    )
    return margin_answer(unplaced, (worth * contract.margin_rate).quantize(CENT))
