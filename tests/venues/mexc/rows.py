"""MEXC's rows: orders, plan orders, deals, positions and assets on the wire.

The venue writes prices and quantities as JSON numbers and long ids as text. Sides are 1 open long,
2 close short, 3 open short, 4 close long.
"""

from decimal import Decimal
from typing import Any

from tests.venues.exchange import (
    Exchange,
    Execution,
    ExecutionKind,
    Kind,
    Order,
    Position,
    Side,
    State,
)
from tests.venues.exchange.checks import closes_only
from tests.venues.wire import plain

Row = dict[str, Any]
DAY_SECONDS = 86_400
# executeCycle on the wire, and how long such a plan order lives.
CYCLES = {1: DAY_SECONDS, 2: 7 * DAY_SECONDS}

# The type of what its owner placed in the browser.
_BY_HAND = {Kind.LIMIT: "1", Kind.MARKET: "5"}

_STATES = {State.FILLED: 3, State.NEW: 2, State.PARTIALLY_FILLED: 2, State.REJECTED: 5}
_PLAN_STATES = {
    State.UNTRIGGERED: 1,
    State.CANCELLED: 2,
    State.EXECUTED: 3,
    State.EXPIRED: 4,
    State.REJECTED: 5,
}
_CATEGORIES = {ExecutionKind.LIQUIDATION: 2, ExecutionKind.ADL: 4}


def number(value: Decimal | None) -> int | float:
    """A decimal as a JSON number, as the venue sends it; a client may lose digits here."""
    if value is None:
        return 0
    return int(value) if value == value.to_integral_value() else float(round(value, 12))


def is_plan(order: Order) -> bool:
    """Whether an order is a plan order, which never trades itself."""
    return order.ticket.trigger is not None


def wire_state(order: Order) -> int:
    """The number the venue has for where an order or plan order is in its life."""
    if is_plan(order):
        return _PLAN_STATES.get(order.state, 2)
    return _STATES.get(order.state, 4)


def wire_side(order: Order) -> int:
    """The number the venue has for a direction and its leg."""
    ticket = order.ticket
    closes = closes_only(ticket)
    if ticket.side is Side.BUY:
        return 2 if closes else 1
    return 4 if closes else 3


def order_row(exchange: Exchange, order: Order) -> Row:
    """One order, as every listing of orders and the order channel show it."""
    ticket, position = order.ticket, exchange.floor.position_for(order)
    extra = dict(ticket.extra)
    return {
        "orderId": order.order_id,
        "symbol": ticket.instrument.symbol,
        "positionId": position.position_id,
        "price": number(_shown_price(order)),
        "priceStr": plain(_shown_price(order)),
        "vol": number(order.quantity),
        "leverage": number(exchange.account.leverage(ticket.instrument.symbol, ticket.leg)),
        "side": wire_side(order),
        "category": _category(order),
        "orderType": int(extra.get("type", _BY_HAND[ticket.kind])),
        "dealAvgPrice": number(order.average),
        "dealAvgPriceStr": plain(order.average or Decimal(0)),
        "dealVol": number(order.filled),
        "remainVol": number(order.leaves),
        "orderMargin": number(_margin(exchange, order)),
        "usedMargin": 0,
        "takerFee": number(order.fees),
        "makerFee": 0,
        "profit": number(order.profit),
        "feeCurrency": ticket.instrument.quote,
        "openType": int(extra.get("openType", "2")),
        "state": wire_state(order),
        "externalOid": ticket.client_id or f"_m_{order.order_id}",
        "errorCode": 0,
        "createTime": order.created_ms,
        "updateTime": order.updated_ms,
        "positionMode": 1 if exchange.account.hedged(ticket.instrument.symbol) else 2,
        "reduceOnly": ticket.reduce_only,
        "version": 1,
    }


