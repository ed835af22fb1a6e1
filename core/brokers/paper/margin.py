"""What orders and positions cost: spot is paid in full, everything else is margined.

A balance's `available` is its total less the margin of positions and of resting orders; it is
reckoned anew whenever the venue writes the file, so a figure typed there lasts until then.
Unrealised profit and loss never count towards it, and the venue never liquidates by itself.
"""

from dataclasses import replace
from decimal import Decimal

from core.brokers.paper.account import Account
from core.domain.market import ONE, Balance, Instrument
from core.domain.money import ZERO, bounded
from core.domain.order import BrokerOrder, OrderType, PositionSide, Side
from core.domain.position import signed

CONDITIONAL = frozenset(OrderType) - {OrderType.MARKET, OrderType.LIMIT}
LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})


def settlement_currency(instrument: Instrument) -> str | None:
    """What profit, loss and fees are paid in; None when the file does not tell."""
    return instrument.base if instrument.kind == "inverse" else instrument.quote


def notional(instrument: Instrument, quantity: Decimal, price: Decimal) -> Decimal:
    """A quantity's worth in the settlement currency."""
    contracts = abs(quantity) * instrument.multiplier
    if instrument.kind == "inverse":
        return bounded(contracts / price) if price else ZERO
    return contracts * abs(price)


def profit(instrument: Instrument, closed: Decimal, entry: Decimal, price: Decimal) -> Decimal:
    """Of closing that signed quantity."""
    if instrument.kind == "inverse":
        worth = (ONE / entry - ONE / price) if entry and price else ZERO
        return bounded(closed * instrument.multiplier * worth)
    return bounded(closed * instrument.multiplier * (price - entry))


def reducible(account: Account, symbol: str, side: Side, position_side: PositionSide) -> Decimal:
    """How much such an order could close."""
    position = account.positions.get((symbol, position_side))
    held = signed(position.quantity, position_side) if position else ZERO
    return abs(held) if held * side.sign < 0 else ZERO


def only_reduces(order: BrokerOrder) -> bool:
    """By its flag, or because it sells a long leg or buys a short one."""
    closing = Side.BUY if order.position_side is PositionSide.SHORT else Side.SELL
    return bool(order.reduce_only) or (
        order.position_side is not PositionSide.BOTH and order.side is closing
    )


def available(account: Account, currency: str) -> Decimal:
    balance = account.balances.get(currency)
    return max(balance.total - used(account, currency), ZERO) if balance else ZERO


def used(account: Account, currency: str) -> Decimal:
    """What positions and resting orders hold of a currency."""
    return bounded(_used_by_positions(account, currency) + _used_by_orders(account, currency))


def _used_by_positions(account: Account, currency: str) -> Decimal:
    total = ZERO
    for position in account.positions:
        instrument = account.instrument(position.symbol)
        price = position.average_price or position.mark_price
        if price is None or instrument.kind == "spot":
            continue
        if settlement_currency(instrument) == currency:
            worth = notional(instrument, position.quantity, price)
            total += worth / account.leverage(position.symbol, position.side)
    return total


def _used_by_orders(account: Account, currency: str) -> Decimal:
    total = ZERO
    for order in account.working_orders():
        instrument = account.instrument(order.symbol)
        # A stop costs nothing before it triggers: until then it may never become an order.
        resting = order.type in LIMITED and (
            order.type is OrderType.LIMIT or account.orders.mark(order, "triggered_at")
        )
        if order.price is None or not resting or only_reduces(order):
            continue
        left = order.quantity - order.filled_quantity
        total += cost(account, instrument, order, left, order.price).get(currency, ZERO)
    return total


def cost(
    account: Account, instrument: Instrument, order: BrokerOrder, quantity: Decimal, price: Decimal
) -> dict[str | None, Decimal]:
    """What opening a quantity takes out of which currency's available balance."""
    if instrument.kind == "spot" and order.side is Side.SELL:
        return {instrument.base: quantity}
    worth = notional(instrument, quantity, price)
    if instrument.kind != "spot":
        worth = worth / account.leverage(order.symbol, order.position_side)
    return {settlement_currency(instrument): worth}


def pay(account: Account, currency: str | None, amount: Decimal) -> None:
    """Adds to a balance, or takes from it; a currency that the file does not tell is left out."""
    if currency is None or not amount:
        return
    before = account.balances.get(currency)
    total = bounded((before.total if before else ZERO) + amount)
    account.balances.put(Balance(currency=currency, total=total, available=total))


def refresh(account: Account) -> None:
    """Reckons every `available` anew."""
    for balance in account.balances:
        account.balances.put(replace(balance, available=available(account, balance.currency)))
