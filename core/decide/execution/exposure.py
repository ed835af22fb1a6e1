"""What an account has at stake when an entry goes: positions, and orders that may open some."""

from collections.abc import Iterator
from decimal import Decimal

from core.decide.execution.quantity import notional
from core.decide.qualify.situation import Situation
from core.domain.market import Instrument
from core.domain.money import ZERO
from core.domain.order import BookOrder, Origin, PositionSide, Side
from core.domain.position import BookPosition


def exposure(seen: Situation, instrument: Instrument, price: Decimal) -> Decimal:
    """All positions and all entries that wait or are promised, in quote currency, at the last price
    that is known; before it fills, a market order is worth what its intent said."""
    known = {seen.symbol: price} | {
        row.symbol: last for row in seen.positions if (last := row.mark_price or row.average_price)
    }

    def worth(symbol: str, quantity: Decimal, told: Decimal | None = None) -> Decimal:
        at = told or known.get(symbol, ZERO)
        return notional(abs(quantity), at, instrument_of(seen, instrument, symbol))

    def open_worth(row: BookOrder) -> Decimal:
        told = row.price or row.trigger_price
        intended = seen.promised.get(row.order_id)
        if told is None and intended and row.quantity:
            return intended.amount * open_quantity(row) / row.quantity
        return worth(row.symbol, open_quantity(row), told)

    held = sum((worth(row.symbol, row.quantity) for row in beside(seen)), ZERO)
    waiting = sum(map(open_worth, entries_waiting(seen, instrument)), ZERO)
    return held + waiting + sum((each.amount for each in seen.unsent), ZERO)


def entries_waiting(seen: Situation, instrument: Instrument) -> Iterator[BookOrder]:
    """Orders of ours that may still open something; a spot account sells only what it holds."""
    for row in seen.orders:
        if row.origin is not Origin.OWNED or row.reduce_only:
            continue
        kind = instrument_of(seen, instrument, row.symbol).kind
        if kind != "spot" or row.side is Side.BUY:
            yield row


def beside(seen: Situation) -> Iterator[BookPosition]:
    """Positions that are there when the entry goes: what it turns around is closed before it."""
    for row in seen.positions:
        against = row.side is PositionSide.BOTH and row.quantity * seen.signal.signal_type.sign < 0
        if row.symbol != seen.symbol or not against:
            yield row


def instrument_of(seen: Situation, instrument: Instrument, symbol: str) -> Instrument:
    """Of a symbol that nobody has told of yet, the plainest."""
    if symbol == seen.symbol:
        return instrument
    return seen.instruments.get(symbol) or Instrument(symbol=symbol)


def open_quantity(row: BookOrder) -> Decimal:
    return max(row.quantity - row.filled_quantity, ZERO)