def plan_row(exchange: Exchange, order: Order) -> Row:
    """One plan order; it names the order it led to, and never the client's own id."""
    ticket, extra = order.ticket, dict(order.ticket.extra)
    assert order.trigger is not None
    row = {
        "id": order.order_id,
        "symbol": ticket.instrument.symbol,
        "leverage": number(exchange.account.leverage(ticket.instrument.symbol, ticket.leg)),
        "side": wire_side(order),
        "triggerPrice": number(order.trigger.price),
        "vol": number(order.quantity),
        "openType": int(extra.get("openType", "2")),
        "triggerType": 1 if order.trigger.rises else 2,
        "state": wire_state(order),
        "executeCycle": int(extra.get("executeCycle", "1")),
        "trend": int(extra.get("trend", "1")),
        "errorCode": 0,
        "orderId": order.spawned_id,
        "orderType": int(extra.get("orderType", "5")),
        "positionMode": 1 if exchange.account.hedged(ticket.instrument.symbol) else 2,
        "reduceOnly": ticket.reduce_only,
        "createTime": order.created_ms,
        "updateTime": order.updated_ms,
    }
    # Only a stop-limit has a price.
    return row | ({"price": number(order.price)} if order.price is not None else {})


def deal_row(exchange: Exchange, execution: Execution) -> Row:
    """One execution, as the deal listings and the deal channel show it."""
    order = execution.order
    assert order is not None, "funding is no deal"
    return {
        "id": execution.execution_id,
        "symbol": execution.instrument.symbol,
        "side": wire_side(order),
        "vol": number(execution.quantity),
        "price": number(execution.price),
        "fee": number(execution.fee),
        "feeCurrency": execution.fee_currency,
        "profit": number(execution.profit),
        "category": _CATEGORIES.get(execution.kind, 1),
        "orderId": execution.order_id,
        "externalOid": execution.client_id or f"_m_{execution.order_id}",
        "timestamp": execution.time_ms,
        "positionMode": 1 if exchange.account.hedged(execution.instrument.symbol) else 2,
        "taker": not execution.maker,
        "isTaker": not execution.maker,
        "isSelf": False,
    }


def position_row(exchange: Exchange, position: Position) -> Row:
    """One position; state 1 is held, 3 is closed."""
    instrument = position.instrument
    leverage = exchange.account.leverage(instrument.symbol, position.leg)
    margin = exchange.margin.of_position(position)
    return {
        "positionId": position.position_id,
        "symbol": instrument.symbol,
        "positionType": 1 if position.long else 2,
        "openType": 2,
        "state": 1 if position.quantity else 3,
        "holdVol": number(position.size),
        "frozenVol": 0,
        "closeVol": number(position.closed),
        "holdAvgPrice": number(position.average),
        "openAvgPrice": number(position.average),
        "closeAvgPrice": 0,
        "liquidatePrice": 0,
        "oim": number(margin),
        "im": number(margin),
        "holdFee": 0,
        "realised": number(position.realised),
        "leverage": number(leverage),
        "createTime": position.opened_ms,
        "updateTime": position.updated_ms,
        "autoAddIm": False,
        "version": position.sequence,
    }


def asset_row(exchange: Exchange, currency: str) -> Row:
    """One coin of the contract account."""
    margin, orders = exchange.margin, exchange.register.open_orders()
    balance = exchange.account.balances.get(currency, Decimal(0))
    unrealised, held = margin.unrealised(currency), margin.in_positions(currency)
    available = margin.available(currency, orders)
    return {
        "currency": currency,
        "positionMargin": number(held),
        "availableBalance": number(available),
        "cashBalance": number(available),
        "frozenBalance": number(margin.in_orders(currency, orders)),
        "equity": number(balance + unrealised),
        "unrealized": number(unrealised),
        "bonus": 0,
    }


def _shown_price(order: Order) -> Decimal:
    """The price a row shows; a market order shows the price of the moment."""
    if order.price is not None:
        return order.price
    return order.last_on_created - order.last_on_created % order.ticket.instrument.tick


def _category(order: Order) -> int:
    return {"CreateByLiq": 2, "CreateByAdl_PassThrough": 4}.get(order.ticket.created_by, 1)


def _margin(exchange: Exchange, order: Order) -> Decimal:
    rests = order.open and order.price is not None and not order.ticket.reduce_only
    return exchange.margin.of_order(order) if rests else Decimal(0)
