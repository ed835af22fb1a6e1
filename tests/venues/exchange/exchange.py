"""The exchange itself: what a venue's endpoints ask of it, and what a test does to it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from tests.venues.exchange.account import Account, Position
from tests.venues.exchange.checks import check_price, check_quantity, check_ticket, check_trigger
from tests.venues.exchange.clock import VenueClock
from tests.venues.exchange.endings import end
from tests.venues.exchange.events import Listener, QuoteMoved
from tests.venues.exchange.floor import Floor, Register, Rules
from tests.venues.exchange.incidents import charge_funding, take_over
from tests.venues.exchange.instruments import Category, Instrument, Quote
from tests.venues.exchange.matching import Matching
from tests.venues.exchange.orders import (
    Ended,
    Execution,
    ExecutionKind,
    Kind,
    Leg,
    Order,
    Side,
    State,
    Ticket,
)
from tests.venues.exchange.refusals import Refusal, Refused
from tests.venues.exchange.stops import Protection, protect, protection_of

Amount = Decimal | int | str


class Exchange:
    """One customer's exchange; tests move its quotes and cause its incidents."""

    def __init__(
        self,
        *,
        balances: dict[str, Amount] | None = None,
        hedged: bool = False,
        leverage: Amount = 10,
        rules: Rules | None = None,
        clock: VenueClock | None = None,
    ) -> None:
        self.clock = clock or VenueClock()
        coins = {coin: Decimal(amount) for coin, amount in (balances or {}).items()}
        self.account = Account(coins, hedged=hedged, leverage=Decimal(leverage))
        self.floor = Floor(self.account, rules or Rules(), self.clock)
        self.margin = self.floor.margin
        self._matching = Matching(self.floor)

    # What there is

    @property
    def register(self) -> Register:
        """Every order and execution."""
        return self.floor.register

    @property
    def instruments(self) -> Iterable[Instrument]:
        """Every market."""
        return self.floor.instruments.values()

    def instrument(self, symbol: str, category: Category | None = None) -> Instrument:
        """The market of that name; a derivative is found before its spot namesake."""
        return self.floor.instrument(symbol, category)

    def quote(self, instrument: Instrument) -> Quote:
        """The top of the book."""
        return self.floor.quotes[instrument]

    def order(self, key: str, category: Category | None = None) -> Order:
        """The order of that id, or the last one placed under that client id."""
        matching = [
            order
            for order in self.register.named(key)
            if category in {None, order.ticket.instrument.category}
        ]
        if not matching:
            raise Refused(Refusal.NOT_FOUND, key)
        return matching[-1]

    def position(self, symbol: str, leg: Leg = Leg.NET) -> Position:
        """The position on a symbol, flat or not."""
        return self.account.position(self.instrument(symbol, Category.LINEAR), leg)

    def protection(self, position: Position, stop_kind: str) -> Order | None:
        """The stop or target that covers a whole position."""
        return protection_of(self.floor, position, stop_kind)

    def listen(self, listener: Listener) -> None:
        """Call a function with every event from now on."""
        self.floor.listeners.append(listener)

    # What a customer does

    def place(self, ticket: Ticket, *, life_seconds: float | None = None) -> Order:
        """Accept an order or raise Refused; a conditional one may have only so long to live."""
        check_ticket(self.floor, ticket)
        order = self.floor.new_order(ticket)
        if ticket.trigger is None:
            self._matching.enter(order)
            return order
        if life_seconds is not None:
            order.expires_ms = order.created_ms + round(life_seconds * 1000)
        self.floor.tell_order(order)
        self._sweep_if_quoted(ticket.instrument)
        return order

    def amend(
        self,
        order: Order,
        *,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
        trigger_price: Decimal | None = None,
    ) -> None:
        """Change an open order, which may make it trade."""
        _require_open(order)
        self._check_amendment(order, quantity, price, trigger_price)
        order.quantity = quantity or order.quantity
        order.price = price or order.price
        if trigger_price is not None and order.trigger is not None:
            order.trigger = replace(order.trigger, price=trigger_price)
        self.floor.tell_order(order)
        if order.state is State.UNTRIGGERED:
            self._sweep_if_quoted(order.ticket.instrument)
        else:
            self._matching.enter_again(order)

    def cancel(self, order: Order) -> None:
        """Cancel an open order, or raise Refused when it is too late."""
        _require_open(order)
        end(self.floor, order, Ended.BY_USER)

    def set_leverage(self, instrument: Instrument, wanted: Mapping[Leg, Decimal]) -> None:
        """Change the leverage of some legs of a symbol."""
        symbol = instrument.symbol
        for leverage in wanted.values():
            if not 1 <= leverage <= instrument.leverage_max:
                raise Refused(Refusal.LEVERAGE_RANGE, str(leverage))
        if all(self.account.leverage(symbol, leg) == each for leg, each in wanted.items()):
            raise Refused(Refusal.LEVERAGE_SAME)
        for leg, leverage in wanted.items():
            self.account.set_leverage(symbol, leg, leverage)

    def switch_mode(self, *, hedged: bool, symbol: str | None = None) -> None:
        """Change between one net position and two hedge legs."""
        markets = [each for each in self.instruments if each.category is Category.LINEAR]
        concerned = [each for each in markets if symbol in {None, each.symbol}]
        if all(self.account.hedged(each.symbol) is hedged for each in concerned):
            raise Refused(Refusal.MODE_SAME)
        if any(each.instrument in concerned for each in self.account.open_positions()):
            raise Refused(Refusal.MODE_POSITION)
        if any(self.register.open_orders(each) for each in concerned):
            raise Refused(Refusal.MODE_ORDERS)
        self.account.set_hedged(hedged, symbol)

    def protect(self, position: Position, *wanted: Protection) -> None:
        """Set, move or take away stops and targets of a position."""
        for each in wanted:
            protect(self.floor, position, each)

    # What the world does

    def add(self, instrument: Instrument, *, bid: Amount, ask: Amount) -> None:
        """Open a market with a first quote."""
        self.floor.instruments[instrument.category, instrument.symbol] = instrument
        middle = instrument.middle(Decimal(bid), Decimal(ask))
        self.floor.quotes[instrument] = Quote(
            bid=Decimal(bid), ask=Decimal(ask), last=middle, mark=middle
        )

    def move_quote(
        self,
        symbol: str,
        *,
        bid: Amount,
        ask: Amount,
        last: Amount | None = None,
        mark: Amount | None = None,
        bid_size: Amount | None = None,
        ask_size: Amount | None = None,
        category: Category | None = None,
    ) -> None:
        """Move the top of the book, which fills and triggers what waits for it.

        Without a category the spot market of the same name moves along. A size limits what can
        trade there until the next move.
        """
        found = [self.floor.instruments.get((each, symbol)) for each in Category]
        markets = [each for each in found if each and category in {None, each.category}]
        if not markets:
            raise Refused(Refusal.UNKNOWN_SYMBOL, symbol)
        for instrument in markets:
            middle = instrument.middle(Decimal(bid), Decimal(ask))
            quote = Quote(
                bid=Decimal(bid),
                ask=Decimal(ask),
                last=middle if last is None else Decimal(last),
                mark=middle if mark is None else Decimal(mark),
                bid_size=None if bid_size is None else Decimal(bid_size),
                ask_size=None if ask_size is None else Decimal(ask_size),
            )
            self.floor.quotes[instrument] = quote
            self.floor.tell(QuoteMoved(instrument, quote))
            self._matching.sweep(instrument)

    def fill(self, key: str, quantity: Amount | None = None, price: Amount | None = None) -> None:
        """Trade an open order, in part or in full, whatever the quote says."""
        order = self.order(key)
        _require_open(order)
        at = Decimal(price) if price is not None else order.price
        assert at is not None, "a market order rests nowhere: say at which price it fills"
        amount = order.leaves if quantity is None else Decimal(quantity)
        assert 0 < amount <= order.leaves, f"{amount} is not within the open {order.leaves}"
        self._matching.fill(order, amount, at, maker=True)

    def trigger(self, key: str) -> None:
        """Wake a conditional order, whatever the quote says."""
        order = self.order(key)
        assert order.state is State.UNTRIGGERED, f"{key} does not wait for a trigger"
        self._matching.trigger(order)

    def trade_by_hand(
        self,
        symbol: str,
        side: Side,
        quantity: Amount,
        *,
        price: Amount | None = None,
        leg: Leg = Leg.NET,
        category: Category | None = None,
    ) -> Order:
        """Place an order as the account's owner would in the browser: without a client id."""
        limit = None if price is None else Decimal(price)
        ticket = Ticket(
            instrument=self.instrument(symbol, category),
            side=side,
            quantity=Decimal(quantity),
            kind=Kind.MARKET if limit is None else Kind.LIMIT,
            price=limit,
            leg=leg,
        )
        return self.place(ticket)

    def charge_funding(self, symbol: str, rate: Amount) -> list[Execution]:
        """Charge every open position on a symbol for one funding interval."""
        return [
            charge_funding(self.floor, position, Decimal(rate))
            for position in self.account.open_positions()
            if position.instrument.symbol == symbol
        ]

    def take_over(
        self,
        symbol: str,
        *,
        leg: Leg = Leg.NET,
        kind: ExecutionKind = ExecutionKind.LIQUIDATION,
        quantity: Amount | None = None,
        price: Amount | None = None,
    ) -> Execution:
        """Liquidate, deleverage or settle a position, or part of it."""
        position = self.position(symbol, leg)
        amount = position.size if quantity is None else Decimal(quantity)
        at = self.quote(position.instrument).mark if price is None else Decimal(price)
        return take_over(self.floor, self._matching, position, kind, amount, at)

    def advance(self, seconds: float) -> None:
        """Let time pass, and what is too old expire."""
        self.clock.advance(seconds)
        self.expire()

    def expire(self) -> None:
        """End the conditional orders that have outlived their allowed life."""
        now = self.clock.now_ms()
        for order in self.register.open_orders():
            waiting = order.state is State.UNTRIGGERED and order.expires_ms is not None
            if waiting and order.expires_ms is not None and order.expires_ms <= now:
                end(self.floor, order, Ended.AGE)

    def _check_amendment(
        self,
        order: Order,
        quantity: Decimal | None,
        price: Decimal | None,
        trigger_price: Decimal | None,
    ) -> None:
        instrument = order.ticket.instrument
        trigger_now = order.trigger.price if order.trigger is not None else None
        wanted = ((quantity, order.quantity), (price, order.price), (trigger_price, trigger_now))
        if all(new is None or new == now for new, now in wanted):
            raise Refused(Refusal.NO_CHANGE)
        if quantity is not None:
            check_quantity(instrument, replace(order.ticket, quantity=quantity))
            if quantity <= order.filled:
                raise Refused(Refusal.BELOW_FILLED)
        if price is not None:
            check_price(instrument, price)
        if trigger_price is not None and order.trigger is not None:
            check_trigger(self.floor, instrument, replace(order.trigger, price=trigger_price))

    def _sweep_if_quoted(self, instrument: Instrument) -> None:
        """Let an order that waits where the market already is be found there."""
        if instrument in self.floor.quotes:
            self._matching.sweep(instrument)


def _require_open(order: Order) -> None:
    if order.open:
        return
    if order.state is State.FILLED or order.state is State.EXECUTED:
        raise Refused(Refusal.ALREADY_FILLED, order.order_id)
    raise Refused(Refusal.ALREADY_CANCELLED, order.order_id)
