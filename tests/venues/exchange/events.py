"""What the exchange tells its listeners, in the past tense."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.venues.exchange.account import Position
from tests.venues.exchange.instruments import Instrument, Quote
from tests.venues.exchange.orders import Execution, Order


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An order was accepted, filled, changed or ended."""

    order: Order


@dataclass(frozen=True, slots=True)
class Executed:
    """A row was added to the execution list."""

    execution: Execution


@dataclass(frozen=True, slots=True)
class PositionChanged:
    """A position, its stop or its leverage is not what it was."""

    position: Position


@dataclass(frozen=True, slots=True)
class BalanceChanged:
    """The money in one coin moved."""

    currency: str


@dataclass(frozen=True, slots=True)
class QuoteMoved:
    """The top of the book moved."""

    instrument: Instrument
    quote: Quote


Event = OrderChanged | Executed | PositionChanged | BalanceChanged | QuoteMoved
Listener = Callable[[Event], None]
