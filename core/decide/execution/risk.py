"""What no entry may exceed. Each limit says how much is left under it; 0 in the settings is none.

Orders that close or reduce are never held up here: whatever the figures, getting out is allowed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from core.config.settings import Settings
from core.decide.execution.quantity import notional
from core.decide.qualify.reasons import Reason
from core.decide.qualify.situation import Situation
from core.domain.market import Instrument
from core.domain.money import ZERO, decimal_text
from core.domain.order import BookOrder, Origin, PositionSide
from core.domain.position import BookPosition


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
    """A limit that an entry exceeds; `room` is how much of it would fit, in base units."""

    reason: Reason
    room: Decimal


def breaches(
    entry: Entry, seen: Situation, instrument: Instrument, settings: Settings
) -> Iterator[Breach]:
    yield from _position_size(entry, seen, settings)
    yield from _exposure(entry, seen, instrument, settings)
    yield from _order_size(entry, instrument, settings)
    yield from _order_size_ratio(entry, seen, instrument, settings)
    yield from _open_orders(entry, seen, settings)
    yield from _daily_volume(entry, seen, instrument, settings)
    yield from _daily_loss(seen, settings)


def unaffordable(
    entry: Entry, seen: Situation, instrument: Instrument, settings: Settings
) -> Iterator[Breach]:
    """The balance is no limit of ours, but refusing here is sooner and clearer."""
    available = available_balance(seen, instrument)
    if not settings.EXECUTION.enable_balance_check or available is None:
        return
    needed = entry.worth(instrument) / _leverage(seen, instrument)
    if needed > available:
        share = available * _leverage(seen, instrument)
        yield Breach(
            reason=Reason(
                "insufficient_balance",
                f"it needs {decimal_text(needed)} {instrument.quote}, "
                f"available are {decimal_text(available)}",
            ),
            room=_fits(share, entry, instrument),
        )


def available_balance(seen: Situation, instrument: Instrument) -> Decimal | None:
    if seen.balances is None:
        return None
    rows = (row.available for row in seen.balances if row.currency == instrument.quote)
    return sum(rows, ZERO)


def _leverage(seen: Situation, instrument: Instrument) -> Decimal:
    """What the signal asks for; without a word of it the whole worth has to be there."""
    if instrument.kind == "spot" or seen.signal.leverage is None:
        return Decimal(1)
    return max(seen.signal.leverage, Decimal(1))


# --- the limits -------------------------------------------------------------------------------


def _position_size(entry: Entry, seen: Situation, settings: Settings) -> Iterator[Breach]:
    limit = settings.RISK.max_position_size
    held = sum(
        (abs(row.quantity) for row in _of_symbol(seen) if row.side is entry.position_side), ZERO
    )
    waiting = sum((_open_quantity(row) for row in entries_waiting(seen, seen.symbol)), ZERO)
    size = held + waiting + entry.quantity
    if limit and size > limit:
        yield _breach("risk_max_position_size", size, limit, limit - held - waiting)


def _exposure(
    entry: Entry, seen: Situation, instrument: Instrument, settings: Settings
) -> Iterator[Breach]:
    limit = settings.RISK.max_exposure
    there = exposure(seen, instrument, entry.price)
    total = there + entry.worth(instrument)
    if limit and total > limit:
        room = _fits(limit - there, entry, instrument)
        yield _breach("risk_max_exposure", total, limit, room)


def exposure(seen: Situation, instrument: Instrument, price: Decimal) -> Decimal:
    """All positions and waiting entries, in quote currency, at the last price that is known."""

    def size(symbol: str) -> Decimal:
        known = instrument if symbol == seen.symbol else seen.instruments.get(symbol)
        return known.multiplier if known else Decimal(1)

    held = sum(
        (
            abs(row.quantity) * (row.mark_price or row.average_price or ZERO) * size(row.symbol)
            for row in seen.positions
        ),
        ZERO,
    )
    waiting = sum(
        (
            _open_quantity(row) * (row.price or row.trigger_price or price) * size(row.symbol)
            for row in entries_waiting(seen)
        ),
        ZERO,
    )
    return held + waiting


def _order_size(entry: Entry, instrument: Instrument, settings: Settings) -> Iterator[Breach]:
    limit = settings.RISK.max_order_size
    largest = notional(entry.largest, entry.price, instrument)
    if limit and largest > limit:
        yield _breach("risk_max_order_size", largest, limit, _fits(limit, entry, instrument))


def _order_size_ratio(
    entry: Entry, seen: Situation, instrument: Instrument, settings: Settings
) -> Iterator[Breach]:
    ratio, available = settings.RISK.max_order_size_ratio, available_balance(seen, instrument)
    if not ratio or available is None:
        return
    limit = available * ratio
    largest = notional(entry.largest, entry.price, instrument)
    if largest > limit:
        room = _fits(limit, entry, instrument)
        yield _breach("risk_max_order_size_ratio", largest, limit, room)


def _open_orders(entry: Entry, seen: Situation, settings: Settings) -> Iterator[Breach]:
    limit = settings.RISK.max_open_orders
    count = sum(row.origin is Origin.OWNED and not row.reduce_only for row in seen.orders)
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


def entries_waiting(seen: Situation, symbol: str | None = None) -> Iterator[BookOrder]:
    """Orders of ours that may still open something."""
    for row in seen.orders:
        if row.origin is Origin.OWNED and not row.reduce_only and symbol in (None, row.symbol):
            yield row


def _of_symbol(seen: Situation) -> Iterator[BookPosition]:
    return (row for row in seen.positions if row.symbol == seen.symbol)


def _open_quantity(row: BookOrder) -> Decimal:
    return max(row.quantity - row.filled_quantity, ZERO)


def _fits(worth: Decimal, entry: Entry, instrument: Instrument) -> Decimal:
    return max(worth, ZERO) / (entry.price * instrument.multiplier)


def _breach(code: str, value: Decimal, limit: Decimal, room: Decimal) -> Breach:
    name = code.removeprefix("risk_")
    return Breach(
        reason=Reason(code, f"{name}: {decimal_text(value)} would exceed {decimal_text(limit)}"),
        room=max(room, ZERO),
    )
