"""A position that is held, with all that a quote of it could mean something for."""

from dataclasses import dataclass, replace
from decimal import Decimal

from core.domain.life import Direction, Life
from core.domain.market import Instrument
from core.domain.money import ZERO
from core.domain.order import BookOrder
from core.domain.position import BookPosition
from core.domain.trade import Trade


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    life: Life
    position: BookPosition
    # Live ones that guard it.
    stops: tuple[BookOrder, ...]
    # Open ones.
    trades: tuple[Trade, ...]
    # A call about the symbol is under way.
    is_busy: bool
    # What leaving it would fetch now.
    price: Decimal = ZERO
    leverage: Decimal = Decimal(1)
    instrument: Instrument | None = None

    def at(self, price: Decimal, leverage: Decimal, instrument: Instrument | None) -> "Held":
        return replace(self, price=price, leverage=leverage, instrument=instrument)

    @property
    def is_long(self) -> bool:
        return self.life.direction is Direction.LONG
