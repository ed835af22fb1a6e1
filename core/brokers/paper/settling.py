"""What time and the quotes do to working orders before anybody looks: trail, trigger, fill."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from core.brokers.paper.account import Account
from core.brokers.paper.margin import CONDITIONAL, LIMITED
from core.brokers.paper.matching import USUAL, Terms, reference_price, rest, take
from core.brokers.paper.rules import covered
from core.domain.moment import moment_text, parse_moment
from core.domain.money import ceil_to_step, decimal_text, floor_to_step
from core.domain.order import BrokerOrder, OrderStatus, OrderType, Side

# Types that wait for the price to get better; the other conditional ones wait for it to get worse.
HOPEFUL = frozenset({OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})


def settle_orders(account: Account, now: datetime) -> None:
    """Every working order, oldest first."""
    for order in account.working_orders():
        settle_order(account, order, now)


def settle_order(account: Account, order: BrokerOrder, now: datetime) -> BrokerOrder:
    """One order that was there already."""
    if due := account.orders.mark(order, "match_after"):
        if parse_moment(due) > now:
            return order
        order = account.orders.put(order, match_after=None)
        return arrive(account, order, now)
    if order.type in CONDITIONAL and not is_triggered(account, order):
        return _watch(account, order, now, USUAL)
    return rest(account, order, now) if order.type in LIMITED else take(account, order, now)


def arrive(
    account: Account, order: BrokerOrder, now: datetime, terms: Terms = USUAL
) -> BrokerOrder:
    """One order that has just come in."""
    if terms.match_after is not None:
        return account.orders.put(order, match_after=moment_text(terms.match_after))
    if order.type in CONDITIONAL:
        return _watch(account, order, now, terms)
    return take(account, order, now, terms)


def arrive_again(account: Account, order: BrokerOrder, now: datetime) -> BrokerOrder:
    """One order that has been amended."""
    if account.orders.mark(order, "match_after"):
        return order
    if order.type in CONDITIONAL and not is_triggered(account, order):
        return _watch(account, order, now, USUAL)
    return take(account, order, now)


def is_triggered(account: Account, order: BrokerOrder) -> bool:
    filled = order.status is OrderStatus.PARTIALLY_FILLED
    return filled or account.orders.mark(order, "triggered_at") is not None


def _watch(account: Account, order: BrokerOrder, now: datetime, terms: Terms) -> BrokerOrder:
    """A conditional order against the price that it waits for."""
    price = reference_price(account.quotes.get(order.symbol), order.side)
    if price is None or order.trigger_price is None:
        return order
    if order.type is OrderType.TRAILING_STOP:
        order = _trail(account, order, price)
    if not _reached(order, price):
        return order
    order = account.orders.put(order, triggered_at=moment_text(now))
    if not covered(account, order):
        return account.orders.put(replace(order, status=OrderStatus.REJECTED, updated_at=now))
    return take(account, order, now, terms)


def _reached(order: BrokerOrder, price: Decimal) -> bool:
    trigger = order.trigger_price
    if trigger is None:
        return False
    waits_for_more = (order.side is Side.BUY) != (order.type in HOPEFUL)
    return price >= trigger if waits_for_more else price <= trigger


def _trail(account: Account, order: BrokerOrder, price: Decimal) -> BrokerOrder:
    """Keeps the distance that the trigger had from the price at first, and never gives way."""
    trigger = order.trigger_price
    told = account.orders.mark(order, "trail_distance")
    if trigger is None or _reached(order, price):
        return order
    if told is None:
        return account.orders.put(order, trail_distance=decimal_text(abs(price - trigger)))
    tick = account.instrument(order.symbol).price_tick
    distance = Decimal(told)
    moved = price - distance if order.side is Side.SELL else price + distance
    if tick:
        round_off = floor_to_step if order.side is Side.SELL else ceil_to_step
        moved = round_off(moved, tick)
    better = moved > trigger if order.side is Side.SELL else moved < trigger
    return account.orders.put(replace(order, trigger_price=moved)) if better else order
