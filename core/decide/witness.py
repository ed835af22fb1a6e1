"""The independent witness: three figures per position, and exactly one stop for each that is open.

It shares no code with the deciders that propose changes, so that it can find them wrong.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from core.domain.market import Instrument
from core.domain.money import ZERO, decimal_text
from core.domain.observation import Observation
from core.domain.order import LIVE, STOP_TYPES, BrokerOrder, PositionSide
from core.domain.position import BrokerPosition, PositionKey, exit_side


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Testimony:
    """One position as each of the three tell it; None where one could not be asked."""

    key: PositionKey
    stored: Decimal
    computed: Decimal
    broker: Decimal | None
    stops: tuple[str, ...]
    stopped_quantity: Decimal
    # Which figures differ, what could not be told, and what its protection lacks.
    differences: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    unprotected: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[str, ...]:
        return self.differences + self.unknown + self.unprotected


def testify(seen: Observation) -> list[Testimony]:
    """Every position that the book or the broker has, in order."""
    at_broker = _at_broker(seen)
    stored = {
        PositionKey(row.account, row.symbol, row.side): row.quantity
        for row in seen.book.positions
        if row.quantity != 0
    }
    computed = {
        key: held.quantity for key, held in seen.book.computed.items() if held.quantity != 0
    }
    keys = sorted({*stored, *computed, *at_broker})
    return [_testimony(seen, key, stored, computed, at_broker) for key in keys]


def _at_broker(seen: Observation) -> dict[PositionKey, BrokerPosition]:
    return {
        PositionKey(seen.account, position.symbol, position.side): position
        for position in seen.broker.positions
        if position.quantity != 0
    }


def _testimony(
    seen: Observation,
    key: PositionKey,
    stored: Mapping[PositionKey, Decimal],
    computed: Mapping[PositionKey, Decimal],
    at_broker: Mapping[PositionKey, BrokerPosition],
) -> Testimony:
    told = _told(seen, key, at_broker)
    stops = _stops(seen, key, told) if told is not None else []
    quantity = sum((stop.quantity - stop.filled_quantity for stop in stops), ZERO)
    figures = {
        "stored": stored.get(key, ZERO),
        "computed": computed.get(key, ZERO),
        "broker": told,
    }
    unknown = tuple(_unknown(seen, told))
    return Testimony(
        key=key,
        stored=figures["stored"] or ZERO,
        computed=figures["computed"] or ZERO,
        broker=told,
        stops=tuple(stop.broker_order_id for stop in stops),
        stopped_quantity=quantity,
        differences=tuple(_disagreements(figures)),
        unknown=unknown,
        unprotected=() if unknown else tuple(_protection(seen, key, told or ZERO, stops, quantity)),
    )


def _told(
    seen: Observation, key: PositionKey, at_broker: Mapping[PositionKey, BrokerPosition]
) -> Decimal | None:
    """What the broker says; a position missing from an incomplete listing is not zero."""
    if key in at_broker:
        return at_broker[key].quantity
    return ZERO if seen.broker.knows("positions") else None


def _stops(seen: Observation, key: PositionKey, quantity: Decimal) -> list[BrokerOrder]:
    return [
        order
        for order in seen.broker.orders
        if order.symbol == key.symbol
        and order.status in LIVE
        and order.type in STOP_TYPES
        and order.reduce_only
        and order.position_side in (key.side, PositionSide.BOTH)
        and order.side is exit_side(quantity, key.side)
    ]


def _disagreements(figures: Mapping[str, Decimal | None]) -> Iterator[str]:
    """Each pair that differs is named."""
    names = list(figures)
    for index, one in enumerate(names):
        for other in names[index + 1 :]:
            left, right = figures[one], figures[other]
            if left is not None and right is not None and left != right:
                yield f"{one} {decimal_text(left)} ≠ {other} {decimal_text(right)}"


def _unknown(seen: Observation, quantity: Decimal | None) -> Iterator[str]:
    if quantity is None:
        yield "the broker's position is not known"
    elif not seen.broker.knows("orders"):
        yield "the broker's orders are not known, so its stops are not either"


def _protection(
    seen: Observation,
    key: PositionKey,
    quantity: Decimal,
    stops: list[BrokerOrder],
    stopped: Decimal,
) -> Iterator[str]:
    if quantity == 0 or _is_exempt(seen, key, quantity):
        return
    if not stops:
        yield "no reduce-only stop"
    elif len(stops) > 1:
        yield f"{len(stops)} reduce-only stops"
    elif not _covers(stopped, abs(quantity), seen.broker.instruments.get(key.symbol)):
        yield f"stop for {decimal_text(stopped)}, position {decimal_text(abs(quantity))}"


def _covers(stopped: Decimal, held: Decimal, instrument: Instrument | None) -> bool:
    """A rest below the venue's step can be part of no order, so no stop could be for it."""
    step = instrument.quantity_step if instrument else None
    return stopped == held or (step is not None and ZERO < held - stopped < step)


def _is_exempt(seen: Observation, key: PositionKey, quantity: Decimal) -> bool:
    """Holdings on spot have no reduce-only orders, and dust cannot be sold at all."""
    instrument = seen.broker.instruments.get(key.symbol)
    if instrument is None:
        return False
    return instrument.kind == "spot" or abs(quantity) < (instrument.min_quantity or ZERO)
