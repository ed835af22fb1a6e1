"""Exit intents follow their orders, in the transaction in which an order changed.

Placing is guarded by the intent's own state: of two that carry the same one, one wins. An order
that came to nothing is not judged here: whether it is tried again is for the lane to decide.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from core.decide.exits.reasons import refused_for
from core.domain.errors import Stale
from core.domain.exit import ExitCause, ExitIntent, ExitOf, ExitState
from core.domain.order import BookOrder, OrderStatus
from core.domain.record import Event
from core.domain.text import plain
from core.ports import BookWriting

# Over, and nothing was bought or sold for it.
_LED_NOWHERE = frozenset(
    {ExitState.REJECTED, ExitState.FAILED, ExitState.CANCELLED, ExitState.SIMULATED}
)


def place_exit(book: BookWriting, wanted: ExitOf, order: BookOrder) -> None:
    """APPROVED → PLACED, before anything is sent."""
    intent = book.exit_intent(wanted.exit_intent_id)
    state = intent.state if intent else "gone"
    if intent is None or intent.state is not ExitState.APPROVED:
        raise Stale(f"exit {wanted.exit_intent_id} is {state}, not waiting any more")
    if book.orders(order.account, order_ids=[order.order_id]):
        raise Stale(f"the order of exit {wanted.exit_intent_id} has been begun already")
    assert order.created_at is not None, "an order is made at a moment"
    move_exit(book, intent, ExitState.PLACED, order.created_at, "its order is on its way")


def follow_exits(book: BookWriting, orders: Iterable[BookOrder]) -> None:
    """Those whose order has filled are done."""
    filled = {row.order_id: row for row in orders if row.status is OrderStatus.FILLED}
    if not filled:
        return
    for sent in book.exits_of(list(filled)):
        intent = book.exit_intent(sent.exit_intent_id)
        row = filled[sent.order_id]
        if intent and intent.state in (ExitState.PLACED, ExitState.CANCELLED, ExitState.FAILED):
            at = row.updated_at or row.created_at or intent.updated_at
            price = plain(row.average_price) if row.average_price else "a price not told yet"
            moved = move_exit(book, intent, ExitState.FILLED, at, f"filled at {price}")
            assert moved, "it was read in this very transaction"
            book.bore_fruit(intent.trade_id, intent.cause)


def move_exit(
    book: BookWriting, intent: ExitIntent, to: ExitState, at: datetime, outcome: str
) -> bool:
    after = replace(intent, state=to, updated_at=at, outcome=outcome)
    return write_exit(book, after, from_state=intent.state)


def write_exit(book: BookWriting, after: ExitIntent, *, from_state: ExitState) -> bool:
    """Persisted and told together; False when somebody else moved it first.

    What led nowhere may be asked for once more at the same price, unless a person asked.
    """
    if not book.move_exit_intent(after, from_state=from_state):
        return False
    book.insert_events([exit_told(after)])
    if after.state in _LED_NOWHERE and after.cause is not ExitCause.MANUAL:
        book.forget_brick(after.trade_id, after.cause)
    return True


def exit_told(intent: ExitIntent) -> Event:
    """The outbox row of an exit intent's new state."""
    told = intent.state.value.lower()
    if "EXIT_COOLDOWN_ACTIVE" in refused_for(intent):
        told = "cooldown_rejected"
    return Event(
        event_id=f"{intent.exit_intent_id}:{told}:{intent.tries}",
        event_type=f"exit_intent.{told}",
        occurred_at=intent.updated_at,
        account=intent.account,
        symbol=intent.symbol,
        trace_id=intent.trace_id,
        correlation_id=intent.exit_signal_id,
        payload={
            "exit_intent_id": intent.exit_intent_id,
            "trade_id": intent.trade_id,
            "position_id": intent.position_id,
            "cause": intent.cause.value,
            "episode": intent.episode,
            "state": intent.state.value,
            "quantity": plain(intent.quantity),
            "outcome": intent.outcome,
            **intent.reasons,
            **intent.because,
        },
    )
