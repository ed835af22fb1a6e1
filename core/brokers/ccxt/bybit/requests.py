"""What we ask of Bybit's writing endpoints, in its words."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from core.brokers.ccxt.bybit.words import (
    LIMITED,
    POST_ONLY,
    THEIR_LEGS,
    THEIR_SIDES,
    UNLESS_TOLD,
    WAITING,
)
from core.brokers.ccxt.venue import Changes, cannot
from core.domain.money import decimal_text
from core.domain.order import BrokerOrder, OrderRequest, OrderType, Side

Parameters = dict[str, Any]
SPOT = "spot"


def placing(key: str, request: OrderRequest, category: str) -> Parameters:
    """order/create; what cannot be said there is NotSent."""
    if request.type is OrderType.TRAILING_STOP:
        raise cannot("Bybit", "take a trailing stop as an order", "trail with ordinary stops")
    limited = request.type in LIMITED
    wanted: Parameters = {
        "category": category,
        "symbol": request.symbol,
        "side": THEIR_SIDES[request.side],
        "orderType": "Limit" if limited else "Market",
        "qty": decimal_text(request.quantity),
        "orderLinkId": key,
    }
    if limited:
        wanted["price"] = _price(request.price, "price")
    if request.post_only:
        wanted["timeInForce"] = POST_ONLY
    elif request.time_in_force and limited:
        wanted["timeInForce"] = request.time_in_force
    if category == SPOT:
        # Unless told otherwise, a spot purchase at the market is counted in money.
        wanted["marketUnit"] = "baseCoin"
    else:
        wanted["positionIdx"] = THEIR_LEGS[request.position_side]
        wanted["reduceOnly"] = request.reduce_only
    return wanted | _waiting(request, category)


def _waiting(request: OrderRequest, category: str) -> Parameters:
    if request.type not in WAITING:
        return {}
    # A stop waits for the price to go against what it protects: a buying one for a rise.
    rises = (request.side is Side.BUY) is WAITING[request.type]
    wanted: Parameters = {"triggerPrice": _price(request.trigger_price, "trigger price")}
    if category == SPOT:
        return wanted | {"orderFilter": "StopOrder"}
    return wanted | {"triggerDirection": 1 if rises else 2, "triggerBy": "LastPrice"}


def as_listed(request: OrderRequest) -> OrderRequest:
    """The request in the words in which Bybit will list the order."""
    if request.type not in LIMITED:
        return replace(request, time_in_force=None)
    told = None if request.post_only else request.time_in_force
    return replace(request, time_in_force=told or UNLESS_TOLD)


def amending(order: BrokerOrder, changes: Changes, category: str) -> Parameters:
    wanted = {
        "qty": changes.quantity,
        "price": changes.price,
        "triggerPrice": changes.trigger_price,
    }
    told = {name: decimal_text(value) for name, value in wanted.items() if value is not None}
    return _naming(order, category) | told


def cancelling(order: BrokerOrder, category: str) -> Parameters:
    wanted = _naming(order, category)
    if category == SPOT and order.trigger_price is not None:
        wanted["orderFilter"] = "StopOrder"
    return wanted


def _naming(order: BrokerOrder, category: str) -> Parameters:
    return {"category": category, "symbol": order.symbol, "orderId": order.broker_order_id}


def _price(price: Decimal | None, what: str) -> str:
    if price is None:
        raise cannot("Bybit", f"take this order without a {what}", f"give it a {what}")
    return decimal_text(price)
