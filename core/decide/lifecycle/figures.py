"""What is told of a position in figures: prices of its parts, profit, and that of its margin."""

from decimal import Decimal

from core.domain.market import ONE, Instrument
from core.domain.money import ZERO, bounded
from core.domain.tally import blended, gain, is_inverse, worth

_HUNDRED = Decimal(100)


def averaged(
    quantity: Decimal,
    price: Decimal | None,
    more: Decimal,
    at: Decimal | None,
    instrument: Instrument | None,
) -> Decimal | None:
    """The average price of two parts; not known as soon as that of one of them is not."""
    if not quantity:
        return at
    if price is None or at is None:
        return None
    if is_inverse(instrument) and not (price and at):
        return None
    return blended(quantity, price, more, at, instrument)


def won_by(
    closed: Decimal, entry: Decimal | None, price: Decimal | None, instrument: Instrument | None
) -> Decimal:
    """What leaving that signed quantity won; nothing is claimed of a price that is not known."""
    if entry is None or price is None or (is_inverse(instrument) and not (entry and price)):
        return ZERO
    return gain(closed, entry, price, instrument)


def margin_of(
    quantity: Decimal,
    price: Decimal | None,
    leverage: Decimal | None,
    instrument: Instrument | None,
) -> Decimal | None:
    if not price or not leverage:
        return None
    return bounded(worth(quantity, price, instrument) / leverage)


def pct_of_margin(
    won: Decimal,
    quantity: Decimal,
    entry: Decimal | None,
    leverage: Decimal | None,
    instrument: Instrument | None,
) -> Decimal | None:
    """The return on equity; without a leverage, on all that was put in."""
    margin = margin_of(quantity, entry, leverage or ONE, instrument)
    return bounded(won / margin * _HUNDRED) if margin else None
