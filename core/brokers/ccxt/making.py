"""Which translation an account gets."""

from collections.abc import Callable

from core.brokers.ccxt.bybit.venue import bybit
from core.brokers.ccxt.line import Line
from core.brokers.ccxt.mexc.venue import mexc
from core.brokers.ccxt.unified.venue import unified
from core.brokers.ccxt.venue import Venue
from core.config.settings import Account
from core.ports import Clock

Make = Callable[[str, Account, Clock], tuple[Line, Venue]]

_OWN: dict[str, Make] = {"bybit": bybit, "mexc": mexc}


def venue_for(name: str, settings: Account, clock: Clock) -> tuple[Line, Venue]:
    return _OWN.get(settings.broker, unified)(name, settings, clock)
