"""The situation of one delivery, as the tests of qualification and its rules see it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.decide.qualify.situation import DayFigures, Situation
from core.domain.market import Balance
from tests.build import clock, instrument, quote, signal

NOW = clock("11:00:30")
_OF_SITUATION = frozenset(Situation.__slots__)


def usdt(available: Any) -> tuple[Balance, ...]:
    return (Balance(currency="USDT", total=Decimal(available), available=Decimal(available)),)


def situation(market: Mapping[str, Any] | None = None, **given: Any) -> Situation:
    """Buy for 1000 at 100 with a spread of 1, flat, with 100000 to spend.

    `market` overrides fields of the instrument; what is no field of the situation is the signal's.
    """
    of_signal = {name: given.pop(name) for name in list(given) if name not in _OF_SITUATION}
    told = {"market_data_snapshot": {"price": "100", "spread": "1"}} | of_signal
    values: dict[str, Any] = {
        "signal": signal(**told),
        "account": "main",
        "now": NOW,
        "instrument": instrument(**(market or {})),
        "quote": quote(bid=100, ask=101),
        "balances": usdt(100_000),
    }
    return Situation(**(values | given))


def day(volume: Any = 0, realized: Any = 0) -> DayFigures:
    return DayFigures(volume=Decimal(volume), realized=Decimal(realized))
