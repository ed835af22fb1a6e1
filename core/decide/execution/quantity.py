"""How much an amount of quote currency buys: floored to the step, never rounded up."""

from collections.abc import Iterator
from decimal import Decimal

from core.decide.qualify.reasons import Reason
from core.domain.market import Instrument
from core.domain.money import ZERO, bounded, ceil_to_step, decimal_text, floor_to_step
from core.domain.tally import is_inverse

# Stands for a step or tick that the venue does not tell: the book keeps no endless fraction.
FINEST = Decimal("1e-12")


def quantity_of(amount: Decimal, price: Decimal, instrument: Instrument) -> Decimal:
    """At most the amount is spent."""
    if price <= ZERO:
        return ZERO
    return on_step(amount / worth_of_one(price, instrument), instrument)


def worth_of_one(price: Decimal, instrument: Instrument) -> Decimal:
    """In quote currency; an inverse contract is worth its size, whatever the price."""
    return instrument.multiplier * (1 if is_inverse(instrument) else price)


def notional(quantity: Decimal, price: Decimal, instrument: Instrument) -> Decimal:
    return quantity * worth_of_one(price, instrument)


def step_of(instrument: Instrument) -> Decimal:
    return instrument.quantity_step or FINEST


def on_step(quantity: Decimal, instrument: Instrument) -> Decimal:
    return floor_to_step(quantity, step_of(instrument))


def least_quantity(price: Decimal, instrument: Instrument) -> Decimal:
    """The smallest that the venue takes at that price."""
    least = instrument.min_quantity or instrument.quantity_step or ZERO
    if instrument.min_notional and price > ZERO:
        least = max(least, instrument.min_notional / worth_of_one(price, instrument))
    return ceil_to_step(least, step_of(instrument))


def too_small(quantity: Decimal, price: Decimal, instrument: Instrument) -> Iterator[Reason]:
    few = list(too_few(quantity, instrument))
    yield from few
    worth = notional(quantity, price, instrument)
    if not few and instrument.min_notional and worth < instrument.min_notional:
        yield Reason(
            "below_minimum_notional",
            f"{decimal_text(bounded(worth))} is below the minimum of "
            f"{decimal_text(instrument.min_notional)}",
        )


def too_few(quantity: Decimal, instrument: Instrument) -> Iterator[Reason]:
    """All that matters to an order that only reduces: it may be worth next to nothing."""
    least = instrument.min_quantity or ZERO
    if quantity <= ZERO or quantity < least:
        yield Reason(
            "below_minimum_quantity",
            f"{decimal_text(quantity)} {instrument.symbol} is below the minimum of "
            f"{decimal_text(least or instrument.quantity_step or ZERO)}",
        )
