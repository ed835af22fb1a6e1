"""How much an addition to a position is worth: the signal's amount, shrunk once more each time."""

from decimal import Decimal

from core.config.settings import Settings
from core.decide.execution.direction import Leg
from core.domain.intent import Purpose
from core.domain.money import bounded, decimal_text


def amount_of(
    leg: Leg, amount: Decimal, scale_ins: int, settings: Settings
) -> tuple[Decimal, str | None]:
    factor = settings.EXECUTION.scale_in_factor
    if leg.purpose is not Purpose.ADD or factor == 1:
        return amount, None
    scaled = bounded(amount * factor ** (scale_ins + 1))
    return scaled, (
        f"Addition {scale_ins + 1} is worth {decimal_text(scaled)} of {decimal_text(amount)}."
    )
