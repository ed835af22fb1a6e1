"""The trading floor: everything the parts of the exchange share."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from tests.venues.exchange.account import Account, Position
from tests.venues.exchange.clock import VenueClock
from tests.venues.exchange.events import (
    BalanceChanged,
    Event,
    Listener,
    OrderChanged,
    PositionChanged,
)
from tests.venues.exchange.ids import Ids
from tests.venues.exchange.instruments import Category, Instrument, Quote
from tests.venues.exchange.margin import Margin
from tests.venues.exchange.orders import ZERO, Execution, Order, State, Ticket
from tests.venues.exchange.refusals import Refusal, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Where venues differ in what the exchange itself does."""

    # False where a second order with the same client id simply becomes a second order.
    unique_client_ids: bool = True
    # True where a conditional order stays behind and a new order with another id trades for it.
    trigger_spawns_order: bool = False
    # True where a trigger price that the market already passed is refused.
    trigger_must_lie_ahead: bool = True
    # Whether order ids of derivatives are long numbers; those of spot markets always are.
    numbered_orders: bool = False


# How many closed orders of a category a venue keeps at hand besides its history.
REMEMBERED = 500


@dataclass(slots=True)
class Register:
    """Every order and execution there ever was, with the open ones at hand."""

    orders: dict[str, Order] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    _open: dict[str, Order] = field(default_factory=dict)
    _closed: dict[str, deque[Order]] = field(default_factory=dict)
    _by_client_id: dict[str, list[Order]] = field(default_factory=dict)

    def add(self, order: Order) -> None:
        """Enter a new order."""
        self.orders[order.order_id] = order
        self._open[order.order_id] = order
        if order.ticket.client_id:
            self._by_client_id.setdefault(order.ticket.client_id, []).append(order)

    def shelve(self, order: Order) -> None:
        """Take an order out of the open ones; the oldest closed one falls out of memory for it."""
        if self._open.pop(order.order_id, None) is None:
            return
        closed = self._closed.setdefault(order.ticket.instrument.category, deque())
        closed.append(order)
        if len(closed) > REMEMBERED:
            closed.popleft().recent = False

    def recently_closed(self, category: str) -> list[Order]:
        """The closed orders of a category that the venue still has at hand, oldest first."""
        return list(self._closed.get(category, ()))

    def forget_closed(self) -> None:
        """Drop the short memory of closed orders, as a restart does."""
        for closed in self._closed.values():
            for order in closed:
                order.recent = False
            closed.clear()

    def open_orders(self, instrument: Instrument | None = None) -> list[Order]:
        """The open orders, oldest first."""
        return [
            order
            for order in self._open.values()
            if instrument is None or order.ticket.instrument == instrument
        ]

    def named(self, key: str) -> list[Order]:
        """The order of that id, or every order placed under that client id."""
        return [self.orders[key]] if key in self.orders else self.with_client_id(key)

    def with_client_id(self, client_id: str) -> list[Order]:
        """Every order that was ever placed under a client id, oldest first."""
        return list(self._by_client_id.get(client_id, ()))


class Floor:
    """Account, register, quotes and clock of one exchange, and the word to its listeners."""

    def __init__(self, account: Account, rules: Rules, clock: VenueClock) -> None:
        self.account = account
        self.rules = rules
        self.clock = clock
        self.ids = Ids()
        self.register = Register()
        self.instruments: dict[tuple[Category, str], Instrument] = {}
        self.quotes: dict[Instrument, Quote] = {}
        self.listeners: list[Listener] = []
        self.margin = Margin(account, self.quotes.get)

    def tell(self, event: Event) -> None:
        """Pass an event on to every listener."""
        for listener in list(self.listeners):
            listener(event)

    def tell_order(self, order: Order) -> None:
        """Stamp an order, put it away if it has ended, and tell."""
        order.updated_ms = self.clock.now_ms()
        if not order.open:
            self.register.shelve(order)
        self.tell(OrderChanged(order))

    def tell_position(self, position: Position) -> None:
        """Stamp a position and tell, with the money it settles in."""
        position.updated_ms = self.clock.now_ms()
        position.sequence = self.ids.sequence()
        self.tell(PositionChanged(position))
        self.tell(BalanceChanged(position.instrument.quote))

    def instrument(self, symbol: str, category: Category | None = None) -> Instrument:
        """The market of that name; a derivative is found before its spot namesake."""
        for each in (category,) if category else (Category.LINEAR, Category.SPOT):
            if (each, symbol) in self.instruments:
                return self.instruments[each, symbol]
        raise Refused(Refusal.UNKNOWN_SYMBOL, symbol)

    def last_price(self, instrument: Instrument) -> Decimal:
        """The last price, zero for a market without a quote."""
        quote = self.quotes.get(instrument)
        return quote.last if quote is not None else ZERO

    def available(self, currency: str) -> Decimal:
        """What a new order may still use of a coin."""
        return self.margin.available(currency, self.register.open_orders())

    def position_for(self, order: Order) -> Position:
        """The position an order works on."""
        return self.account.position(order.ticket.instrument, order.ticket.leg)

    def positions_of(self, instrument: Instrument) -> Iterator[Position]:
        """The positions the symbol's mode allows, flat ones included."""
        legs = self.account.legs(instrument.symbol)
        return (self.account.position(instrument, leg) for leg in legs)

    def new_order(self, ticket: Ticket) -> Order:
        """Write an order into the register under an id of its own."""
        now = self.clock.now_ms()
        numbered = self.rules.numbered_orders or ticket.instrument.category is Category.SPOT
        order = Order(
            order_id=self.ids.number() if numbered else self.ids.name(),
            number=len(self.register.orders) + 1,
            ticket=ticket,
            quantity=ticket.quantity,
            price=ticket.price,
            trigger=ticket.trigger,
            created_ms=now,
            updated_ms=now,
            last_on_created=self.last_price(ticket.instrument),
            state=State.NEW if ticket.trigger is None else State.UNTRIGGERED,
        )
        self.register.add(order)
        return order
