"""What becomes of intents beside the venue's answers: failed, simulated, cancelled by hand."""

from collections.abc import Sequence
from dataclasses import replace

from core.apply.progressing import follow_signals, intent_told
from core.domain.errors import Blocked, Usage
from core.domain.intent import IntentOrder, IntentState, TradeIntent, orders_of, signal_order
from core.domain.order import BookOrder, OrderStatus, Origin
from core.domain.text import to_row
from core.operate.alerting import raise_alert
from core.operate.desk import Desk


def move(desk: Desk, intent: TradeIntent, to: IntentState, outcome: str) -> bool:
    """Says so in the book and to the world; False when somebody else moved it first."""
    now = desk.clock.now()
    after = replace(intent, state=to, outcome=outcome, updated_at=now)
    with desk.book.write() as book:
        if not book.move_intent(after, from_state=intent.state):
            return False
        book.insert_events([intent_told(after)])
        follow_signals(book, [intent.signal_id], now)
    desk.log.event(
        "intent_moved",
        account=intent.account,
        symbol=intent.symbol,
        intent_id=intent.intent_id,
        signal_id=intent.signal_id,
        trace_id=intent.trace_id,
        state=to.value,
        outcome=outcome,
    )
    return True


def fail_intent(desk: Desk, intent: TradeIntent, why: str) -> None:
    if move(desk, intent, IntentState.FAILED, why):
        raise_alert(
            desk,
            "signal_failed",
            f"{intent.symbol} {intent.side}: {why}",
            account=intent.account,
            subject=intent.signal_id,
        )


def cancel_intents(desk: Desk, names: Sequence[str], why: str) -> list[TradeIntent]:
    """By hand, while nothing of them has been sent; `all` are those of every account."""
    gates = desk.gates()
    if gates.safe_mode or gates.dry_run:
        gate = "SAFE_MODE" if gates.safe_mode else "DRY_RUN"
        raise Blocked(f"{gate} is on, so no intent can be cancelled", hint="trueup status")
    with desk.lock():
        chosen = _waiting(desk) if list(names) == ["all"] else [_named(desk, n) for n in names]
        for intent in chosen:
            _check_cancellable(desk, intent)
        outcome = f"cancelled by {desk.actor}" + (f": {why}" if why else "")
        return [intent for intent in chosen if move(desk, intent, IntentState.CANCELLED, outcome)]


def _waiting(desk: Desk) -> list[TradeIntent]:
    with desk.book.read() as book:
        return book.intents(states={IntentState.APPROVED})


def _named(desk: Desk, name: str) -> TradeIntent:
    with desk.book.read() as book:
        intent = book.intent(name)
    if intent is None:
        raise Usage(f"no intent {name!r:.60}", hint="trueup intents --state APPROVED")
    return intent


def _check_cancellable(desk: Desk, intent: TradeIntent) -> None:
    keys = [order.key for order in orders_of(intent)]
    with desk.book.read() as book:
        begun = book.orders(intent.account, order_ids=keys)
    if intent.state is not IntentState.APPROVED or begun:
        state = "being placed" if begun else intent.state.value
        raise Blocked(
            f"intent {intent.intent_id} is {state}; only one that waits can be cancelled",
            hint=f"trueup history {intent.intent_id}",
        )


def simulate(desk: Desk, intent: TradeIntent, orders: Sequence[IntentOrder], why: str) -> None:
    """Everything but the venue: the orders stand in the book as what would have been sent."""
    now = desk.clock.now()
    rows = [_dry_row(intent, order) for order in orders]
    after = replace(intent, state=IntentState.SIMULATED, outcome=why, updated_at=now)
    with desk.book.write() as book:
        if not book.move_intent(after, from_state=intent.state):
            return
        book.insert_orders([replace(row, created_at=now, updated_at=now) for row in rows])
        book.put_signal_orders([signal_order(order) for order in orders])
        book.insert_events([intent_told(after)])
        follow_signals(book, [intent.signal_id], now)
    for row in rows:
        desk.log.event(
            f"[DRY-RUN] {row.side} {row.quantity} {row.symbol} {row.order_type}",
            account=intent.account,
            symbol=intent.symbol,
            order_id=row.order_id,
            signal_id=intent.signal_id,
            trace_id=intent.trace_id,
            order=to_row(row),
            why=why,
        )


def _dry_row(intent: TradeIntent, order: IntentOrder) -> BookOrder:
    return BookOrder(
        order_id=order.key,
        account=intent.account,
        client_order_id=order.key,
        symbol=order.symbol,
        side=order.side,
        position_side=order.position_side,
        order_type=order.type,
        quantity=order.quantity,
        price=order.price,
        trigger_price=order.trigger_price,
        time_in_force=order.time_in_force,
        reduce_only=order.reduce_only,
        post_only=order.post_only,
        status=OrderStatus.DRY_RUN,
        origin=Origin.DRY_RUN,
        signal_id=intent.signal_id,
        trace_id=intent.trace_id,
    )
