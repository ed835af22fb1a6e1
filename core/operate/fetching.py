"""Fills that an order is known to have and the book has not: they come before the next decision."""

from collections.abc import Sequence
from datetime import timedelta

from core.apply.hold import Hold
from core.domain.execution import MOVING
from core.domain.intent import IntentState
from core.domain.money import ZERO
from core.domain.order import BookOrder
from core.operate.account_watch import AccountWatch
from core.operate.desk import Desk
from core.operate.hearing import hear

# How far before an order its fills are asked for, since clocks differ.
MARGIN = timedelta(minutes=1)
_LATEST = 5


def fills_missing(desk: Desk, account: str, symbol: str) -> list[BookOrder]:
    """Of the lane's latest orders, those that filled more than the book has executions of.

    What stays incomplete beyond EXECUTION.order_timeout is the reconciliation's to tell of, and
    holds up nobody.
    """
    recent = desk.clock.now() - timedelta(seconds=desk.settings.EXECUTION.order_timeout)
    placed = {IntentState.PLACED, IntentState.FILLED}
    with desk.book.read() as book:
        intents = book.intents(account, symbol=symbol, states=placed)[-_LATEST:]
        orders = [
            row
            for row in book.orders_of_signals({intent.signal_id for intent in intents})
            if row.account == account
            and row.filled_quantity > ZERO
            and (row.updated_at is None or row.updated_at > recent)
        ]
        executions = book.executions_of(account, {row.broker_order_id for row in orders})
    return [
        row
        for row in orders
        if row.filled_quantity
        > sum(
            (
                each.quantity
                for each in executions
                if each.broker_order_id == row.broker_order_id and each.kind in MOVING
            ),
            ZERO,
        )
    ]


async def fetch_fills(
    desk: Desk, watch: AccountWatch, hold: Hold, missing: Sequence[BookOrder]
) -> None:
    since = min((row.created_at for row in missing if row.created_at), default=None)
    snapshot = await watch.broker.snapshot(since - MARGIN if since else None)
    wanted = {row.broker_order_id for row in missing}
    async with hold:
        await hear(
            desk,
            watch,
            [row for row in snapshot.orders if row.broker_order_id in wanted],
            [row for row in snapshot.executions if row.broker_order_id in wanted],
        )
