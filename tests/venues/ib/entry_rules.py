"""What the broker refuses at order entry, as one table of checks with their error codes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias

from .orders import Order, Status, Ticket

LIMIT_KINDS = frozenset({"LMT", "STP LMT"})
STOP_KINDS = frozenset({"STP", "STP LMT"})
KINDS = LIMIT_KINDS | STOP_KINDS | {"MKT"}


class Refusal(Exception):
    """The broker's answer to what it will not do: an error code and its words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(f"{code}: {words}")
        self.code = code
        self.words = words


Check: TypeAlias = Callable[[Ticket], bool]


def _off_step(ticket: Ticket) -> bool:
    prices = (price for price in (ticket.limit, ticket.stop) if price is not None)
    return any(price % ticket.contract.price_step for price in prices)


def _lacks_price(ticket: Ticket) -> bool:
    return (ticket.kind in LIMIT_KINDS and ticket.limit is None) or (
        ticket.kind in STOP_KINDS and ticket.stop is None
    )


def _fraction(ticket: Ticket) -> bool:
    return ticket.quantity % 1 != 0


CHECKS: tuple[tuple[Check, int, str], ...] = (
    (lambda ticket: ticket.kind not in KINDS, 387, "Unsupported order type for this exchange"),
    (lambda ticket: ticket.quantity <= 0, 434, "The order size cannot be zero."),
    (_fraction, 10318, "This order doesn't support fractional quantity trading"),
    (_lacks_price, 321, "Error validating request: the order lacks its price"),
    (
        _off_step,
        110,
        "The price does not conform to the minimum price variation for this contract.",
    ),
)


def check_ticket(ticket: Ticket, accounts: Collection[str]) -> None:
    """Raise the first refusal that applies."""
    if not ticket.account:
        raise Refusal(435, "You must specify an account.")
    if ticket.account not in accounts:
        raise Refusal(321, f"Error validating request: Invalid account code '{ticket.account}'")
    for applies, code, words in CHECKS:
        if applies(ticket):
            raise Refusal(code, words)


def check_amendment(order: Order, ticket: Ticket) -> None:
    """Raise if the order is past changing, or if the change makes it another order."""
    if order.status is Status.FILLED:
        raise Refusal(104, "Cannot modify a filled order.")
    if not order.is_live:
        raise Refusal(103, "Duplicate order id")
    same = (order.account, order.contract.con_id, order.ticket.action)
    if same != (ticket.account, ticket.contract.con_id, ticket.action):
        raise Refusal(105, "Order being modified does not match original order")
    if ticket.quantity <= order.filled:
        raise Refusal(201, "Order rejected - reason: the quantity is already filled")


def check_cancellation(order: Order | None, order_id: int) -> Order:
    """The order if it can be cancelled; to anybody but its owner it does not exist."""
    if order is None:
        raise Refusal(10147, f"OrderId {order_id} that needs to be cancelled is not found.")
    if not order.is_live:
        raise Refusal(
            10148,
            f"OrderId {order_id} that needs to be cancelled can not be cancelled, "
            f"state: {order.status.value}.",
        )
    return order


def triggered_at_entry(ticket: Ticket) -> bool:
    """A stop waits for its price; everything else is in the market at once."""
    return ticket.kind not in STOP_KINDS
