"""What ccxt says that an exchange can do, in the words of doctor."""

from collections.abc import Mapping
from typing import Any

# What is asked for, and the names of ccxt of which one is enough.
ASKED: Mapping[str, tuple[str, ...]] = {
    "list open orders": ("fetchOpenOrders",),
    "list ended orders": ("fetchCanceledAndClosedOrders", "fetchClosedOrders", "fetchOrders"),
    "look up one order": ("fetchOrder",),
    "list executions": ("fetchMyTrades",),
    "list positions": ("fetchPositions",),
    "tell balances": ("fetchBalance",),
    "tell its time": ("fetchTime",),
    "tell a quote": ("fetchTicker",),
    "reduce only": ("createReduceOnlyOrder",),
    "take conditional orders": ("createTriggerOrder", "createStopOrder", "createStopLossOrder"),
    "tell the position mode": ("fetchPositionMode",),
}
ENDED = ASKED["list ended orders"]


def lacking(has: Mapping[str, Any], market: str) -> list[str]:
    """Spot has neither positions nor a mode, and needs none."""
    needless = ("list positions", "reduce only", "tell the position mode")
    return [
        what
        for what, names in ASKED.items()
        if not any(has.get(each) for each in names) and not (market == "spot" and what in needless)
    ]


def first_of(has: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The method for the first of these that there is."""
    found = next((each for each in names if has.get(each)), None)
    return None if found is None else "".join(f"_{c.lower()}" if c.isupper() else c for c in found)
