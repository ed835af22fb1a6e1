"""Durations as an operator writes them: 90s, 15m, 2h, 1d."""

import re
from datetime import timedelta

from core.domain.errors import Usage

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: str) -> timedelta:
    match = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", text, re.ASCII)
    if match is None:
        raise Usage(f"not a duration: {text!r:.40}", hint="write 90s, 15m, 2h or 1d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
