"""How an order ends before it is filled."""

from tests.venues.exchange.floor import Floor
from tests.venues.exchange.orders import Ended, Order, State

_ON_TRIGGER = frozenset({Ended.NO_FUNDS, Ended.REDUCE_ONLY})


def end(floor: Floor, order: Order, why: Ended) -> None:
    """Take an order out of the market and tell."""
    order.state = _final_state(order, why)
    order.ended = why
    floor.tell_order(order)


def _final_state(order: Order, why: Ended) -> State:
    if why is Ended.AGE:
        return State.EXPIRED
    if order.filled:
        return State.PARTIALLY_FILLED_CANCELLED
    if why is Ended.POSITION_CLOSED:
        return State.DEACTIVATED
    # An order that was triggered and then could not be placed counts as rejected.
    if order.trigger is not None and order.state is not State.UNTRIGGERED and why in _ON_TRIGGER:
        return State.REJECTED
    return State.CANCELLED
