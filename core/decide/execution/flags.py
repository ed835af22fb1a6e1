"""How long an order rests and what it may do: time in force, post-only, reduce-only."""

from core.config.settings import Settings
from core.decide.execution.direction import Leg
from core.domain.order import OrderType


def time_in_force(kind: OrderType) -> str:
    """A limit rests until it is done; a market order takes what is there now."""
    return "GTC" if kind is OrderType.LIMIT else "IOC"


def post_only(kind: OrderType, settings: Settings, *, venue_has_it: bool) -> bool:
    return kind is OrderType.LIMIT and settings.EXECUTION.post_only and venue_has_it


def reduce_only(leg: Leg, instrument_kind: str) -> bool:
    """Where there are no short positions the venue knows no such flag."""
    return leg.reduces and instrument_kind not in ("spot", "stock")
