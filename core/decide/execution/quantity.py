"""How much an amount of quote currency buys: floored to the step, never rounded up."""

from collections.abc import Iterator
from decimal import Decimal

from core.decide.qualify.reasons import Reason
from core.domain.market import Instrument
from core.domain.money import ZERO, ceil_to_step, decimal_text, floor_to_step


def quantity_of(amount: Decimal, price: Decimal, instrument: Instrument) -> Decimal:
    """Exact: a quantity is worth price × contract size, and at most the amount is spent."""
    if price <= ZERO:
        return ZERO
    return on_step(amount / (price * instrument.multiplier), instrument)


def on_step(quantity: Decimal, instrument: Instrument) -> Decimal:
    return (
        floor_to_step(quantity, instrument.quantity_step) if instrument.quantity_step else quantity
    )


def notional(quantity: Decimal, price: Decimal, instrument: Instrument) -> Decimal:
    return quantity * price * instrument.multiplier


def least_quantity(price: Decimal, instrument: Instrument) -> Decimal:
    """The smallest that the venue takes at that price."""
    least = instrument.min_quantity or instrument.quantity_step or ZERO
    if instrument.min_notional and price > ZERO:
        least = max(least, instrument.min_notional / (price * instrument.multiplier))
    return ceil_to_step(least, instrument.quantity_step) if instrument.quantity_step else least


def too_small(quantity: Decimal, price: Decimal, instrument: Instrument) -> Iterator[Reason]:
    least = instrument.min_quantity or ZERO
    if quantity <= ZERO or quantity < least:
        yield Reason(
            "below_minimum_quantity",
            f"{decimal_text(quantity)} {instrument.symbol} is below the minimum of "
            f"{decimal_text(least or instrument.quantity_step or ZERO)}",
        )
    elif instrument.min_notional:
        worth = notional(quantity, price, instrument)
        if worth < instrument.min_notional:
            yield Reason(
                "below_minimum_notional",
                f"{decimal_text(worth)} is below the minimum of "
                f"{decimal_text(instrument.min_notional)}",
            )
