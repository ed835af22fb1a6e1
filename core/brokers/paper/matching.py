"""Orders against the quote: what fills, how much of it, at what price; what becomes of the rest.

An order that arrives or triggers takes: it fills at the quote. One that rests is taken: it fills at
its own limit, once the quote crosses it. The quote has any quantity, unless `fill_ratio` says less.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.brokers.paper.account import Account
from core.brokers.paper.booking import book_fill, quote_mark
from core.brokers.paper.margin import LIMITED, only_reduces, reducible
from core.brokers.paper.simulation import figure
from core.domain.market import ONE, Quote
from core.domain.money import floor_to_step
from core.domain.order import BrokerOrder, OrderStatus, Side

IMMEDIATE = frozenset({"IOC", "FOK"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a scripted fault asks of one call: fill only a share, match only from a later moment."""

    fill_ratio: Decimal | None = None
    match_after: datetime | None = None


USUAL = Terms()


def taker_price(quote: Quote | None, side: Side) -> Decimal | None:
    """What an order pays or gets at once."""
    if quote is None:
        return None
    touch = quote.ask if side is Side.BUY else quote.bid
    return quote.last if touch is None else touch


def reference_price(quote: Quote | None, side: Side) -> Decimal | None:
    """What triggers are compared with: the last trade, else what the order would get."""
    if quote is None:
        return None
    return taker_price(quote, side) if quote.last is None else quote.last


def crosses(side: Side, limit: Decimal, price: Decimal) -> bool:
    return price <= limit if side is Side.BUY else price >= limit


def take(account: Account, order: BrokerOrder, now: datetime, terms: Terms = USUAL) -> BrokerOrder:
    """An order arrives or triggers; what cannot rest is cancelled."""
    price = taker_price(account.quotes.get(order.symbol), order.side)
    limit = order.price if order.type in LIMITED else None
    if price is not None and (limit is None or crosses(order.side, limit, price)):
        order = _fill(account, order, price, now, terms.fill_ratio)
    rests = limit is not None and order.time_in_force not in IMMEDIATE
    return order if rests else _end(account, order, now)


def rest(account: Account, order: BrokerOrder, now: datetime) -> BrokerOrder:
    """A resting order meets the quote as it is now; one quote fills only once."""
    quote = account.quotes.get(order.symbol)
    price = taker_price(quote, order.side)
    if order.price is None or price is None or not crosses(order.side, order.price, price):
        return order
    if account.orders.mark(order, "filled_at_quote") == quote_mark(quote):
        return order
    return _fill(account, order, order.price, now, None)


def _fill(
    account: Account, order: BrokerOrder, price: Decimal, now: datetime, ratio: Decimal | None
) -> BrokerOrder:
    left = allowed = order.quantity - order.filled_quantity
    if only_reduces(order):
        allowed = min(left, reducible(account, order.symbol, order.side, order.position_side))
        if not allowed:
            return _end(account, order, now)
    quantity = _share(account, order.symbol, allowed, ratio)
    if not quantity or (order.time_in_force == "FOK" and quantity < left):
        return order
    order = book_fill(account, order, quantity, price, now)
    if quantity < allowed:
        mark = quote_mark(account.quotes.get(order.symbol))
        return account.orders.put(order, filled_at_quote=mark)
    # Nothing is left to reduce: the rest of a reduce-only order can never fill.
    return order if quantity == left else _end(account, order, now)


def _share(account: Account, symbol: str, quantity: Decimal, ratio: Decimal | None) -> Decimal:
    """How much of it the quote has."""
    ratio = figure(account.simulation.fill_ratio) if ratio is None else ratio
    if ratio == ONE:
        return quantity
    step = account.instrument(symbol).quantity_step
    return floor_to_step(quantity * ratio, step) if step else quantity * ratio


def _end(account: Account, order: BrokerOrder, now: datetime) -> BrokerOrder:
    """Cancels what is left of an order that still works."""
    if order.status not in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED):
        return order
    return account.orders.put(replace(order, status=OrderStatus.CANCELLED, updated_at=now))
