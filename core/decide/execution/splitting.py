"""One amount as several orders: near-equal parts on the step, whose sum is exact."""

from decimal import Decimal

from core.config.settings import Settings
from core.decide.execution.quantity import notional, quantity_of, step_of
from core.domain.market import Instrument
from core.domain.money import ceil_to_step

# More than anybody means; each is a call to the venue, one after the other.
PARTS_MAX = 100


def count_of(
    quantity: Decimal, price: Decimal, least: Decimal, instrument: Instrument, settings: Settings
) -> int:
    """As few parts as keep each within max_single_order_size, and none below the minimum."""
    rules = settings.EXECUTION
    most = rules.max_single_order_size
    if not rules.enable_order_splitting or notional(quantity, price, instrument) <= most:
        return 1
    largest = quantity_of(most, price, instrument) or step_of(instrument)
    wanted = int(ceil_to_step(quantity / largest, Decimal(1)))
    return max(1, min(wanted, int(quantity / least))) if least else wanted


def parts_of(quantity: Decimal, count: int, instrument: Instrument) -> tuple[Decimal, ...]:
    """Of a quantity on the step. What does not divide goes to the first parts, a step each."""
    step = step_of(instrument)
    each, extra = divmod(int(quantity / step), count)
    return (*[(each + 1) * step] * extra, *[each * step] * (count - extra))


def largest_of(quantity: Decimal, count: int, instrument: Instrument) -> Decimal:
    """The largest of these parts."""
    return ceil_to_step(quantity / count, step_of(instrument))
