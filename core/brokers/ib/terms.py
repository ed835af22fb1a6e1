"""Our requests as orders that IB takes, and what it cannot be asked for.

Without a time in force IB would end a resting order at the close of the day, so stops and limits
are sent good till cancelled. Futures trade around the clock, and so must their stops.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from core.brokers.ib.figures import on_the_wire
from core.brokers.ib.library import Contract, Order, library
from core.brokers.ib.orders import LIMITED, TRIGGERED
from core.domain.errors import Rejected
from core.domain.order import OrderRequest, OrderType, PositionSide, Side

KINDS: Mapping[OrderType, str] = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.STOP: "STP",
    OrderType.STOP_LIMIT: "STP LMT",
    OrderType.TAKE_PROFIT: "MIT",
    OrderType.TAKE_PROFIT_LIMIT: "LIT",
}
ACTIONS: Mapping[Side, str] = {Side.BUY: "BUY", Side.SELL: "SELL"}

_NOT_TAKEN: tuple[tuple[Callable[[OrderRequest], bool], str, str], ...] = (
    (lambda wanted: wanted.type not in KINDS, "order_type", "trailing stops are not sent to IB"),
    (
        lambda wanted: wanted.position_side is not PositionSide.BOTH,
        "position_side",
        "IB holds one position per contract and knows no hedge legs",
    ),
    (lambda wanted: wanted.post_only, "post_only", "IB has no post-only orders"),
    (lambda wanted: wanted.quantity <= 0, "quantity", "the quantity must be above zero"),
    (
        lambda wanted: wanted.type in LIMITED and wanted.price is None,
        "price",
        "the order lacks its limit price",
    ),
    (
        lambda wanted: wanted.type in TRIGGERED and wanted.trigger_price is None,
        "trigger_price",
        "the order lacks its trigger price",
    ),
)


def check(wanted: OrderRequest) -> None:
    """Before anything is sent."""
    for applies, code, why in _NOT_TAKEN:
        if applies(wanted):
            raise Rejected(code, why)


def check_prices(kind: OrderType, price: Decimal | None, trigger_price: Decimal | None) -> None:
    """A price that orders of this kind do not have would be dropped on the way."""
    for told, takers in ((price, LIMITED), (trigger_price, TRIGGERED)):
        if told is not None and kind not in takers:
            raise Rejected("price", f"a {kind} order has no price of that sort to change")


def order_for(wanted: OrderRequest, contract: Contract, account: str, reference: str) -> Order:
    resting = wanted.type is not OrderType.MARKET
    return library().Order(
        action=ACTIONS[wanted.side],
        orderType=KINDS[wanted.type],
        totalQuantity=on_the_wire(wanted.quantity),
        tif=wanted.time_in_force or ("GTC" if resting else "DAY"),
        account=account,
        orderRef=reference,
        outsideRth=resting and contract.secType == "FUT",
        **prices(wanted.type, wanted.price, wanted.trigger_price),
    )


def prices(kind: OrderType, price: Decimal | None, trigger_price: Decimal | None) -> dict[str, Any]:
    """Only those that orders of this kind have."""
    sent = {}
    if kind in LIMITED and price is not None:
        sent["lmtPrice"] = on_the_wire(price)
    if kind in TRIGGERED and trigger_price is not None:
        sent["auxPrice"] = on_the_wire(trigger_price)
    return sent
