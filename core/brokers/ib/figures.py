"""Numbers and names as the library hands them over, and numbers as it wants them."""

import sys
from decimal import Decimal, InvalidOperation

from core.domain.errors import Rejected
from core.domain.money import ZERO

# What the wire protocol sends for a number that is not set.
UNSET = frozenset({Decimal(repr(sys.float_info.max)), Decimal(2**31 - 1)})


def figure(told: object) -> Decimal | None:
    """The number as the gateway spelt it: a float's shortest text is what it was read from."""
    if told is None or told == "":
        return None
    try:
        number = Decimal(str(told))
    except InvalidOperation:
        return None
    return number if number.is_finite() and number not in UNSET else None


def quantity(told: object) -> Decimal:
    return figure(told) or ZERO


def price(told: object) -> Decimal | None:
    """Zero stands for a price that the order does not have."""
    return figure(told) or None


def quoted(told: object) -> Decimal | None:
    """A quote of -1 says that nobody bids."""
    number = figure(told)
    return number if number and number > 0 else None


def name(told: object) -> str | None:
    """An identifier as text; 0 and nothing at all name nothing."""
    return str(told) if told else None


def on_the_wire(number: Decimal) -> float:
    """The library takes floats; one that would come out as another number is not sent."""
    sent = float(number)
    if Decimal(repr(sent)) != number:
        raise Rejected("not_representable", f"{number} has too many digits for the TWS protocol")
    return sent
