"""What a position is told to be, and whether two tellings are one."""

from dataclasses import dataclass
from decimal import Decimal

from core.decide.reconcile.words import figure
from core.domain.holding import is_dust
from core.domain.market import Instrument
from core.domain.money import ZERO
from core.domain.observation import ComputedPosition
from core.domain.position import BookPosition, BrokerPosition

# Where no tick is known, two averages this close, relative to their size, are one.
SAME_AVERAGE = Decimal("1e-6")


@dataclass(frozen=True, slots=True)
class Figures:
    """The two that decide; marks and unrealized profit move by themselves and decide nothing."""

    quantity: Decimal = ZERO
    average_price: Decimal | None = None

    def __str__(self) -> str:
        at = "" if self.average_price is None else f" at {figure(self.average_price)}"
        return f"{figure(self.quantity)}{at if self.quantity else ''}"


def figures_of(position: BrokerPosition | BookPosition | ComputedPosition | None) -> Figures:
    """No position is a position of nothing."""
    return Figures(position.quantity, position.average_price) if position else Figures()


def tell_the_same(
    one: Figures, other: Figures, instrument: Instrument | None, leeway: Decimal | None = ZERO
) -> bool:
    """Equal quantity and average, or nothing on both sides that could be traded.

    `leeway` is how far fees may have moved the average; None when nobody can say.
    """
    if one.quantity == other.quantity:
        if leeway is None:
            return True
        return _same_average(one.average_price, other.average_price, instrument, leeway)
    return all(not each.quantity or is_dust(each.quantity, instrument) for each in (one, other))


def _same_average(
    one: Decimal | None, other: Decimal | None, instrument: Instrument | None, leeway: Decimal
) -> bool:
    """An average that one side does not tell differs from nothing."""
    if one is None or other is None or one == other:
        return True
    apart = abs(one - other) - leeway
    if instrument and instrument.price_tick:
        return apart < instrument.price_tick / 2
    return apart <= SAME_AVERAGE * max(abs(one), abs(other))
