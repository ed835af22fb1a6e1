"""Reads an order or a plan order as MEXC takes it."""

from collections.abc import Mapping
from typing import NamedTuple

from tests.venues.exchange import Exchange, Kind, Leg, Side, Ticket, TimeInForce, Trigger
from tests.venues.mexc.errors import bad_request
from tests.venues.wire import Call


class _Direction(NamedTuple):
    side: Side
    leg: Leg
    closes: bool


# 1 open long, 2 close short, 3 open short, 4 close long.
_DIRECTIONS = {
    1: _Direction(Side.BUY, Leg.LONG, closes=False),
    2: _Direction(Side.BUY, Leg.SHORT, closes=True),
    3: _Direction(Side.SELL, Leg.SHORT, closes=False),
    4: _Direction(Side.SELL, Leg.LONG, closes=True),
}
_TYPES: Mapping[int, tuple[Kind, TimeInForce]] = {
    1: (Kind.LIMIT, TimeInForce.GTC),
    2: (Kind.LIMIT, TimeInForce.POST_ONLY),
    3: (Kind.LIMIT, TimeInForce.IOC),
    4: (Kind.LIMIT, TimeInForce.FOK),
    5: (Kind.MARKET, TimeInForce.IOC),
    6: (Kind.MARKET, TimeInForce.IOC),
}


def read_ticket(exchange: Exchange, call: Call) -> Ticket:
    """The ticket of order/create; fields that are not the endpoint's own are ignored.

    A stopLossPrice is such a field: the order goes out at once, as with the real venue.
    """
    return _ticket(exchange, call, "type", None, call.text("externalOid"))


def read_plan(exchange: Exchange, call: Call) -> Ticket:
    """The ticket of planorder/place, which keeps no id of the client's."""
    price, kind = call.number("triggerPrice"), call.whole("triggerType", 0)
    if not price or kind not in {1, 2}:
        raise bad_request("triggerPrice and triggerType are required")
    trigger = Trigger(price=price, rises=kind == 1, by=_trend(call))
    return _ticket(exchange, call, "orderType", trigger, "")


def _ticket(
    exchange: Exchange, call: Call, type_name: str, trigger: Trigger | None, client_id: str
) -> Ticket:
    instrument = exchange.instrument(call.text("symbol"))
    direction = _DIRECTIONS.get(call.whole("side", 0))
    quantity = call.number("vol")
    kind, time_in_force = _type(call, type_name)
    if direction is None or quantity is None:
        raise bad_request("side and vol are required")
    if call.whole("openType", 0) not in {1, 2}:
        raise bad_request("openType is required")
    hedged = exchange.account.hedged(instrument.symbol)
    return Ticket(
        instrument=instrument,
        side=direction.side,
        quantity=quantity,
        kind=kind,
        price=call.number("price") if kind is Kind.LIMIT else None,
        time_in_force=time_in_force,
        reduce_only=direction.closes or (call.flag("reduceOnly") and not hedged),
        leg=direction.leg if hedged else Leg.NET,
        trigger=trigger,
        client_id=client_id,
        extra=_extra(call, type_name),
    )


def _type(call: Call, name: str) -> tuple[Kind, TimeInForce]:
    found = _TYPES.get(call.whole(name, 0))
    if found is None:
        raise bad_request(f"{name} is required")
    return found


def _trend(call: Call) -> str:
    """Which price a plan order watches: the last one, or the fair or index price."""
    return "LastPrice" if call.whole("trend", 1) == 1 else "MarkPrice"


def _extra(call: Call, type_name: str) -> tuple[tuple[str, str], ...]:
    """What rows repeat of the request and the exchange has no use for."""
    return (
        ("type", call.text(type_name)),
        ("orderType", call.text(type_name)),
        ("openType", call.text("openType")),
        ("executeCycle", call.text("executeCycle", "1")),
        ("trend", call.text("trend", "1")),
    )
