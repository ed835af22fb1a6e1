"""Numbers, moments and names as venues spell them; what cannot be read is a ValueError."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from core.domain.money import ZERO, bounded

Row = Mapping[str, Any]

# What reading a row raises when it is not what it should be: a word nobody knows, a number that is
# none, a list where an object belongs.
UNREADABLE = (KeyError, ValueError, TypeError, AttributeError, ArithmeticError)

# A longer number is no price or quantity, and could not be written down in a plan.
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{0,40})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_END = Decimal(10) ** 20
_PLACES_MAX = 20
# Years 2001 to 2286, in milliseconds.
_MILLISECONDS = re.compile(r"[0-9]{13}", re.ASCII)


def figure(told: object) -> Decimal | None:
    """None where the venue left the number out."""
    if told is None or told == "":
        return None
    text = str(told)
    if isinstance(told, bool) or not _NUMBER.fullmatch(text):
        raise ValueError(f"not a number: {text!r:.40}")
    number = Decimal(text)
    if abs(number) >= _END:
        raise ValueError(f"a number beyond all figures: {text!r:.40}")
    exponent = number.normalize().as_tuple().exponent
    return bounded(number) if isinstance(exponent, int) and exponent < -_PLACES_MAX else number


def needed(told: object) -> Decimal:
    number = figure(told)
    if number is None:
        raise ValueError("a number is missing")
    return number


def amount(told: object) -> Decimal:
    """Nothing told is nothing there."""
    return figure(told) or ZERO


def price(told: object) -> Decimal | None:
    """Zero stands for a price that there is not."""
    return figure(told) or None


def moment(told: object) -> datetime | None:
    """From milliseconds since 1970."""
    if told in (None, "", 0, "0"):
        return None
    if not _MILLISECONDS.fullmatch(str(told)):
        raise ValueError(f"not a moment: {told!r:.40}")
    return datetime.fromtimestamp(int(str(told)) / 1000, UTC)


def needed_moment(told: object) -> datetime:
    when = moment(told)
    if when is None:
        raise ValueError("a moment is missing")
    return when


def milliseconds(when: datetime) -> int:
    return round(when.timestamp() * 1000)


def name(told: object) -> str | None:
    """An identifier as text, digit by digit; nothing and zero name nothing."""
    return None if told in (None, "", 0, "0") else str(told)


def needed_name(told: object) -> str:
    text = name(told)
    if text is None:
        raise ValueError("an identifier is missing")
    return text


def row_number(row: Row, key: str) -> int:
    """A whole number under a key."""
    text = str(row[key])
    if not text.isdecimal():
        raise ValueError(f"{key} is not a whole number: {text!r:.40}")
    return int(text)
