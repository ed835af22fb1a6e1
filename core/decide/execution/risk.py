"""What no entry may exceed. Each limit says how much is left under it; 0 in the settings is none.

Orders that close or reduce are never held up here: whatever the figures, getting out is allowed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from core.config.settings import Settings
from core.decide.execution.exposure import beside, entries_waiting, exposure, open_quantity
from core.decide.execution.quantity import notional, worth_of_one
from core.decide.execution.splitting import PARTS_MAX
from core.decide.qualify.reasons import Reason
from core.decide.qualify.situation import Situation
from core.domain.market import Instrument
from core.domain.money import ZERO, bounded, decimal_text
from core.domain.order import Origin, PositionSide
from core.domain.tally import is_inverse


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is about to be opened."""

    quantity: Decimal
    price: Decimal
    position_side: PositionSide
    # How many orders it is made of.
    orders: int = 1
    # The largest of them.
    largest: Decimal

    def worth(self, instrument: Instrument) -> Decimal:
        return notional(self.quantity, self.price, instrument)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A limit that an entry exceeds; `room` is how much of it would fit, as a quantity."""

    reason: Reason
    room: Decimal


def breaches(
    entry: Entry, seen: Situation, instrument: Instrument, settings: Settings
) -> Iterator[Breach]:
    yield from _position_size(entry, seen, instrument, settings)
    yield from _exposure(entry, seen, instrument, settings)
    yield from _order_size(entry, instrument, settings)
    yield from _order_size_ratio(entry, seen, instrument, settings)
    yield from _parts(entry)
    yield from _open_orders(entry, seen, settings)
    yield from _daily_volume(entry, seen, instrument, settings)
    yield from _daily_loss(seen, settings)


def unaffordable(
    entry: Entry, seen: Situation, instrument: Instrument, settings: Settings
) -> Iterator[Breach]:
    """The balance is no limit of ours, but refusing here is sooner and clearer."""
    available = available_balance(seen, instrument, entry.price)
    if not settings.EXECUTION.enable_balance_check or available is None:
        return
    needed = entry.worth(instrument) / _leverage(seen, instrument)
    if needed > available:
        share = available * _leverage(seen, instrument)
        yield Breach(
            reason=Reason(
                "insufficient_balance",
                f"it needs {_figure(needed)} {instrument.quote}, "
                f"available are {_figure(available)}",
            ),
            room=_fits(share, entry, instrument),
        )


def available_balance(seen: Situation, instrument: Instrument, price: Decimal) -> Decimal | None:
    """In quote currency; an inverse contract is paid for in its base."""
    if seen.balances is None:
        return None
    inverse = is_inverse(instrument)
    currency = instrument.base if inverse else instrument.quote
    total = sum((row.available for row in seen.balances if row.currency == currency), ZERO)
    return total * price if inverse else total


def _leverage(seen: Situation, instrument: Instrument) -> Decimal:
    """What the signal asks for; without a word of it the whole worth has to be there."""
    if instrument.kind == "spot" or seen.signal.leverage is None:
        return Decimal(1)
    return max(seen.signal.leverage, Decimal(1))


# --- the limits -------------------------------------------------------------------------------


def _position_size(
    entry: Entry, seen: Situation, instrument: Instrument, settings: Settings
) -> Iterator[Breach]:
    limit = settings.RISK.max_position_size
    held = sum(
        (
            abs(row.quantity)
            for row in beside(seen)
            if (row.symbol, row.side) == (seen.symbol, entry.position_side)
        ),
        ZERO,
    )
    waiting = sum(
        (
            open_quantity(row)
            for row in entries_waiting(seen, instrument)
            if (row.symbol, row.side, row.position_side)
            == (seen.symbol, seen.signal.signal_type, entry.position_side)
        ),
        ZERO,
    )
    base = instrument.multiplier / entry.price if is_inverse(instrument) else Decimal(1)
    size = (held + waiting + entry.quantity) * base
    if limit and size > limit:
        yield _breach("risk_max_position_size", size, limit, limit / base - held - waiting)


def _exposure(
    entry: Entry, seen: Situation, instrument: Instrument, settings: Settings
) -> Iterator[Breach]:
    limit = settings.RISK.max_exposure
    there = exposure(seen, instrument, entry.price)
    total = there + entry.worth(instrument)
    if limit and total > limit:
        room = _fits(limit - there, entry, instrument)
        yield _breach("risk_max_exposure", total, limit, room)


def _order_size(entry: Entry, instrument: Instrument, settings: Settings) -> Iterator[Breach]:
    limit = settings.RISK.max_order_size
    largest = notional(entry.largest, entry.price, instrument)
    if limit and largest > limit:
        yield _breach("risk_max_order_size", largest, limit, _fits(limit, entry, instrument))


def _order_size_ratio(
    entry: Entry, seen: Situation, instrument: Instrument, settings: Settings
) -> Iterator[Breach]:
    ratio = settings.RISK.max_order_size_ratio
    available = available_balance(seen, instrument, entry.price)
    if not ratio or available is None:
        return
    limit = available * ratio
    largest = notional(entry.largest, entry.price, instrument)
    if largest > limit:
        room = _fits(limit, entry, instrument)
        yield _breach("risk_max_order_size_ratio", largest, limit, room)


def _parts(entry: Entry) -> Iterator[Breach]:
    if entry.orders > PARTS_MAX:
        yield Breach(
            reason=Reason(
                "too_many_parts",
                f"it would take {entry.orders} orders of EXECUTION.max_single_order_size, "
                f"at most {PARTS_MAX} are sent",
            ),
            room=entry.quantity * PARTS_MAX / entry.orders,
        )


def _open_orders(entry: Entry, seen: Situation, settings: Settings) -> Iterator[Breach]:
    limit = settings.RISK.max_open_orders
    waiting = sum(row.origin is Origin.OWNED and not row.reduce_only for row in seen.orders)
    count = waiting + len(seen.unsent)
    if limit and count + entry.orders > limit:
        yield _breach("risk_max_open_orders", Decimal(count + entry.orders), Decimal(limit), ZERO)


def _daily_volume(
    entry: Entry, seen: Situation, instrument: Instrument, settings: Settings
) -> Iterator[Breach]:
    limit = settings.RISK.max_daily_volume
    volume = seen.day.volume + entry.worth(instrument)
    if limit and volume > limit:
        room = _fits(limit - seen.day.volume, entry, instrument)
        yield _breach("risk_max_daily_volume", volume, limit, room)


def _daily_loss(seen: Situation, settings: Settings) -> Iterator[Breach]:
    limit = settings.RISK.max_daily_loss
    if limit and -seen.day.realized >= limit:
        yield _breach("risk_max_daily_loss", -seen.day.realized, limit, ZERO)


# --- figures ----------------------------------------------------------------------------------


def _fits(worth: Decimal, entry: Entry, instrument: Instrument) -> Decimal:
    return max(worth, ZERO) / worth_of_one(entry.price, instrument)


def _figure(value: Decimal) -> str:
    return decimal_text(bounded(value))


def _breach(code: str, value: Decimal, limit: Decimal, room: Decimal) -> Breach:
    name = code.removeprefix("risk_")
    return Breach(
        reason=Reason(code, f"{name}: {_figure(value)} would exceed {_figure(limit)}"),
        room=max(room, ZERO),
    )
