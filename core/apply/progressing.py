"""Intents and signals follow their orders: in the transaction in which an order changed.

Only intents that the venue has taken are moved here; one that still waits belongs to its lane.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from core.apply.living import follow_orders
from core.decide.execution.progress import intent_progress, signal_progress
from core.domain.intent import (
    INTENT_MOVES,
    IntentState,
    Relationship,
    TradeIntent,
    orders_of,
)
from core.domain.order import BookOrder
from core.domain.record import Event
from core.domain.refusal import refusals
from core.domain.signal import REQUEST_MOVES, RequestStatus, SignalRecord
from core.ports import BookReading, BookWriting


def follow_intents(book: BookWriting, orders: Iterable[BookOrder]) -> None:
    """After these orders changed: every intent that asked for one of them, and its signal."""
    changed = {row.order_id: row for row in orders if row.signal_id}
    if not changed:
        return
    at = max((row.updated_at for row in changed.values() if row.updated_at), default=None)
    related = book.signal_orders(order_ids=list(changed))
    signal_ids = {row.signal_id for row in related}
    follow_signals(book, signal_ids, at)


def follow_signals(book: BookWriting, signal_ids: Collection[str], at: datetime | None) -> None:
    for signal in book.signals(signal_ids):
        moment = at or signal.received_at
        for intent in book.intents(signal_id=signal.signal_id):
            _move_intent(book, intent, moment, signal.attempt)
            follow_orders(book, intent.account, intent.symbol, at=moment)
        _move_signal(book, signal, moment)


def _move_intent(book: BookWriting, intent: TradeIntent, at: datetime, attempt: int) -> None:
    """An intent that fills at once has been placed before, and both is told."""
    to = intent_progress(intent, _orders_of(book, intent, attempt))
    states = [to]
    if intent.state is IntentState.APPROVED and to not in (
        IntentState.APPROVED,
        IntentState.PLACED,
    ):
        states = [IntentState.PLACED, to]
    for state in states:
        if state in INTENT_MOVES[intent.state]:
            after = replace(intent, state=state, updated_at=at)
            moved = book.move_intent(after, from_state=intent.state)
            assert moved, "it was read in this very transaction"
            book.insert_events([intent_told(after)])
            intent = after


def _move_signal(book: BookWriting, signal: SignalRecord, at: datetime) -> None:
    intents = book.intents(signal_id=signal.signal_id)
    status = signal_progress(signal, book.deliveries(signal.signal_id), intents)
    if status not in REQUEST_MOVES[signal.request_status]:
        return
    ended = status in (RequestStatus.DONE, RequestStatus.FAILED)
    book.update_signals(
        [
            replace(
                signal,
                request_status=status,
                finished_at=at if ended else None,
                reason=_why(intents) if status is RequestStatus.FAILED else signal.reason,
            )
        ]
    )


def _why(intents: Iterable[TradeIntent]) -> str:
    """The words of every intent that came to nothing."""
    told = []
    for intent in intents:
        named = [each.code for each in refusals(intent.reasons)]
        told.append(f"{intent.account}: {', '.join(named) or intent.outcome or intent.state}")
    return "; ".join(told)


def _orders_of(book: BookReading, intent: TradeIntent, attempt: int) -> Sequence[BookOrder]:
    """Those that it led to; one that was amended for the signal belongs to its present attempt."""
    own = {
        replace(order, tries=tries).key
        for order in orders_of(intent)
        for tries in range(1, intent.tries + 1)
    }
    related = book.signal_orders(signal_ids=[intent.signal_id])
    mine = {
        row.order_id
        for row in related
        if row.order_id in own
        or (row.relationship_type is Relationship.MANY_TO_ONE and intent.attempt == attempt)
    }
    return book.orders(intent.account, order_ids=mine)


def intent_told(intent: TradeIntent) -> Event:
    """The outbox row of an intent's new state."""
    told = "placed" if intent.state is IntentState.PLACED else intent.state.value.lower()
    return Event(
        event_id=f"{intent.intent_id}:{told}:{intent.tries}",
        event_type=f"intent.{told}",
        occurred_at=intent.updated_at,
        account=intent.account,
        symbol=intent.symbol,
        trace_id=intent.trace_id,
        correlation_id=intent.signal_id,
        payload={
            "intent_id": intent.intent_id,
            "signal_id": intent.signal_id,
            "side": intent.side.value,
            "state": intent.state.value,
            "outcome": intent.outcome,
            **intent.reasons,
            **intent.because,
        },
    )
