"""Own orders that have been waiting for too long, or for nothing."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from core.config.settings import Settings
from core.config.trading_settings import Execution
from core.decide.reconcile.match import Matching
from core.decide.reconcile.words import progress
from core.domain.observation import Observation
from core.domain.order import LIVE, STOP_TYPES, Allows, BrokerOrder, PositionSide
from core.domain.position import BookPosition, BrokerPosition, exit_side
from core.plan.change import CancelStaleOrder, Risk


def cancel_stale(
    matching: Matching, observation: Observation, settings: Settings, now: datetime
) -> Iterator[CancelStaleOrder]:
    """Never an external one or one that protects, nor one that is still decided or out of reach."""
    limit = timedelta(seconds=settings.EXECUTION.cancel_stale_order_timeout)
    in_flight = {step.symbol for step in observation.book.open_steps}
    for order in matching.orders:
        if (
            not _is_within_reach(order)
            or not matching.owns(order)
            or matching.holds(order)
            or order.symbol in in_flight
        ):
            continue
        if _only_leaves(order, matching):
            if _is_gone(order, observation):
                yield _left_behind(order, observation.account)
            continue
        began = _began(order, matching)
        if (
            limit
            and began is not None
            and now - began > limit
            and _may_go(order, settings.EXECUTION)
        ):
            yield _late(order, observation.account, now - began, limit)


def _is_within_reach(order: BrokerOrder) -> bool:
    protects = order.type in STOP_TYPES
    return order.status in LIVE and order.allows is not Allows.NOTHING and not protects


def _only_leaves(order: BrokerOrder, matching: Matching) -> bool:
    """Our own word for it counts too: a venue without reduce-only orders would let it open."""
    row = matching.row_of(order)
    return bool(order.reduce_only) or bool(row and row.reduce_only)


def _is_gone(order: BrokerOrder, observation: Observation) -> bool:
    """Broker and book agree that there is nothing which it could leave."""
    if not observation.broker.knows("positions"):
        return False
    told, stored = observation.broker.positions, observation.book.positions
    return not any(_leaves(order, row) for row in told) and not any(
        _leaves(order, row) for row in stored
    )


def _leaves(order: BrokerOrder, position: BrokerPosition | BookPosition) -> bool:
    return (
        bool(position.quantity)
        and position.symbol == order.symbol
        and order.position_side in (position.side, PositionSide.BOTH)
        and exit_side(position.quantity, position.side) is order.side
    )


def _began(order: BrokerOrder, matching: Matching) -> datetime | None:
    row = matching.row_of(order)
    return order.created_at or (row.created_at if row else None)


def _may_go(order: BrokerOrder, settings: Execution) -> bool:
    return not order.filled_quantity or settings.cancel_partially_filled


def _left_behind(order: BrokerOrder, account: str) -> CancelStaleOrder:
    return CancelStaleOrder(
        account=account,
        symbol=order.symbol,
        target=order.broker_order_id,
        reason="nothing_to_leave",
        because=(
            f"Our {order.side} order was to leave a position that is gone; it would leave the "
            "next one."
        ),
        risk=Risk.LOW,
        before=order,
    )


def _late(order: BrokerOrder, account: str, age: timedelta, limit: timedelta) -> CancelStaleOrder:
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
