"""The account: coins, positions, leverage and the position mode of each symbol."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from tests.venues.exchange.instruments import Category, Instrument
from tests.venues.exchange.orders import ZERO, Leg, Side


@dataclass(slots=True, kw_only=True)
class Position:
    """One position; its quantity is negative when it is short."""

    instrument: Instrument
    leg: Leg
    position_id: int = 0
    quantity: Decimal = ZERO
    # Which way it was held last; a flat position keeps it.
    long: bool = True
    average: Decimal = ZERO
    realised: Decimal = ZERO
    closed: Decimal = ZERO
    opened_ms: int = 0
    updated_ms: int = 0
    sequence: int = 0

    @property
    def side(self) -> Side | None:
        """The side that opened it, None when it is flat."""
        if not self.quantity:
            return None
        return Side.BUY if self.quantity > 0 else Side.SELL

    @property
    def size(self) -> Decimal:
        """How much it holds, without direction."""
        return abs(self.quantity)

    def reducible(self, side: Side) -> Decimal:
        """How much an order of this side could take from it."""
        return self.size if self.side is side.opposite else ZERO

    def unrealised(self, mark: Decimal) -> Decimal:
        """What closing it at this price would bring."""
        return self.instrument.value(self.quantity, mark - self.average)

    def apply(self, side: Side, quantity: Decimal, price: Decimal) -> tuple[Decimal, Decimal]:
        """Take one fill in and say how much of it closed, and with what profit."""
        closed = min(quantity, self.reducible(side))
        profit = self.instrument.value(closed * -side.sign, price - self.average)
        opened = quantity - closed
        self.quantity += side.sign * closed
        if opened:
            held = self.size
            self.average = (held * self.average + opened * price) / (held + opened)
            self.quantity += side.sign * opened
        if self.quantity:
            self.long = self.quantity > 0
        else:
            self.average = ZERO
        self.closed += closed
        self.realised += profit
        return closed, profit


class Account:
    """What the one customer of the exchange owns and how the account is set up."""

    def __init__(self, balances: dict[str, Decimal], *, hedged: bool, leverage: Decimal) -> None:
        self.balances = dict(balances)
        self._positions: dict[tuple[str, Leg], Position] = {}
        self._hedged_by_default = hedged
        self._hedged: dict[str, bool] = {}
        self._leverage_by_default = leverage
        self._leverages: dict[tuple[str, Leg], Decimal] = {}

    def credit(self, currency: str, amount: Decimal) -> None:
        """Add to a coin's balance, or take from it with a negative amount."""
        self.balances[currency] = self.balances.get(currency, ZERO) + amount

    def hedged(self, symbol: str) -> bool:
        """Whether this symbol keeps a long and a short leg apart."""
        return self._hedged.get(symbol, self._hedged_by_default)

    def set_hedged(self, hedged: bool, symbol: str | None) -> None:
        """Choose the position mode of one symbol, or of the whole account."""
        if symbol is None:
            self._hedged.clear()
            self._hedged_by_default = hedged
        else:
            self._hedged[symbol] = hedged

    def legs(self, symbol: str) -> tuple[Leg, ...]:
        """The positions that the symbol's mode allows."""
        return (Leg.LONG, Leg.SHORT) if self.hedged(symbol) else (Leg.NET,)

    def leverage(self, symbol: str, leg: Leg) -> Decimal:
        """The leverage that a position on this leg uses."""
        return self._leverages.get((symbol, leg), self._leverage_by_default)

    def set_leverage(self, symbol: str, leg: Leg, leverage: Decimal) -> None:
        """Change the leverage of one leg."""
        self._leverages[symbol, leg] = leverage

    def position(self, instrument: Instrument, leg: Leg) -> Position:
        """The position, flat if it was never opened."""
        key = (instrument.symbol, leg)
        if key not in self._positions:
            self._positions[key] = Position(instrument=instrument, leg=leg)
        return self._positions[key]

    def open_positions(self) -> Iterator[Position]:
        """Every position that holds something."""
        return (position for position in list(self._positions.values()) if position.quantity)

    def settle_spot(
        self, instrument: Instrument, side: Side, quantity: Decimal, value: Decimal, fee: Decimal
    ) -> str:
        """Swap the two coins of a spot trade and say in which one the fee was taken."""
        assert instrument.category is Category.SPOT
        received = instrument.base if side is Side.BUY else instrument.quote
        self.credit(instrument.base, side.sign * quantity)
        self.credit(instrument.quote, -side.sign * value)
        self.credit(received, -fee)
        return received
