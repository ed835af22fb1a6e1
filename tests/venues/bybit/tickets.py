"""Reads an order as Bybit's order/create takes it."""

import re
from decimal import Decimal
from typing import TypeVar

from tests.venues.bybit.errors import bad_request
from tests.venues.exchange import (
    Category,
    Exchange,
    Instrument,
    Kind,
    Leg,
    Side,
    Ticket,
    TimeInForce,
    Trigger,
)
from tests.venues.wire import Call

CATEGORIES = frozenset({"linear", "spot", "inverse", "option"})
_LINK_ID = re.compile(r"[A-Za-z0-9_-]{0,36}")


def read_ticket(exchange: Exchange, call: Call) -> Ticket:
    """The ticket of a create request, or a parameter error."""
    instrument = exchange.instrument(call.text("symbol"), read_category(call))
    side, kind = _choice(Side, call, "side"), _choice(Kind, call, "orderType")
    quantity = call.number("qty")
    if quantity is None:
        raise bad_request("Qty invalid")
    spend = _spend(call, instrument, side, kind, quantity)
    trigger = _trigger(exchange, call, instrument)
    return Ticket(
        instrument=instrument,
        side=side,
        kind=kind,
        quantity=Decimal(0) if spend is not None else quantity,
        spend=spend,
        price=call.number("price") if kind is Kind.LIMIT else None,
        time_in_force=_time_in_force(call, kind),
        reduce_only=call.flag("reduceOnly"),
        whole_position=not quantity and call.flag("reduceOnly") and call.flag("closeOnTrigger"),
        leg=read_leg(call),
        trigger=trigger,
        stop_kind="Stop" if trigger is not None else "",
        client_id=_link_id(call),
        stop_loss=call.number("stopLoss"),
        take_profit=call.number("takeProfit"),
    )


def read_category(call: Call) -> Category:
    """The category a writing request is about, or a parameter error."""
    try:
        return Category(call.text("category"))
    except ValueError:
        raise bad_request("Illegal category") from None


def check_category(call: Call) -> None:
    """Refuse a category Bybit does not have; those the account has nothing in list nothing."""
    if call.text("category") not in CATEGORIES:
        raise bad_request("Illegal category")


def read_leg(call: Call) -> Leg:
    """The position leg a request is about, or a parameter error."""
    try:
        return Leg(call.whole("positionIdx", 0))
    except ValueError:
        raise bad_request("positionIdx invalid") from None


_Choice = TypeVar("_Choice", Side, Kind)


def _choice(choices: type[_Choice], call: Call, name: str) -> _Choice:
    try:
        return choices(call.text(name))
    except ValueError:
        raise bad_request(f"{name} invalid") from None


def _time_in_force(call: Call, kind: Kind) -> TimeInForce:
    if kind is Kind.MARKET:
        return TimeInForce.IOC
    try:
        return TimeInForce(call.text("timeInForce", "GTC"))
    except ValueError:
        raise bad_request("timeInForce invalid") from None


def _link_id(call: Call) -> str:
    text = call.text("orderLinkId")
    if not _LINK_ID.fullmatch(text):
        raise bad_request("orderLinkId invalid")
    return text


def _spend(
    call: Call, instrument: Instrument, side: Side, kind: Kind, quantity: Decimal
) -> Decimal | None:
    """How much to spend, where qty means that; spot market buys do unless told otherwise."""
    if instrument.category is not Category.SPOT or kind is not Kind.MARKET:
        return None
    unit = call.text("marketUnit", "quoteCoin" if side is Side.BUY else "baseCoin")
    return quantity if unit == "quoteCoin" and side is Side.BUY else None


def _trigger(exchange: Exchange, call: Call, instrument: Instrument) -> Trigger | None:
    price = call.number("triggerPrice")
    if not price:
        return None
    if instrument.category is Category.SPOT:
        rises = price > exchange.quote(instrument).last
    elif call.whole("triggerDirection", 0) in {1, 2}:
        rises = call.whole("triggerDirection", 0) == 1
    else:
        raise bad_request("TriggerDirection invalid")
    return Trigger(price=price, rises=rises, by=call.text("triggerBy", "LastPrice"))
