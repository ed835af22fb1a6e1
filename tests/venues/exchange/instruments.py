"""What can be traded, and at what price just now."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Category(StrEnum):
    """The two kinds of market the emulated venues offer."""

    LINEAR = "linear"
    SPOT = "spot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """The terms of one market; quantities are in contracts of `contract_size` base coins."""

    symbol: str
    category: Category
    base: str
    quote: str
    tick: Decimal
    step: Decimal
    minimum: Decimal
    maximum: Decimal = Decimal(10_000)
    minimum_value: Decimal = Decimal(5)
    contract_size: Decimal = Decimal(1)
    leverage_max: Decimal = Decimal(100)
    maker_fee: Decimal = Decimal("0.0002")
    taker_fee: Decimal = Decimal("0.00055")

    def value(self, quantity: Decimal, price: Decimal) -> Decimal:
        """What a quantity is worth in the quote coin."""
        return quantity * price * self.contract_size

    def middle(self, bid: Decimal, ask: Decimal) -> Decimal:
        """The price between bid and ask, rounded down to a tick."""
        middle = (bid + ask) / 2
        return middle - middle % self.tick

    def on_tick(self, price: Decimal) -> bool:
        """Whether the venue would accept this price."""
        return price > 0 and price % self.tick == 0

    def on_step(self, quantity: Decimal) -> bool:
        """Whether the venue would accept this quantity as a multiple."""
        return quantity % self.step == 0


@dataclass(slots=True, kw_only=True)
class Quote:
    """The top of the book; a size of None means that as much as you like trades there."""

    bid: Decimal
    ask: Decimal
    last: Decimal
    mark: Decimal
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None
