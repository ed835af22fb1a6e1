"""Orders in our words: by permId, which alone survives restarts, and by the reference we gave."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from core.brokers.ib.figures import name, price, quantity
from core.brokers.ib.library import Trade
from core.brokers.ib.naming import name_of
from core.domain.order import Allows, BrokerOrder, OrderStatus, OrderType, Side

TYPES: Mapping[str, OrderType] = {
    "MKT": OrderType.MARKET,
    "LMT": OrderType.LIMIT,
    "STP": OrderType.STOP,
    "STP PRT": OrderType.STOP,
    "STP LMT": OrderType.STOP_LIMIT,
    "MIT": OrderType.TAKE_PROFIT,
    "LIT": OrderType.TAKE_PROFIT_LIMIT,
    "TRAIL": OrderType.TRAILING_STOP,
    "TRAIL LIMIT": OrderType.TRAILING_STOP,
}
LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})
TRIGGERED = frozenset(
    {OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT}
)

FILLED = "Filled"
# Whatever else a listing of open orders says of an order, the broker may still act on it.
ENDED: Mapping[str, OrderStatus] = {
    FILLED: OrderStatus.FILLED,
    "Cancelled": OrderStatus.CANCELLED,
    "ApiCancelled": OrderStatus.CANCELLED,
}
UNDECIDED = frozenset({"PendingSubmit", "ApiPending", "Inactive"})
# The log's own words for what a status message changed; other entries are the library's guesses.
STATUS_MESSAGES = frozenset({"", "Modified"})


def told_status(trade: Trade) -> str:
    """The last word of the broker, which is not always the library's.

    An error about an order makes the library call it cancelled, and a confirmation that was
    overtaken by the fill makes it open again: an end that the broker itself has told is final.
    """
    told = [
        entry.status
        for entry in trade.log
        if entry.message in STATUS_MESSAGES and not entry.errorCode
    ]
    if not told:
        return str(trade.orderStatus.status)
    return next((word for word in ENDED if word in told), str(told[-1]))


def is_acknowledged(trade: Trade) -> bool:
    """Whether a status message has come for it, and with it the broker's own id."""
    return bool(trade.orderStatus.permId)


def is_taken(trade: Trade) -> bool:
    """Whether the broker has also made up its mind: a rejection may follow these words."""
    return is_acknowledged(trade) and told_status(trade) not in UNDECIDED


def open_order_of(trade: Trade, client_id: int | None = None) -> BrokerOrder:
    """As an open order's rows and status messages tell it, and what this client may do to it."""
    total = quantity(trade.order.totalQuantity)
    word = told_status(trade)
    filled = total if word == FILLED else quantity(trade.orderStatus.filled)
    status = ENDED.get(word)
    if status is None:
        status = OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.OPEN
    average = price(trade.orderStatus.avgFillPrice) if filled else None
    order = _order(trade, total=total, filled=filled, average=average, status=status)
    if client_id is None or is_of(trade, client_id):
        return order
    return replace(order, allows=Allows.NOTHING)


def is_of(trade: Trade, client_id: int) -> bool:
    """Only the client that placed an order can alter it; one entered by hand belongs to none."""
    return bool(trade.order.orderId > 0 and trade.order.clientId == client_id)


def completed_order_of(trade: Trade, *, turned_down: bool = False) -> BrokerOrder:
    """Of a completed order `totalQuantity` is what was left, and the status message is missing.

    A rejection reads as a cancellation; only who saw the error knows better.
    """
    filled = quantity(trade.order.filledQuantity)
    ended = ENDED.get(trade.orderStatus.status, OrderStatus.CANCELLED)
    return _order(
        trade,
        total=quantity(trade.order.totalQuantity) + filled,
        filled=filled,
        average=None,
        status=OrderStatus.REJECTED if turned_down and not filled else ended,
    )


def _order(
    trade: Trade, *, total: Decimal, filled: Decimal, average: Decimal | None, status: OrderStatus
) -> BrokerOrder:
    order = trade.order
    kind = _type(trade)
    perm_id = name(order.permId) or name(trade.orderStatus.permId)
    return BrokerOrder(
        broker_order_id=perm_id or "",
        client_order_id=name(order.orderRef),
        perm_id=perm_id,
        symbol=name_of(trade.contract),
        side=Side.BUY if order.action == "BUY" else Side.SELL,
        type=kind,
        quantity=total,
        filled_quantity=filled,
        price=price(order.lmtPrice) if kind in LIMITED else None,
        trigger_price=_trigger(trade, kind),
        average_price=average,
        time_in_force=name(order.tif),
        status=status,
    )


def _type(trade: Trade) -> OrderType:
    """Kinds that we have no word for trade at the market, or at a limit if they have one."""
    told = trade.order.orderType
    return TYPES.get(told) or (OrderType.LIMIT if price(trade.order.lmtPrice) else OrderType.MARKET)


def _trigger(trade: Trade, kind: OrderType) -> Decimal | None:
    if kind is OrderType.TRAILING_STOP:
        return price(trade.order.trailStopPrice)
    return price(trade.order.auxPrice) if kind in TRIGGERED else None
