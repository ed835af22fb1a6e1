"""Stops and targets that hang on a position and live and die with it."""

from dataclasses import dataclass
from decimal import Decimal

from tests.venues.exchange.account import Position
from tests.venues.exchange.checks import check_price
from tests.venues.exchange.endings import end
from tests.venues.exchange.floor import Floor
from tests.venues.exchange.orders import Ended, Kind, Order, Side, Ticket, Trigger
from tests.venues.exchange.refusals import Refusal, Refused

STOP_LOSS = "StopLoss"
TAKE_PROFIT = "TakeProfit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """One stop or target as asked for; a price of zero takes it away."""

    stop_kind: str
    price: Decimal
    by: str = "LastPrice"
    # Only part of the position; such protections add up instead of replacing each other.
    quantity: Decimal | None = None
    limit_price: Decimal | None = None


def protection_of(floor: Floor, position: Position, stop_kind: str) -> Order | None:
    """The stop or target that covers the whole position, if there is one."""
    for order in floor.register.open_orders(position.instrument):
        ticket = order.ticket
        if ticket.whole_position and ticket.stop_kind == stop_kind and ticket.leg is position.leg:
            return order
    return None


def protect(floor: Floor, position: Position, wanted: Protection) -> None:
    """Set, move or take away a protection of an open position."""
    if position.side is None:
        raise Refused(Refusal.NO_POSITION)
    standing = None if wanted.quantity else protection_of(floor, position, wanted.stop_kind)
    if not wanted.price:
        _take_away(floor, standing)
    else:
        _check_side(floor, position, position.side, wanted)
        _set_or_move(floor, position, position.side, standing, wanted)
    floor.tell_position(position)


def protect_fill(floor: Floor, order: Order) -> None:
    """Put in force the stop and target that an entry order carried."""
    ticket = order.ticket
    position = floor.position_for(order)
    for stop_kind, price in ((STOP_LOSS, ticket.stop_loss), (TAKE_PROFIT, ticket.take_profit)):
        if price and position.side is ticket.side:
            wanted = Protection(stop_kind=stop_kind, price=price)
            standing = protection_of(floor, position, stop_kind)
            if standing is None or standing.trigger is None or standing.trigger.price != price:
                _set_or_move(floor, position, ticket.side, standing, wanted)


def _take_away(floor: Floor, standing: Order | None) -> None:
    if standing is None:
        raise Refused(Refusal.NO_CHANGE)
    end(floor, standing, Ended.BY_USER)


def _set_or_move(
    floor: Floor, position: Position, held: Side, standing: Order | None, wanted: Protection
) -> None:
    trigger = Trigger(price=wanted.price, rises=_rises(held, wanted.stop_kind), by=wanted.by)
    if standing is None:
        floor.tell_order(floor.new_order(_ticket(position, held, wanted, trigger)))
    elif standing.trigger == trigger:
        raise Refused(Refusal.NO_CHANGE)
    else:
        standing.trigger = trigger
        floor.tell_order(standing)


def _ticket(position: Position, held: Side, wanted: Protection, trigger: Trigger) -> Ticket:
    partial = wanted.quantity is not None
    return Ticket(
        instrument=position.instrument,
        side=held.opposite,
        quantity=position.size if wanted.quantity is None else wanted.quantity,
        kind=Kind.LIMIT if wanted.limit_price else Kind.MARKET,
        price=wanted.limit_price,
        reduce_only=True,
        leg=position.leg,
        trigger=trigger,
        stop_kind=("Partial" if partial else "") + wanted.stop_kind,
        whole_position=not partial,
        created_by="CreateBy" + ("Partial" if partial else "") + wanted.stop_kind,
    )


def _check_side(floor: Floor, position: Position, held: Side, wanted: Protection) -> None:
    check_price(position.instrument, wanted.price)
    last = floor.last_price(position.instrument)
    trigger = Trigger(price=wanted.price, rises=_rises(held, wanted.stop_kind))
    if last and trigger.met(last):
        raise Refused(Refusal.STOP_SIDE, f"{wanted.stop_kind}:{wanted.price} base_price:{last}")


def _rises(held: Side, stop_kind: str) -> bool:
    """Whether the protection waits for the price to rise."""
    return (held is Side.BUY) == (stop_kind == TAKE_PROFIT)
