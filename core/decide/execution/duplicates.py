"""The same order once more, without a signal of its own to ask for it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from core.domain.intent import IntentOrder
from core.domain.order import BookOrder, OrderStatus


def duplicate_of(
    order: IntentOrder,
    account: str,
    recent: Iterable[BookOrder],
    *,
    now: datetime,
    window: timedelta,
) -> str | None:
    """The id of an order like it that was just sent for the same signal.

    Parts of one intent may well be alike; they bear its keys.
    """
    for row in recent:
        if row.order_id == order.key or row.signal_id != order.signal_id:
            continue
        if row.status in (OrderStatus.REJECTED, OrderStatus.DRY_RUN) or _is_part(order, row):
            continue
        if row.created_at and now - row.created_at < window and _alike(order, row, account):
            return row.order_id
    return None


def _is_part(order: IntentOrder, row: BookOrder) -> bool:
    keys = {replace(order, sequence=number).key for number in range(1, order.of + 1)}
    return row.order_id in keys


def _alike(order: IntentOrder, row: BookOrder, account: str) -> bool:
    return (account, order.symbol, order.side, order.quantity, order.price) == (
        row.account,
        row.symbol,
        row.side,
        row.quantity,
        row.price,
    )
