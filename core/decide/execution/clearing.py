"""What has to make way before an order goes: pending orders of ours, cancelled or amended.

Protective orders, exits that a person approved and other people's are never touched, and a
partially filled one stays unless EXECUTION.cancel_partially_filled says otherwise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from core.config.settings import Settings
from core.domain.intent import IntentOrder
from core.domain.money import ZERO, decimal_text
from core.domain.order import BookOrder, OrderStatus, OrderType, Origin, at_broker
from core.plan.change import AmendOrder, CancelOrder, PlaceOrder, Risk

SignalChange = CancelOrder | AmendOrder | PlaceOrder
_SIGNAL_TYPES = frozenset({OrderType.LIMIT, OrderType.MARKET})


def steps(
    orders: Sequence[IntentOrder],
    live: Sequence[BookOrder],
    settings: Settings,
    *,
    account: str,
    amends: bool,
    now: datetime,
) -> tuple[SignalChange, ...]:
    """In the order in which they are to be done; `live` are the symbol's, without the intent's."""
    first = orders[0]
    if first.reduce_only:
        # Whatever closes something is never kept waiting by what would open something.
        ways = list(_in_the_way(first, live, settings, opposite_only=True))
    else:
        only = settings.EXECUTION.cancel_opposite_orders_only
        ways = list(_in_the_way(first, live, settings, opposite_only=only))
    if amends and len(orders) == 1 and len(ways) == 1 and _is_amendable(first, ways[0]):
        return (_amend(first, ways[0]),)
    return (
        *(_cancel(row, first) for row in ways),
        *(_place(order, account) for order in orders),
    )


def _in_the_way(
    order: IntentOrder, live: Sequence[BookOrder], settings: Settings, *, opposite_only: bool
) -> Iterator[BookOrder]:
    for row in sorted(live, key=lambda row: row.order_id):
        if row.origin is not Origin.OWNED or row.order_type not in _SIGNAL_TYPES:
            continue
        if row.reduce_only and not _is_older_exit(order, row):
            continue
        if row.filled_quantity > ZERO and not settings.EXECUTION.cancel_partially_filled:
            continue
        if opposite_only and row.side is order.side and not row.reduce_only:
            continue
        if row.broker_order_id is not None:
            yield row


def _is_older_exit(order: IntentOrder, row: BookOrder) -> bool:
    """Of an earlier signal for the same position: two would take away more than is held."""
    return row.signal_id is not None and row.position_side is order.position_side


def _is_amendable(order: IntentOrder, row: BookOrder) -> bool:
    """Only price or quantity differ, and nothing of it has filled."""
    same = (
        row.side is order.side
        and row.position_side is order.position_side
        and row.order_type is order.type
        and bool(row.reduce_only) == order.reduce_only
        and bool(row.post_only) == order.post_only
    )
    differs = (row.price, row.quantity) != (order.price, order.quantity)
    return (
        same
        and differs
        and order.type is OrderType.LIMIT
        and row.status is OrderStatus.OPEN
        and not row.filled_quantity
    )


def _amend(order: IntentOrder, row: BookOrder) -> AmendOrder:
    before = at_broker(row)
    return AmendOrder(
        account=row.account,
        symbol=row.symbol,
        target=row.order_id,
        reason="newer_signal",
        because=f"Signal {order.signal_id} asks for the same order at another price or size.",
        risk=Risk.MEDIUM,
        before=before,
        after=replace(before, price=order.price, quantity=order.quantity),
    )


def _cancel(row: BookOrder, order: IntentOrder) -> CancelOrder:
    return CancelOrder(
        account=row.account,
        symbol=row.symbol,
        target=row.order_id,
        reason="newer_signal",
        because=f"It makes way for signal {order.signal_id}.",
        risk=Risk.MEDIUM,
        before=at_broker(row),
    )


def _place(order: IntentOrder, account: str) -> PlaceOrder:
    at = f" at {decimal_text(order.price)}" if order.price is not None else ""
    return PlaceOrder(
        account=account,
        symbol=order.symbol,
        target=f"{order.intent_id}.{order.sequence:02}",
        reason="signal",
        because=(
            f"Signal {order.signal_id} asks to {order.purpose}: {order.type} {order.side} "
            f"{decimal_text(order.quantity)}{at}."
        ),
        risk=Risk.MEDIUM if order.reduce_only else Risk.HIGH,
        after=order,
    )
