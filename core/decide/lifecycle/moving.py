"""Moving a stop: in place where the venue can, else a tighter one first, then the old one goes."""

from dataclasses import replace

from core.decide.lifecycle.trailing import Trail
from core.domain.order import BookOrder, OrderRequest, OrderType, at_broker
from core.domain.position import BookPosition, PositionKey
from core.plan.change import (
    REPLACES_STOP,
    CancelDuplicateStop,
    MoveStop,
    PlaceStop,
    Risk,
)


def moved_in_place(stop: BookOrder, trail: Trail) -> MoveStop:
    before = at_broker(stop)
    return MoveStop(
        account=stop.account,
        symbol=stop.symbol,
        target=before.broker_order_id,
        reason="trailing",
        because=trail.because,
        risk=Risk.MEDIUM,
        before=before,
        after=replace(before, trigger_price=trail.trigger),
    )


def tighter_beside(stop: BookOrder, position: BookPosition, trail: Trail) -> PlaceStop:
    return PlaceStop(
        account=stop.account,
        symbol=stop.symbol,
        target=PositionKey(position.account, position.symbol, position.side).target,
        reason=REPLACES_STOP,
        because=trail.because,
        risk=Risk.MEDIUM,
        after=OrderRequest(
            symbol=stop.symbol,
            side=stop.side,
            position_side=stop.position_side,
            type=OrderType.STOP,
            quantity=stop.quantity - stop.filled_quantity,
            trigger_price=trail.trigger,
            reduce_only=True,
        ),
    )


def old_one_away(stop: BookOrder, trail: Trail) -> CancelDuplicateStop:
    return CancelDuplicateStop(
        account=stop.account,
        symbol=stop.symbol,
        target=stop.broker_order_id or stop.order_id,
        reason="replaced_stop",
        because=f"A tighter stop stands. {trail.because}",
        risk=Risk.MEDIUM,
        before=at_broker(stop),
    )
