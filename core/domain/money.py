"""Decimals that never lose a digit: strict text in, canonical text out."""

import decimal
import re
from decimal import Decimal

# Sums and products of venue figures stay exact well below this; only averages are rounded (below).
decimal.DefaultContext.prec = 60
decimal.getcontext().prec = 60

# Digits only: Decimal() itself also takes full-width digits, underscores, NaN and exponents,
# and an exponent such as 1e1000000 costs seconds as soon as it is printed.
_STRICT = re.compile(r"-?(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,20})?", re.ASCII)

ZERO = Decimal(0)
_AVERAGE_STEP = Decimal("1e-12")


def parse_decimal(text: str) -> Decimal:
    """Reads a plain decimal number; anything a person would not write by hand is a ValueError."""
    if not isinstance(text, str) or not _STRICT.fullmatch(text):
        raise ValueError(f"not a plain decimal number: {text!r:.60}")
    value = Decimal(text)
    if value == 0 and text.startswith("-"):
        raise ValueError(f"not a plain decimal number: {text!r:.60}")
    return value


def decimal_text(value: Decimal) -> str:
    """The one spelling of a number: no exponent, no trailing zeros, no minus zero."""
    if not value.is_finite():
        raise ValueError(f"not a number that could be written down: {value}")
    if not value:
        return "0"
    text = str(value)
    if "E" in text:
        text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def bounded(value: Decimal) -> Decimal:
    """Rounded to twelve places, so that the text of what was divided or multiplied stays short."""
    # Said here, because a venue's client library changes the rounding of the whole process.
    return value.quantize(_AVERAGE_STEP, rounding=decimal.ROUND_HALF_EVEN).normalize()


def average(total: Decimal, quantity: Decimal) -> Decimal:
    """A weighted average, bounded."""
    return bounded(total / quantity)


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """The nearest multiple of `step` towards zero."""
    return (value / step).to_integral_value(rounding=decimal.ROUND_DOWN) * step


def ceil_to_step(value: Decimal, step: Decimal) -> Decimal:
    """The nearest multiple of `step` away from zero."""
    return (value / step).to_integral_value(rounding=decimal.ROUND_UP) * step
