"""Which stops only reduce. IB has no such flag on an order, so the position answers for it.

| stop | the position | reduce-only |
|---|---|---|
| ours | any | yes: we place stops for nothing else |
| of others | open on the other side | yes: filling it reduces |
| of others | none, or on the same side | no: filling it opens or adds |

Said only where the positions are known.
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from core.domain.money import ZERO
from core.domain.order import STOP_TYPES, BrokerOrder, PositionSide, is_our_key
from core.domain.position import BrokerPosition, exit_side


def with_reduce_only(
    orders: Iterable[BrokerOrder], positions: Iterable[BrokerPosition]
) -> tuple[BrokerOrder, ...]:
    held = {position.symbol: position.quantity for position in positions}
    return tuple(
        replace(order, reduce_only=_only_reduces(order, held.get(order.symbol, ZERO)))
        if order.type in STOP_TYPES
        else order
        for order in orders
    )


def _only_reduces(order: BrokerOrder, quantity: Decimal) -> bool:
    if is_our_key(order.client_order_id):
        return True
    return bool(quantity) and order.side is exit_side(quantity, PositionSide.BOTH)
