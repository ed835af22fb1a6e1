"""An order as Bybit lists it, in our words."""

from dataclasses import replace
from decimal import Decimal

from core.brokers.ccxt.bybit.words import (
    LEGS,
    POST_ONLY,
    SIDES,
    STATUSES,
    STOPS,
    TARGETS,
    TRAILING,
    UNLESS_TOLD,
    WITH_LIMIT,
)
from core.brokers.ccxt.figures import Row, amount, moment, name, needed, needed_name, price
from core.domain.money import ZERO
from core.domain.order import BrokerOrder, OrderType, Side

SPOT = "spot"
RISES, FALLS = "1", "2"


def order_of(row: Row) -> BrokerOrder:
    kind = _type(row)
    filled = amount(row.get("cumExecQty"))
    limited = row["orderType"] == "Limit"
    their_time_in_force = name(row.get("timeInForce"))
    post_only = their_time_in_force == POST_ONLY
    return BrokerOrder(
        broker_order_id=needed_name(row["orderId"]),
        client_order_id=name(row.get("orderLinkId")),
        symbol=needed_name(row["symbol"]),
        side=SIDES[row["side"]],
        position_side=LEGS[int(row.get("positionIdx") or 0)],
        type=kind,
        quantity=_quantity(row, filled),
        filled_quantity=filled,
        # A market order's row shows the worst price it would have taken.
        price=price(row.get("price")) if limited else None,
        trigger_price=price(row.get("triggerPrice")),
        average_price=price(row.get("avgPrice")) if filled else None,
        # Likewise its time in force: the venue writes one, the order never had a choice.
        time_in_force=UNLESS_TOLD if post_only else their_time_in_force if limited else None,
        reduce_only=_is_true(row.get("reduceOnly")),
        post_only=post_only,
        status=STATUSES[row["orderStatus"]],
        created_at=moment(row.get("createdTime")),
        updated_at=moment(row.get("updatedTime")),
    )


def of_whole_position(order: BrokerOrder, held: Decimal) -> BrokerOrder:
    """A stop for whatever is held may be listed without a quantity; it closes what there is."""
    return replace(order, quantity=abs(held)) if order.quantity == ZERO and held else order


def _type(row: Row) -> OrderType:
    limited = {"Limit": True, "Market": False}[row["orderType"]]
    waiting = _waits_as(row)
    if waiting is None:
        return OrderType.LIMIT if limited else OrderType.MARKET
    return WITH_LIMIT[waiting] if limited else waiting


def _waits_as(row: Row) -> OrderType | None:
    kind = row.get("stopOrderType") or ""
    if kind == TRAILING:
        return OrderType.TRAILING_STOP
    if price(row.get("triggerPrice")) is None:
        return None
    if kind in STOPS:
        return OrderType.STOP
    if kind in TARGETS:
        return OrderType.TAKE_PROFIT
    against = _rises(row) is (SIDES[row["side"]] is Side.BUY)
    return OrderType.STOP if against else OrderType.TAKE_PROFIT


def _rises(row: Row) -> bool:
    """Whether it waits for the price to rise; spot does not always say so."""
    direction = str(row.get("triggerDirection") or "")
    if direction in (RISES, FALLS):
        return direction == RISES
    began_at = price(row.get("lastPriceOnCreated"))
    if began_at is None:
        raise ValueError("its trigger has no direction")
    return needed(row.get("triggerPrice")) > began_at


def _quantity(row: Row, filled: Decimal) -> Decimal:
    """A spot purchase may be told in money; then what was bought is all that is known of it."""
    return filled if row.get("marketUnit") == "quoteCoin" else needed(row["qty"])


def _is_true(told: object) -> bool | None:
    return None if told is None else str(told).lower() == "true"
