"""One amount as several orders: near-equal parts on the step, whose sum is exact."""

from decimal import Decimal

from core.config.settings import Settings
from core.decide.execution.quantity import least_quantity, notional, on_step
from core.domain.market import Instrument
from core.domain.money import ceil_to_step


def parts_of(
    quantity: Decimal, price: Decimal, instrument: Instrument, settings: Settings
) -> tuple[Decimal, ...]:
    """As few parts as keep each within max_single_order_size, and none below the minimum."""
    rules = settings.EXECUTION
    worth = notional(quantity, price, instrument)
    if not rules.enable_order_splitting or worth <= rules.max_single_order_size:
        return (quantity,)
    wanted = int(ceil_to_step(worth / rules.max_single_order_size, Decimal(1)))
    least = least_quantity(price, instrument)
    most = int(quantity / least) if least else wanted
    return _equal(quantity, max(1, min(wanted, most)), instrument)


def _equal(quantity: Decimal, count: int, instrument: Instrument) -> tuple[Decimal, ...]:
    """What does not divide goes to the first parts, a step each."""
    step = instrument.quantity_step
    if not step:
        each = quantity / count
        return (*([each] * (count - 1)), quantity - each * (count - 1))
    base = on_step(quantity / count, instrument)
    extra = int((quantity - base * count) / step)
    rest = quantity - base * count - extra * step
    parts = [base + step] * extra + [base] * (count - extra)
    parts[0] += rest
    return tuple(parts)
