"""Where a limit order rests: away from the market by a share of the spread, on the tick."""

from decimal import Decimal

from core.config.settings import Settings
from core.decide.execution.market import Market
from core.decide.execution.quantity import FINEST
from core.domain.market import Instrument
from core.domain.money import ZERO, ceil_to_step, decimal_text, floor_to_step
from core.domain.order import Side


def limit_price(
    side: Side, market: Market, instrument: Instrument, settings: Settings
) -> tuple[Decimal, str]:
    """A buy rests below and is rounded down, a sell above and up: rounding never crosses."""
    ratio = settings.EXECUTION.limit_offset_ratio
    tick = instrument.price_tick or FINEST
    price = market.price - side.sign * (market.spread or ZERO) * ratio
    price = floor_to_step(price, tick) if side is Side.BUY else ceil_to_step(price, tick)
    # An offset larger than the price itself leaves the smallest price there is.
    price = max(price, tick)
    away = "below" if side is Side.BUY else "above"
    return price, (
        f"Limit {decimal_text(price)}: {decimal_text(ratio)} of the spread {away} "
        f"{decimal_text(market.price)}."
    )
