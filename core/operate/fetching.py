"""What a lane's own orders have done and the book does not know yet: it comes before the next
decision.

That is a fill without its executions, and a market order that seems to rest, which none can do.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import islice

from core.apply.hold import Hold
from core.domain.execution import MOVING
from core.domain.intent import IntentState
from core.domain.money import ZERO
from core.domain.order import LIVE, BookOrder, OrderType
from core.operate.account_watch import AccountWatch
from core.operate.desk import Desk
from core.operate.hearing import hear

# How far before an order its fills are asked for, since clocks differ.
MARGIN = timedelta(minutes=1)
# What the venue's stream is given to tell by itself of an order that cannot rest.
GRACE = timedelta(seconds=0.5)
_LATEST = 5
_IMMEDIATE = frozenset({"IOC", "FOK"})


def fills_missing(desk: Desk, account: str, symbol: str) -> list[BookOrder]:
    """Of the lane's latest orders, those that filled more than the book has executions of, and
    those that must have ended and are not known to.

    What stays incomplete beyond EXECUTION.order_timeout is the reconciliation's to tell of, and
    holds up nobody.
    """
    recent = desk.clock.now() - timedelta(seconds=desk.settings.EXECUTION.order_timeout)
    placed = {IntentState.PLACED, IntentState.FILLED}
    with desk.book.read() as book:
        intents = list(islice(book.latest_intents(account, symbol, placed), _LATEST))
        exits = book.recent_exits(account, symbol, _LATEST)
        guards = [life.stop_order_id for life in book.lives(account, symbol=symbol)]
        sent = [
            *book.orders_of_signals({intent.signal_id for intent in intents}),
            *book.orders(account, order_ids=[each.key_of(each.tries) for each in exits]),
            *book.orders(account, order_ids=[name for name in guards if name]),
        ]
        orders = [
            row
            for row in sent
            if row.account == account
            and (row.filled_quantity > ZERO or must_have_ended(row))
            and (row.updated_at is None or row.updated_at > recent)
        ]
        executions = book.executions_of(account, {row.broker_order_id for row in orders})
    return [
        row
        for row in orders
        if must_have_ended(row)
        or row.filled_quantity
        > sum(
            (
                each.quantity
                for each in executions
                if each.broker_order_id == row.broker_order_id and each.kind in MOVING
            ),
            ZERO,
        )
    ]


def must_have_ended(row: BookOrder) -> bool:
    immediate = row.order_type is OrderType.MARKET or row.time_in_force in _IMMEDIATE
    return immediate and row.status in LIVE and row.broker_order_id is not None


def grace_left(desk: Desk, missing: Sequence[BookOrder]) -> float:
    """Seconds to wait before asking for orders that the venue is about to tell of by itself."""
    if not all(must_have_ended(row) and row.updated_at for row in missing):
        return 0.0
    latest = max(row.updated_at for row in missing if row.updated_at)
    return (latest + GRACE - desk.clock.now()).total_seconds()


async def fetch_fills(
    desk: Desk, watch: AccountWatch, hold: Hold, missing: Sequence[BookOrder]
) -> None:
    since = min((row.created_at for row in missing if row.created_at), default=None)
    snapshot = await watch.broker.snapshot(since - MARGIN if since else None)
    wanted = {row.broker_order_id for row in missing}
    await hear(
        desk,
        watch,
        hold,
        [row for row in snapshot.orders if row.broker_order_id in wanted],
        [row for row in snapshot.executions if row.broker_order_id in wanted],
    )
