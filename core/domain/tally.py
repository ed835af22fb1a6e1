"""The arithmetic of one position: what each row does to its quantity, average and profit."""

from decimal import Decimal

from core.domain.execution import BookExecution
from core.domain.market import ONE, Instrument
from core.domain.money import ZERO, average, bounded
from core.domain.position import BookPosition, signed

# Contracts stay whole: a fee in the base currency is paid from the balance, not from the position.
WHOLE_KINDS = frozenset({"inverse", "future", "stock"})


class Tally:
    """One position while rows are added; shorts are below zero, in hedge mode too."""

    __slots__ = ("average", "instrument", "inverse", "quantity", "realized")

    def __init__(self, instrument: Instrument | None, stored: BookPosition | None = None):
        self.instrument = instrument
        self.inverse = is_inverse(instrument)
        self.quantity = signed(stored.quantity, stored.side) if stored else ZERO
        self.average = stored.average_price if stored else None
        self.realized = stored.realized_pnl if stored else ZERO

    def add(self, row: BookExecution, quantity: Decimal | None = None) -> None:
        """Adds the row, or the given share of it; its fee counts in full either way."""
        self.realized -= settled_fee(row, self.instrument)
        self._move(moved(row, self.instrument) if quantity is None else quantity, row.price)

    def take_out(self, row: BookExecution) -> None:
        """Undoes a row as if it had been the latest; an average that cannot be known is None."""
        quantity = moved(row, self.instrument)
        before = self.quantity - quantity
        self.realized += settled_fee(row, self.instrument)
        if before * self.quantity < 0 or not self.quantity:
            self.average = None
        elif self.quantity * quantity > 0:
            self.average = self._blended(-quantity, row.price)
        else:
            self.realized -= self._profit(-quantity, row.price)
        self.quantity = before

    def adopt(self, quantity: Decimal, average_price: Decimal | None) -> None:
        """Takes over what no row explains; a broker that names no average says nothing about it."""
        self.quantity += quantity
        if not self.quantity:
            self.average = None
        elif average_price is not None:
            self.average = average_price

    def _move(self, quantity: Decimal, price: Decimal) -> None:
        before, after = self.quantity, self.quantity + quantity
        if before * quantity >= 0:
            self.average = self._blended(quantity, price)
        elif before * after > 0:
            self.realized += self._profit(-quantity, price)
        else:
            # Through zero: all of it closes at the old average, the rest opens at this price.
            self.realized += self._profit(before, price)
            self.average = price if after else None
        self.quantity = after

    def _blended(self, quantity: Decimal, price: Decimal) -> Decimal | None:
        total = self.quantity + quantity
        if not quantity or not total:
            return self.average if total else None
        if not self.quantity:
            return price
        entry = self._entry(price)
        if entry is None:
            return None
        return blended(self.quantity, entry, quantity, price, self.instrument)

    def _profit(self, closed: Decimal, price: Decimal) -> Decimal:
        """Of closing that signed quantity; none is claimed where the entry price is not known."""
        entry = self._entry(price)
        return ZERO if entry is None else gain(closed, entry, price, self.instrument)

    def _entry(self, price: Decimal) -> Decimal | None:
        """The average as far as it can be reckoned with: an inverse price of zero has no value."""
        if self.inverse and not (self.average and price):
            return None
        return self.average


def blended(
    quantity: Decimal,
    price: Decimal,
    more: Decimal,
    at: Decimal,
    instrument: Instrument | None,
) -> Decimal:
    """The average price of two quantities."""
    if is_inverse(instrument):
        return average(quantity + more, quantity / price + more / at)
    return average(quantity * price + more * at, quantity + more)


def gain(closed: Decimal, entry: Decimal, price: Decimal, instrument: Instrument | None) -> Decimal:
    """What closing that signed quantity wins, fees aside."""
    size = instrument.multiplier if instrument else ONE
    if is_inverse(instrument):
        return bounded(closed * size * (1 / entry - 1 / price))
    return bounded(closed * size * (price - entry))


def worth(quantity: Decimal, price: Decimal, instrument: Instrument | None) -> Decimal:
    """What so much of it stands for, in the currency that profit is told in."""
    size = instrument.multiplier if instrument else ONE
    if is_inverse(instrument):
        return bounded(quantity * size / price) if price else ZERO
    return bounded(quantity * size * price)


def moved(row: BookExecution, instrument: Instrument | None) -> Decimal:
    """By how much the row moves its position: what was bought or sold, less a fee taken in kind."""
    quantity = row.side.sign * row.quantity
    if row.fee and row.fee_currency and is_taken_in_kind(row.symbol, row.fee_currency, instrument):
        return quantity - row.fee
    return quantity


def settled_fee(row: BookExecution, instrument: Instrument | None) -> Decimal:
    """The fee as far as profit is told in its currency; others are left out, not converted."""
    if not row.fee:
        return ZERO
    if row.fee_currency is None:
        return row.fee
    if instrument is None:
        return row.fee if row.symbol.endswith(row.fee_currency) else ZERO
    settles = instrument.base if is_inverse(instrument) else instrument.quote
    return row.fee if row.fee_currency == settles else ZERO


def is_inverse(instrument: Instrument | None) -> bool:
    """Priced in one currency, settled in the other: such prices average harmonically."""
    return instrument is not None and instrument.kind == "inverse"


def is_taken_in_kind(symbol: str, currency: str, instrument: Instrument | None) -> bool:
    if instrument is None:
        return symbol.startswith(currency)
    return instrument.kind not in WHOLE_KINDS and currency == instrument.base
