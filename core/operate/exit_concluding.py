"""What becomes of an exit whose order has ended without filling all of it.

| its order                                   | the exit                                  |
|---------------------------------------------|-------------------------------------------|
| ended with its trade                        | CANCELLED                                 |
| was a limit, and is taken back              | CANCELLED; the price may ask once more    |
| came to nothing, or filled a part           | APPROVED again, for the rest, after a     |
|                                             | pause                                     |
| came to nothing more often than may be      | FAILED; the position keeps its stop       |

Whatever it filled is booked by its executions.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from core.apply.exit_progress import write_exit
from core.domain.exit import ExitIntent, ExitState
from core.domain.money import ZERO
from core.domain.order import BookOrder, OrderStatus, OrderType
from core.domain.trade import TradeStatus
from core.operate.alerting import raise_alert
from core.operate.exit_orders import ExitOrders
from core.operate.pause import growing_pause


def conclude(orders: ExitOrders, intent: ExitIntent, row: BookOrder) -> None:
    trade = orders.trade_of(intent)
    if trade.status is TradeStatus.CLOSED:
        orders.end(intent, ExitState.CANCELLED, f"the trade is closed: {trade.exit_reason}")
        return
    if row.order_type is OrderType.LIMIT and row.status is OrderStatus.CANCELLED:
        orders.end(intent, ExitState.CANCELLED, "taken back")
        return
    assert intent.quantity is not None, "it was approved with one"
    rest = min(intent.quantity - row.filled_quantity, trade.open_quantity)
    if rest <= ZERO:
        orders.end(intent, ExitState.FILLED, f"all of it filled, and then it was {row.status}")
        return
    why = orders.why_of(row)
    if _barren_tries(orders, intent) > orders.desk.settings.EXITS.max_exit_retries:
        _fail(orders, intent, f"{why}, after {intent.tries} tries")
        return
    _again(orders, intent, rest, why)


def _barren_tries(orders: ExitOrders, intent: ExitIntent) -> int:
    """Those that filled nothing: a market that takes a part each time is no failure."""
    keys = [intent.key_of(tries) for tries in range(1, intent.tries + 1)]
    with orders.desk.book.read() as book:
        rows = book.orders(intent.account, order_ids=keys)
    return sum(not row.filled_quantity for row in rows)


def _again(orders: ExitOrders, intent: ExitIntent, rest: Decimal, why: str) -> None:
    """Once more, for what it has not filled, under a key of its own."""
    settings, now = orders.desk.settings.EXITS, orders.desk.clock.now()
    pause = growing_pause(settings.retry_base_seconds, intent.tries, settings.retry_cap_seconds)
    after = replace(
        intent,
        state=ExitState.APPROVED,
        tries=intent.tries + 1,
        quantity=rest,
        not_before=now + timedelta(seconds=pause),
        updated_at=now,
        outcome=why,
    )
    with orders.desk.book.write() as book:
        moved = write_exit(book, after, from_state=intent.state)
    if moved:
        orders.log(after, "exit_tried_again")


def _fail(orders: ExitOrders, intent: ExitIntent, why: str) -> None:
    if orders.end(intent, ExitState.FAILED, why):
        raise_alert(
            orders.desk,
            "exit_failed",
            f"{intent.symbol}: {intent.cause} could not be carried out: {why}; the position "
            "is still there",
            account=intent.account,
            subject=intent.exit_intent_id,
        )
