"""What the exchange looks at before it accepts an order."""

from decimal import Decimal

from tests.venues.exchange.floor import Floor
from tests.venues.exchange.instruments import Category, Instrument
from tests.venues.exchange.orders import ZERO, Kind, Leg, Side, Ticket, Trigger
from tests.venues.exchange.refusals import Refusal, Refused


def closes_only(ticket: Ticket) -> bool:
    """Whether an order can only take from a position: by its flag, or by its hedge leg."""
    against_leg = (ticket.leg is Leg.LONG and ticket.side is Side.SELL) or (
        ticket.leg is Leg.SHORT and ticket.side is Side.BUY
    )
    return ticket.reduce_only or against_leg


def check_ticket(floor: Floor, ticket: Ticket) -> None:
    """Refuse an order that the venue would not take."""
    _check_client_id(floor, ticket)
    check_quantity(ticket.instrument, ticket)
    _check_prices(floor, ticket)
    if ticket.instrument.category is Category.LINEAR:
        _check_leg(floor, ticket)
        _check_reduction(floor, ticket)
    if ticket.trigger is None:
        check_funds(floor, ticket)


def check_quantity(instrument: Instrument, ticket: Ticket) -> None:
    """Refuse a quantity off step or out of range."""
    if ticket.whole_position or ticket.spend is not None:
        return
    in_range = instrument.minimum <= ticket.quantity <= instrument.maximum
    if not in_range or not instrument.on_step(ticket.quantity):
        raise Refused(Refusal.BAD_QUANTITY, str(ticket.quantity))


def check_price(instrument: Instrument, price: Decimal | None) -> None:
    """Refuse a missing price or one off tick."""
    if price is None or not instrument.on_tick(price):
        raise Refused(Refusal.BAD_PRICE, str(price))


def check_trigger(floor: Floor, instrument: Instrument, trigger: Trigger) -> None:
    """Refuse a trigger the market has already passed, where the venue minds."""
    check_price(instrument, trigger.price)
    last = floor.last_price(instrument)
    if not floor.rules.trigger_must_lie_ahead or not trigger.met(last):
        return
    refusal = Refusal.RISING_EXPECTED if trigger.rises else Refusal.FALLING_EXPECTED
    raise Refused(refusal, f"trigger_price[{trigger.price}] current[{last}]")


def check_funds(floor: Floor, ticket: Ticket) -> None:
    """Refuse an order the account cannot pay for."""
    currency, needed = _needs(floor, ticket)
    if needed > floor.available(currency):
        raise Refused(Refusal.NO_FUNDS, currency)


def _check_client_id(floor: Floor, ticket: Ticket) -> None:
    if not ticket.client_id or not floor.rules.unique_client_ids:
        return
    if floor.register.with_client_id(ticket.client_id):
        raise Refused(Refusal.DUPLICATE, ticket.client_id)


def _check_prices(floor: Floor, ticket: Ticket) -> None:
    instrument = ticket.instrument
    if ticket.kind is Kind.LIMIT:
        check_price(instrument, ticket.price)
    if ticket.trigger is not None:
        check_trigger(floor, instrument, ticket.trigger)
    price = _expected_price(floor, ticket)
    value = ticket.spend or instrument.value(ticket.quantity, price)
    if value < instrument.minimum_value and not closes_only(ticket) and not ticket.whole_position:
        raise Refused(Refusal.TOO_SMALL, str(instrument.minimum_value))


def _check_leg(floor: Floor, ticket: Ticket) -> None:
    if ticket.leg not in floor.account.legs(ticket.instrument.symbol):
        raise Refused(Refusal.WRONG_LEG)


def _check_reduction(floor: Floor, ticket: Ticket) -> None:
    if ticket.trigger is not None or not closes_only(ticket):
        return
    position = floor.account.position(ticket.instrument, ticket.leg)
    if not position.reducible(ticket.side):
        raise Refused(Refusal.NOTHING_TO_REDUCE)


def _expected_price(floor: Floor, ticket: Ticket) -> Decimal:
    if ticket.price is not None:
        return ticket.price
    if ticket.trigger is not None:
        return ticket.trigger.price
    quote = floor.quotes.get(ticket.instrument)
    if quote is None:
        raise Refused(Refusal.BAD_PRICE, "the market has no quote")
    return quote.ask if ticket.side is Side.BUY else quote.bid


def _needs(floor: Floor, ticket: Ticket) -> tuple[str, Decimal]:
    """The coin an order uses up and how much of it."""
    instrument = ticket.instrument
    price = _expected_price(floor, ticket)
    if instrument.category is Category.SPOT:
        if ticket.side is Side.SELL:
            return instrument.base, ticket.quantity
        return instrument.quote, ticket.spend or instrument.value(ticket.quantity, price)
    if closes_only(ticket) or ticket.whole_position:
        return instrument.quote, ZERO
    reducible = floor.account.position(instrument, ticket.leg).reducible(ticket.side)
    opening = max(ticket.quantity - reducible, ZERO)
    value = instrument.value(opening, price)
    leverage = floor.account.leverage(instrument.symbol, ticket.leg)
    return instrument.quote, value / leverage + value * instrument.taker_fee
