"""What we ask of MEXC's writing endpoints.

A stop is a plan order and nothing else: order/create passes over a stop price and would trade at
once. A time in force is a type of its own, never a flag.
"""

from decimal import Decimal
from typing import Any

from core.brokers.ccxt.mexc.contracts import Contract
from core.brokers.ccxt.mexc.words import (
    CROSS,
    DIRECTIONS,
    FALLS,
    LAST_PRICE,
    LIMITED,
    MARKET,
    PLANS,
    POST_ONLY,
    RISES,
    SEVEN_DAYS,
    TYPES,
    Direction,
)
from core.brokers.ccxt.venue import Changes, cannot
from core.domain.order import BrokerOrder, OrderRequest, OrderType, PositionSide, Side

Parameters = dict[str, Any]


def is_plan(kind: OrderType) -> bool:
    return kind in PLANS


def placing(key: str, request: OrderRequest, contract: Contract, open_type: int) -> Parameters:
    """order/create."""
    wanted = _shared(request, contract, open_type)
    return wanted | {"type": _type(request), "externalOid": key}


def planning(request: OrderRequest, contract: Contract, open_type: int) -> Parameters:
    """planorder/place, which has no room for a key of ours."""
    rises = (request.side is Side.BUY) is PLANS[request.type]
    return _shared(request, contract, open_type) | {
        "orderType": _type(request),
        "triggerPrice": _price(request.trigger_price, "trigger price"),
        "triggerType": RISES if rises else FALLS,
        "executeCycle": SEVEN_DAYS,
        "trend": LAST_PRICE,
    }


def amending(order: BrokerOrder, changes: Changes, contract: Contract) -> Parameters:
    """order/change_limit_order, which wants price and quantity both."""
    if is_plan(order.type) or changes.trigger_price is not None:
        raise cannot("MEXC", "change a plan order", "place a new one, then cancel this one")
    quantity = order.quantity if changes.quantity is None else changes.quantity
    return {
        "orderId": order.broker_order_id,
        "vol": contract.contracts(quantity),
        "price": _price(order.price if changes.price is None else changes.price, "price"),
    }


def _shared(request: OrderRequest, contract: Contract, open_type: int) -> Parameters:
    wanted: Parameters = {
        "symbol": request.symbol,
        "side": _direction(request),
        "vol": contract.contracts(request.quantity),
        "openType": open_type or CROSS,
    }
    if request.type in LIMITED:
        wanted["price"] = _price(request.price, "price")
    if request.reduce_only and request.position_side is PositionSide.BOTH:
        # In hedge mode the direction says it all, and MEXC takes no flag.
        wanted["reduceOnly"] = True
    return wanted


def _direction(request: OrderRequest) -> int:
    """In hedge mode the leg says whether it closes, in one-way mode only reduce-only does."""
    long = request.position_side is PositionSide.LONG
    opens = (request.side is Side.BUY) is long
    closes = request.reduce_only if request.position_side is PositionSide.BOTH else not opens
    leg = PositionSide.LONG if (request.side is Side.BUY) is not closes else PositionSide.SHORT
    wanted = Direction(request.side, leg, closes=closes)
    return next(number for number, each in DIRECTIONS.items() if each == wanted)


def _type(request: OrderRequest) -> int:
    if request.type not in LIMITED:
        return MARKET
    if request.post_only:
        return POST_ONLY
    time_in_force = request.time_in_force or "GTC"
    if time_in_force not in TYPES:
        raise cannot("MEXC", f"keep an order {time_in_force}", f"use {', '.join(TYPES)}")
    return TYPES[time_in_force]


def _price(price: Decimal | None, what: str) -> Decimal:
    if price is None:
        raise cannot("MEXC", f"take this order without a {what}", f"give it a {what}")
    return price
