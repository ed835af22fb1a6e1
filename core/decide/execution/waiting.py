"""Orders of approved intents that nobody has sent: what a plan proposes while no service may."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from core.config.settings import Settings
from core.decide.execution.clearing import SignalChange, steps
from core.domain.intent import IntentOrder, IntentState, TradeIntent, orders_of
from core.domain.observation import Observation
from core.domain.order import LIVE, OrderStatus


def waiting_orders(seen: Observation, settings: Settings, now: datetime) -> Iterator[SignalChange]:
    """One intent a symbol, the first that came: the next one is decided once it has gone."""
    busy = {step.symbol for step in seen.book.open_steps}
    for intent in seen.book.intents:
        if intent.symbol in busy or not _may_go(intent, now):
            continue
        busy.add(intent.symbol)
        if orders := _next_of(intent, seen):
            yield from _steps(orders, intent, seen, settings, now)


def _may_go(intent: TradeIntent, now: datetime) -> bool:
    waits = intent.state is IntentState.APPROVED and "simulated" not in intent.because
    return waits and not (intent.expires_at and now > intent.expires_at)


def _next_of(intent: TradeIntent, seen: Observation) -> list[IntentOrder]:
    """Those that have not been begun, up to one that waits for all before it to fill."""
    status = {row.order_id: row.status for row in seen.book.orders}
    orders: list[IntentOrder] = []
    is_filled = True
    for order in orders_of(intent):
        if order.after_previous and not is_filled:
            break
        is_filled = is_filled and status.get(order.key) is OrderStatus.FILLED
        if order.key in status:
            continue
        orders.append(replace(order, after_previous=False))
    return orders


def _steps(
    orders: list[IntentOrder],
    intent: TradeIntent,
    seen: Observation,
    settings: Settings,
    now: datetime,
) -> tuple[SignalChange, ...]:
    live = [
        row
        for row in seen.book.orders
        if row.symbol == intent.symbol and row.signal_id != intent.signal_id and row.status in LIVE
    ]
    # A plan cancels and places; amending is for whoever looks at one order at a time.
    return steps(orders, live, settings, account=intent.account, amends=False, now=now)
