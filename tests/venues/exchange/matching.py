"""How an order meets the market: at once, at rest, or when its trigger is reached."""

from dataclasses import replace
from decimal import Decimal

from tests.venues.exchange.account import Position
from tests.venues.exchange.checks import check_funds, closes_only
from tests.venues.exchange.endings import end
from tests.venues.exchange.events import BalanceChanged, Executed
from tests.venues.exchange.floor import Floor
from tests.venues.exchange.instruments import Category, Instrument, Quote
from tests.venues.exchange.orders import (
    ZERO,
    Ended,
    Execution,
    ExecutionKind,
    Kind,
    Order,
    Side,
    State,
    TimeInForce,
)
from tests.venues.exchange.refusals import Refused
from tests.venues.exchange.stops import protect_fill


class Matching:
    """Carries orders through the market of one floor."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def enter(self, order: Order) -> None:
        """Bring a working order to the market: it trades, rests, or ends here."""
        if not self._fits_position(order):
            end(self._floor, order, Ended.REDUCE_ONLY)
            return
        reach = self._reach(order)
        refused_for = _cannot_enter(order, reach)
        if refused_for is not None:
            end(self._floor, order, refused_for)
            return
        if reach:
            self._take(order, reach)
        if order.open and order.leaves:
            self._rest(order)

    def enter_again(self, order: Order) -> None:
        """Bring a resting order to the market once more after it was amended."""
        quote = self._floor.quotes.get(order.ticket.instrument)
        if quote is not None and crosses(order, quote):
            self.enter(order)

    def trigger(self, order: Order) -> None:
        """Wake a conditional order, in place or as an order of its own."""
        if self._floor.rules.trigger_spawns_order:
            self._spawn(order)
            return
        order.state = State.TRIGGERED
        self._floor.tell_order(order)
        order.state = State.NEW
        self._enter_triggered(order)

    def sweep(self, instrument: Instrument) -> None:
        """Let a new quote reach every order that waits for it."""
        for order in self._floor.register.open_orders(instrument):
            # An earlier order of this sweep may have ended this one with its position.
            if not order.open:
                continue
            quote = self._floor.quotes[instrument]
            if order.state is State.UNTRIGGERED:
                self._trigger_if_met(order, quote)
            elif crosses(order, quote):
                self._fill_resting(order, quote)

    def fill(
        self,
        order: Order,
        quantity: Decimal,
        price: Decimal,
        *,
        maker: bool,
        kind: ExecutionKind = ExecutionKind.TRADE,
    ) -> Execution:
        """Trade a quantity of an order and tell everyone whom it concerns."""
        rate = _fee_rate(order.ticket.instrument, kind, maker=maker)
        execution = self._book(order, quantity, price, kind, rate, maker=maker)
        self._floor.register.executions.append(execution)
        self._floor.tell(Executed(execution))
        self._floor.tell_order(order)
        if execution.instrument.category is Category.SPOT:
            self._floor.tell(BalanceChanged(execution.instrument.base))
            self._floor.tell(BalanceChanged(execution.instrument.quote))
            return execution
        position = self._floor.position_for(order)
        self._floor.tell_position(position)
        protect_fill(self._floor, order)
        self._trim(position)
        return execution

    def _trim(self, position: Position) -> None:
        """Shrink or end the orders that could close more than the position holds."""
        for order in self._floor.register.open_orders(position.instrument):
            ticket = order.ticket
            if ticket.leg is not position.leg:
                continue
            room = position.reducible(ticket.side)
            if ticket.hangs_on_position:
                self._follow(order, room)
            elif order.state is State.UNTRIGGERED or not closes_only(ticket):
                continue
            elif not room:
                end(self._floor, order, Ended.REDUCE_ONLY)
            elif order.leaves > room:
                order.quantity = order.filled + room
                self._floor.tell_order(order)

    def _follow(self, order: Order, room: Decimal) -> None:
        """Keep what covers a whole position as large as the position; end it with the position."""
        if not room:
            end(self._floor, order, Ended.POSITION_CLOSED)
        elif order.ticket.whole_position and order.leaves != room:
            order.quantity = order.filled + room
            self._floor.tell_order(order)

    def _fits_position(self, order: Order) -> bool:
        """Cut an order that only closes to what there is; False if there is nothing."""
        ticket = order.ticket
        if not closes_only(ticket) and not ticket.whole_position:
            return True
        room = self._floor.position_for(order).reducible(ticket.side)
        if ticket.whole_position or order.leaves > room:
            order.quantity = order.filled + room
        return room > 0

    def _reach(self, order: Order) -> Decimal:
        """How much of the order would trade right now."""
        quote = self._floor.quotes.get(order.ticket.instrument)
        if quote is None or not crosses(order, quote):
            return ZERO
        if order.ticket.spend is not None:
            instrument = order.ticket.instrument
            afforded = order.ticket.spend / _touch(order.ticket.side, quote)
            order.quantity = afforded - afforded % instrument.step
        size = quote.ask_size if order.ticket.side is Side.BUY else quote.bid_size
        return order.leaves if size is None else min(order.leaves, size)

    def _take(self, order: Order, quantity: Decimal) -> None:
        quote = self._floor.quotes[order.ticket.instrument]
        _consume(quote, order.ticket.side, quantity)
        self.fill(order, quantity, _touch(order.ticket.side, quote), maker=False)

    def _rest(self, order: Order) -> None:
        ticket = order.ticket
        if ticket.kind is Kind.MARKET or ticket.time_in_force is TimeInForce.IOC:
            end(self._floor, order, Ended.NO_LIQUIDITY)
        elif not order.filled:
            self._floor.tell_order(order)

    def _fill_resting(self, order: Order, quote: Quote) -> None:
        quantity = self._reach(order)
        if not quantity or order.price is None:
            return
        _consume(quote, order.ticket.side, quantity)
        self.fill(order, quantity, order.price, maker=True)

    def _trigger_if_met(self, order: Order, quote: Quote) -> None:
        assert order.trigger is not None
        price = quote.mark if order.trigger.by == "MarkPrice" else quote.last
        if order.trigger.met(price):
            self.trigger(order)

    def _enter_triggered(self, order: Order) -> None:
        try:
            check_funds(self._floor, replace(order.ticket, quantity=order.quantity))
        except Refused:
            end(self._floor, order, Ended.NO_FUNDS)
            return
        self.enter(order)

    def _spawn(self, plan: Order) -> None:
        client_id = f"planorder_{plan.order_id}_{plan.number}"
        ticket = replace(plan.ticket, trigger=None, client_id=client_id, quantity=plan.quantity)
        order = self._floor.new_order(ticket)
        plan.state = State.EXECUTED
        plan.spawned_id = order.order_id
        self._floor.tell_order(plan)
        self._enter_triggered(order)

    def _book(
        self,
        order: Order,
        quantity: Decimal,
        price: Decimal,
        kind: ExecutionKind,
        rate: Decimal,
        *,
        maker: bool,
    ) -> Execution:
        """Move the money and the position of one fill and write its execution row."""
        floor, ticket, instrument = self._floor, order.ticket, order.ticket.instrument
        value = instrument.value(quantity, price)
        order.filled += quantity
        order.value += value
        closed, profit = ZERO, ZERO
        if instrument.category is Category.SPOT:
            fee = (quantity if ticket.side is Side.BUY else value) * rate
            currency = floor.account.settle_spot(instrument, ticket.side, quantity, value, fee)
        else:
            fee, currency = value * rate, instrument.quote
            closed, profit = self._apply(order, quantity, price)
            floor.account.credit(currency, profit - fee)
        order.fees += fee
        order.fee_currency = currency
        order.profit += profit
        order.state = State.FILLED if order.filled == order.quantity else State.PARTIALLY_FILLED
        return Execution(
            execution_id=self._execution_id(instrument),
            sequence=floor.ids.sequence(),
            kind=kind,
            instrument=instrument,
            order_id=order.order_id,
            client_id=ticket.client_id,
            side=ticket.side,
            leg=ticket.leg,
            quantity=quantity,
            price=price,
            fee=fee,
            fee_rate=rate,
            fee_currency=currency,
            maker=maker,
            time_ms=floor.clock.now_ms(),
            order=order,
            order_quantity=order.quantity,
            leaves=order.leaves,
            closed=closed,
            profit=profit,
            mark=floor.last_price(instrument),
        )

    def _apply(self, order: Order, quantity: Decimal, price: Decimal) -> tuple[Decimal, Decimal]:
        position = self._floor.position_for(order)
        before = position.side
        result = position.apply(order.ticket.side, quantity, price)
        if position.side not in {None, before}:
            position.position_id = int(self._floor.ids.number())
            position.opened_ms = self._floor.clock.now_ms()
        return result

    def _execution_id(self, instrument: Instrument) -> str:
        ids, rules = self._floor.ids, self._floor.rules
        numbered = rules.numbered_orders or instrument.category is Category.SPOT
        return ids.number() if numbered else ids.name()


def crosses(order: Order, quote: Quote) -> bool:
    """Whether the order would trade against the quote."""
    if order.price is None or order.ticket.kind is Kind.MARKET:
        return True
    if order.ticket.side is Side.BUY:
        return order.price >= quote.ask
    return order.price <= quote.bid


def _fee_rate(instrument: Instrument, kind: ExecutionKind, *, maker: bool) -> Decimal:
    """What a fill costs; the venue takes nothing for what it forces through itself."""
    if kind in {ExecutionKind.ADL, ExecutionKind.SETTLEMENT}:
        return ZERO
    return instrument.maker_fee if maker else instrument.taker_fee


def _touch(side: Side, quote: Quote) -> Decimal:
    return quote.ask if side is Side.BUY else quote.bid


def _consume(quote: Quote, side: Side, quantity: Decimal) -> None:
    if side is Side.BUY and quote.ask_size is not None:
        quote.ask_size -= quantity
    if side is Side.SELL and quote.bid_size is not None:
        quote.bid_size -= quantity


def _cannot_enter(order: Order, reach: Decimal) -> Ended | None:
    """Why the order's time in force forbids it to stay, None if it does not."""
    time_in_force = order.ticket.time_in_force
    if time_in_force is TimeInForce.POST_ONLY and reach:
        return Ended.WOULD_TAKE
    if time_in_force is TimeInForce.FOK and reach < order.leaves:
        return Ended.NOT_IN_FULL
    return None
