"""How far an intent and its signal have come, as their orders tell.

| its orders                                    | a placed intent is |
|-----------------------------------------------|--------------------|
| any may still do something                    | as it was          |
| all of them filled, or ended with some filled | filled             |
| all rejected, or never sent                   | failed             |
| ended without a fill otherwise                | cancelled          |
"""

from collections.abc import Sequence
from dataclasses import replace

from core.domain.intent import IntentState, TradeIntent, orders_of
from core.domain.money import ZERO
from core.domain.order import LIVE, BookOrder, OrderStatus
from core.domain.signal import Delivery, DeliveryState, RequestStatus, SignalRecord

FOLLOWING = frozenset({IntentState.PLACED, IntentState.CANCELLED, IntentState.FAILED})
_UNSETTLED = frozenset({OrderStatus.PENDING, OrderStatus.UNKNOWN, OrderStatus.REJECTED})
_DONE = frozenset({IntentState.FILLED, IntentState.SIMULATED, IntentState.CANCELLED})


def intent_progress(intent: TradeIntent, orders: Sequence[BookOrder]) -> IntentState:
    """Where it stands now; one whose orders are not all with the venue belongs to its lane."""
    if intent.state is IntentState.APPROVED and is_taken(intent, orders):
        intent = replace(intent, state=IntentState.PLACED)
    if intent.state not in FOLLOWING or not orders:
        return intent.state
    if any(row.status in LIVE for row in orders):
        return intent.state
    if any(row.filled_quantity > ZERO for row in orders):
        return IntentState.FILLED
    if intent.state is not IntentState.PLACED:
        return intent.state
    if all(row.status is OrderStatus.REJECTED for row in orders):
        return IntentState.FAILED
    return IntentState.CANCELLED


def is_taken(intent: TradeIntent, orders: Sequence[BookOrder]) -> bool:
    """Whether the venue has acknowledged each order that it asks for."""
    status = {row.order_id: row.status for row in orders}
    wanted = [status.get(order.key, OrderStatus.PENDING) for order in orders_of(intent)]
    return bool(wanted) and not _UNSETTLED.intersection(wanted)


def signal_progress(
    signal: SignalRecord, deliveries: Sequence[Delivery], intents: Sequence[TradeIntent]
) -> RequestStatus:
    """Over all its accounts, of the present attempt; done when every one of them has done it.

    One that came to nothing makes it failed, so that it may be sent once more, to that one alone.
    """
    current = [each for each in intents if each.attempt == signal.attempt]
    waiting = [
        each
        for each in deliveries
        if each.attempt == signal.attempt and each.state is DeliveryState.PENDING
    ]
    states = {each.state for each in current}
    if IntentState.PLACED in states or (IntentState.APPROVED in states):
        return RequestStatus.EXECUTING
    if waiting or not current:
        return signal.request_status
    return RequestStatus.DONE if states <= _DONE else RequestStatus.FAILED
