"""Where a stop goes as the profit grows: after it by a step, never back.

Profit is told as return on equity: the price's move in percent, times the leverage. From
POSITIONS.trail_trigger_pct on the stop follows at the step of its tier, and because a stop is only
ever made tighter, the stop itself remembers how far the profit had come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from core.config.trading_settings import Positions
from core.domain.market import ONE, Instrument
from core.domain.money import ZERO, bounded, ceil_to_step, decimal_text, floor_to_step
from core.domain.position import BookPosition, signed

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """A tighter trigger, and the sentence that says why."""

    trigger: Decimal
    because: str


def trail(
    position: BookPosition,
    trigger: Decimal,
    price: Decimal,
    leverage: Decimal,
    instrument: Instrument | None,
    settings: Positions,
) -> Trail | None:
    """`price` is what leaving the position would fetch now; None leaves the stop where it is."""
    entry, is_long = position.average_price, _is_long(position)
    if not entry:
        return None
    gained = roe_pct(entry, price, leverage, is_long=is_long)
    if gained < settings.trail_trigger_pct:
        return None
    step = step_at(gained, settings)
    wanted = price_at(entry, gained - step, leverage, instrument, is_long=is_long)
    # Never looser, and never where it would close the position at once.
    tighter = trigger < wanted < price if is_long else price < wanted < trigger
    if not tighter:
        return None
    return Trail(
        trigger=wanted,
        because=(
            f"At {decimal_text(price)} the position has gained {_shown(gained)} % of its equity; "
            f"its stop follows {decimal_text(step)} % behind, from {decimal_text(trigger)} to "
            f"{decimal_text(wanted)}."
        ),
    )


def roe_pct(entry: Decimal, price: Decimal, leverage: Decimal, *, is_long: bool) -> Decimal:
    moved = (price - entry) / entry
    return bounded((moved if is_long else -moved) * leverage * _HUNDRED)


def price_at(
    entry: Decimal,
    roe: Decimal,
    leverage: Decimal,
    instrument: Instrument | None,
    *,
    is_long: bool,
) -> Decimal:
    """The price at which that much is gained, rounded so that no more is given away."""
    distance = roe / _HUNDRED / leverage
    exact = bounded(entry * (ONE + distance if is_long else ONE - distance))
    tick = instrument.price_tick if instrument else None
    if not tick:
        return exact
    return ceil_to_step(exact, tick) if is_long else floor_to_step(exact, tick)


def step_at(gained: Decimal, settings: Positions) -> Decimal:
    """The step of the highest tier that the gain has reached."""
    tiers = tiers_of(tuple(settings.trail_tiers))
    return next((step for least, step in tiers.items() if gained >= least), ZERO)


@cache
def tiers_of(words: Sequence[str]) -> Mapping[Decimal, Decimal]:
    """`50:2` is a step of 2 from a gain of 50 on; the highest first."""
    pairs = (word.split(":") for word in words)
    tiers = {Decimal(least): Decimal(step) for least, step in pairs}
    return dict(sorted(tiers.items(), reverse=True))


def _is_long(position: BookPosition) -> bool:
    return signed(position.quantity, position.side) > ZERO


def _shown(figure: Decimal) -> str:
    return decimal_text(figure.quantize(Decimal("0.01")))
