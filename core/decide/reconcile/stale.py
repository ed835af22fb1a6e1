"""Own orders that have been waiting for too long."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from core.config.settings import Execution, Settings
from core.decide.reconcile.match import Matching
from core.decide.reconcile.words import progress
from core.domain.observation import Observation
from core.domain.order import LIVE, STOP_TYPES, Allows, BrokerOrder
from core.plan.change import CancelStaleOrder, Risk


def cancel_stale(
    matching: Matching, observation: Observation, settings: Settings, now: datetime
) -> Iterator[CancelStaleOrder]:
    """Never an external one or one that protects, nor one that is still decided or out of reach."""
    limit = timedelta(seconds=settings.EXECUTION.cancel_stale_order_timeout)
    in_flight = {step.symbol for step in observation.book.open_steps}
    for order in matching.orders:
        began = _began(order, matching)
        if (
            limit
            and began is not None
            and now - began > limit
            and _may_go(order, settings.EXECUTION)
            and matching.owns(order)
            and not matching.holds(order)
            and order.symbol not in in_flight
        ):
            yield _cancel(order, observation.account, now - began, limit)


def _began(order: BrokerOrder, matching: Matching) -> datetime | None:
    row = matching.row_of(order)
    return order.created_at or (row.created_at if row else None)


def _may_go(order: BrokerOrder, settings: Execution) -> bool:
    whole = not order.filled_quantity or settings.cancel_partially_filled
    protects = order.type in STOP_TYPES or bool(order.reduce_only)
    within_reach = order.allows is not Allows.NOTHING
    return order.status in LIVE and whole and within_reach and not protects


def _cancel(order: BrokerOrder, account: str, age: timedelta, limit: timedelta) -> CancelStaleOrder:
    return CancelStaleOrder(
        account=account,
        symbol=order.symbol,
        target=order.broker_order_id,
        reason="stale_order",
        because=(
            f"Our {order.side} order is {progress(order)} after {_seconds(age)} seconds; "
            f"{_seconds(limit)} are allowed."
        ),
        risk=Risk.MEDIUM,
        before=order,
    )


def _seconds(span: timedelta) -> int:
    return span // timedelta(seconds=1)
