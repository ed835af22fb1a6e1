"""Stage A: whether it is time to leave one trade, by the price that leaving would fetch now.

| cause         | a long is left when                                        | a short when    |
|---------------|------------------------------------------------------------|-----------------|
| STOP_LOSS     | price ≤ floor                                              | price ≥ ceiling |
| STOP_LOSS     | no stop stands and the price is beyond where it would be   | the same        |
| TRAILING_STOP | the same, where the stop had followed the profit           | the same        |
| TARGET_HIT    | price ≥ target                                             | price ≤ target  |
| TIME_BASED    | held longer than EXITS.max_holding_minutes                 | the same        |

A stop that stands at the venue is the venue's to trigger; nothing here competes with it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.config.trading_settings import Exits
from core.domain.exit import BY_PRICE, Episode, ExitCause
from core.domain.life import Direction, Life
from core.domain.money import decimal_text
from core.domain.trade import Trade

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """It is time, and why."""

    cause: ExitCause
    price: Decimal
    because: str
    # Nothing protects the position: it has to go, however still the price stands.
    naked: bool = False


def detect(
    trade: Trade,
    life: Life,
    price: Decimal,
    settings: Exits,
    now: datetime,
    *,
    missing_stop: Decimal | None,
) -> Candidate | None:
    """`missing_stop` is where a stop would have to be, of a position that has none."""
    guard = trade.floor if trade.direction is Direction.LONG else trade.ceiling
    if guard is not None and _beyond(price, guard, trade.direction):
        told = f"{_text(price)} has reached the signal's limit of {_text(guard)}"
        return Candidate(cause=ExitCause.STOP_LOSS, price=price, because=told)
    if missing_stop is not None and _beyond(price, missing_stop, trade.direction):
        cause = ExitCause.TRAILING_STOP if life.trail_activated else ExitCause.STOP_LOSS
        told = f"{_text(price)} is beyond the stop of {_text(missing_stop)}, which does not stand"
        return Candidate(cause=cause, price=price, because=told, naked=True)
    if trade.target is not None and _beyond(trade.target, price, trade.direction):
        told = f"{_text(price)} has reached the target of {_text(trade.target)}"
        return Candidate(cause=ExitCause.TARGET_HIT, price=price, because=told)
    limit = settings.max_holding_minutes
    if limit and now - trade.entry_time >= timedelta(minutes=limit):
        told = f"held for {limit} minutes and longer"
        return Candidate(cause=ExitCause.TIME_BASED, price=price, because=told)
    return None


def is_news(candidate: Candidate, last: Episode | None, settings: Exits, now: datetime) -> bool:
    """Whether it says something new since the last signal of the same cause.

    A price that moved always does. One that stands still does once the cooldown is over, where the
    price is not what it is about, where nothing protects the position, or where the last signal
    came to nothing.
    """
    if last is None or not last.price:
        return True
    moved = abs(candidate.price - last.price) / last.price * _HUNDRED
    if moved >= settings.min_brick_movement_pct:
        return True
    if now < last.cools_until(settings.exit_cooldown_seconds):
        return False
    return candidate.naked or last.barren > 0 or candidate.cause not in BY_PRICE


def _beyond(price: Decimal, limit: Decimal, direction: Direction) -> bool:
    """At the limit or past it, in the direction in which the position loses."""
    return price <= limit if direction is Direction.LONG else price >= limit


def _text(price: Decimal) -> str:
    return decimal_text(price)
