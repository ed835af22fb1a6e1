"""What the account's money is tied up in, and what is left to trade with."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from tests.venues.exchange.account import Account, Position
from tests.venues.exchange.instruments import Category, Instrument, Quote
from tests.venues.exchange.orders import ZERO, Order, Side, State

QuoteOf = Callable[[Instrument], Quote | None]


def mark_price(quote: Quote | None, otherwise: Decimal) -> Decimal:
    """The price that profit and loss are counted at."""
    return quote.mark if quote is not None else otherwise


class Margin:
    """Answers how much of a coin is locked, at risk and available."""

    def __init__(self, account: Account, quote_of: QuoteOf) -> None:
        self._account = account
        self._quote_of = quote_of

    def available(self, currency: str, orders: Iterable[Order]) -> Decimal:
        """What a new order may still use."""
        total = self._account.balances.get(currency, ZERO)
        orders = list(orders)
        return (
            total
            + self.unrealised(currency)
            - self.in_positions(currency)
            - self.in_orders(currency, orders)
            - self.locked(currency, orders)
        )

    def unrealised(self, currency: str) -> Decimal:
        """Profit and loss of the open positions that settle in this coin."""
        return sum(
            (self.unrealised_of(position) for position in self._settling(currency)), start=ZERO
        )

    def unrealised_of(self, position: Position) -> Decimal:
        """Profit and loss of one position at its mark price."""
        quote = self._quote_of(position.instrument)
        return position.unrealised(mark_price(quote, position.average))

    def in_positions(self, currency: str) -> Decimal:
        """Initial margin of the open positions."""
        return sum((self.of_position(each) for each in self._settling(currency)), start=ZERO)

    def of_position(self, position: Position) -> Decimal:
        """Initial margin of one position."""
        leverage = self._account.leverage(position.instrument.symbol, position.leg)
        return position.instrument.value(position.size, position.average) / leverage

    def in_orders(self, currency: str, orders: Iterable[Order]) -> Decimal:
        """Initial margin that resting orders keep aside."""
        return sum(
            (self.of_order(order) for order in orders if _keeps_margin(order, currency)), start=ZERO
        )

    def of_order(self, order: Order) -> Decimal:
        """Initial margin of what an order can still open."""
        ticket = order.ticket
        assert order.price is not None
        leverage = self._account.leverage(ticket.instrument.symbol, ticket.leg)
        return ticket.instrument.value(order.leaves, order.price) / leverage

    def locked(self, currency: str, orders: Iterable[Order]) -> Decimal:
        """Coins that resting spot orders have promised."""
        return sum((_promised(order, currency) for order in orders), start=ZERO)

    def _settling(self, currency: str) -> Iterable[Position]:
        return (
            position
            for position in self._account.open_positions()
            if position.instrument.quote == currency
        )


def _keeps_margin(order: Order, currency: str) -> bool:
    instrument = order.ticket.instrument
    return (
        instrument.category is Category.LINEAR
        and instrument.quote == currency
        and order.state is not State.UNTRIGGERED
        and not order.ticket.reduce_only
        and order.price is not None
    )


def _promised(order: Order, currency: str) -> Decimal:
    instrument = order.ticket.instrument
    if instrument.category is not Category.SPOT or order.state is State.UNTRIGGERED:
        return ZERO
    if order.ticket.side is Side.SELL:
        return order.leaves if instrument.base == currency else ZERO
    if instrument.quote != currency or order.price is None:
        return ZERO
    return instrument.value(order.leaves, order.price)
