"""What an execution does: to its order, to the position, to the balances."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from core.brokers.paper.account import Account
from core.brokers.paper.margin import notional, pay, profit, settlement_currency
from core.brokers.paper.simulation import figure
from core.domain.execution import BrokerExecution, ExecutionKind
from core.domain.market import Instrument, Quote
from core.domain.money import ZERO, average, bounded, decimal_text
from core.domain.order import BrokerOrder, OrderStatus, PositionSide, Side
from core.domain.position import BrokerPosition, signed


def book_fill(
    account: Account,
    order: BrokerOrder,
    quantity: Decimal,
    price: Decimal,
    now: datetime,
    kind: ExecutionKind = ExecutionKind.TRADE,
) -> BrokerOrder:
    """The order as it stands after it."""
    instrument = account.instrument(order.symbol)
    fee, currency, in_kind = _fee(account, instrument, order.side, quantity, price)
    gain = move_position(
        account, instrument, order.position_side, order.side.sign * quantity - in_kind, price
    )
    _settle(account, instrument, order.side, quantity, price, gain)
    pay(account, currency, -fee)
    execution = BrokerExecution(
        execution_id=account.next_execution_id(),
        broker_order_id=order.broker_order_id,
        client_order_id=order.client_order_id,
        perm_id=order.perm_id,
        symbol=order.symbol,
        side=order.side,
        position_side=order.position_side,
        quantity=quantity,
        price=price,
        fee=fee,
        fee_currency=currency,
        kind=kind,
        executed_at=account.next_moment(now),
    )
    account.executions.put(execution, realized_pnl=decimal_text(gain))
    return account.orders.put(_filled(order, quantity, price, execution.executed_at))


def _filled(order: BrokerOrder, quantity: Decimal, price: Decimal, at: datetime) -> BrokerOrder:
    filled = order.filled_quantity + quantity
    worth = order.filled_quantity * (order.average_price or ZERO) + quantity * price
    return replace(
        order,
        filled_quantity=filled,
        average_price=average(worth, filled),
        status=OrderStatus.FILLED if filled >= order.quantity else OrderStatus.PARTIALLY_FILLED,
        updated_at=at,
    )


def _fee(
    account: Account, instrument: Instrument, side: Side, quantity: Decimal, price: Decimal
) -> tuple[Decimal, str | None, Decimal]:
    """The fee, its currency, and how much of what was bought it took away."""
    rate = figure(account.simulation.fee_rate)
    in_base = account.simulation.fee_currency == "base"
    if in_base and instrument.kind == "spot" and side is Side.BUY and instrument.base:
        fee = bounded(quantity * rate)
        return fee, instrument.base, fee
    fee = bounded(notional(instrument, quantity, price) * rate)
    return fee, settlement_currency(instrument), ZERO


def _settle(
    account: Account,
    instrument: Instrument,
    side: Side,
    quantity: Decimal,
    price: Decimal,
    gain: Decimal,
) -> None:
    if instrument.kind != "spot":
        pay(account, settlement_currency(instrument), gain)
        return
    pay(account, instrument.base, side.sign * quantity)
    pay(account, instrument.quote, -side.sign * notional(instrument, quantity, price))


# --- positions ---------------------------------------------------------------------------------


def move_position(
    account: Account, instrument: Instrument, side: PositionSide, quantity: Decimal, price: Decimal
) -> Decimal:
    """Moves a position by a signed quantity; answers the profit of what that closed."""
    position = account.positions.get((instrument.symbol, side)) or BrokerPosition(
        symbol=instrument.symbol, side=side, quantity=ZERO
    )
    if position.leverage is None and instrument.kind != "spot":
        position = replace(position, leverage=account.leverage(instrument.symbol, side))
    before = signed(position.quantity, side)
    after, entry = before + quantity, position.average_price
    gain = ZERO
    if before * quantity >= 0:
        entry = _blended(instrument, before, entry, quantity, price)
    else:
        closed = min(abs(quantity), abs(before)).copy_sign(before)
        gain = profit(instrument, closed, entry, price) if entry is not None else ZERO
        entry = entry if before * after > 0 else price
    _put(account, replace(position, quantity=signed(after, side), average_price=entry))
    return gain


def _blended(
    instrument: Instrument,
    held: Decimal,
    entry: Decimal | None,
    quantity: Decimal,
    price: Decimal,
) -> Decimal | None:
    """The average entry; inverse prices average harmonically: a contract is worth one over them."""
    if not held:
        return price
    if entry is None:
        return None
    if instrument.kind == "inverse" and entry and price:
        return average(held + quantity, held / entry + quantity / price)
    return average(held * entry + quantity * price, held + quantity)


def _put(account: Account, position: BrokerPosition) -> None:
    leg = (position.symbol, position.side)
    if position.quantity:
        quote = account.quotes.get(position.symbol)
        marked = as_marked(account, replace(position, mark_price=None))
        account.positions.put(marked, marked_at_quote=quote_mark(quote))
    elif leg in account.positions:
        # A flat position is not listed any more; what leverage it had is remembered.
        if position.leverage:
            account.simulation.leverage[position.symbol] = decimal_text(position.leverage)
            account.note()
        account.positions.remove(leg)


def quote_mark(quote: Quote | None) -> str | None:
    """Tells whether a quote has moved since it was looked at."""
    return f"{quote.bid}|{quote.ask}|{quote.last}" if quote else None


def as_marked(account: Account, position: BrokerPosition) -> BrokerPosition:
    """With the mark price and what it means for the profit, unless the file tells a newer mark."""
    quote = account.quotes.get(position.symbol)
    instrument = account.instrument(position.symbol)
    price = mark_price(quote)
    if price is None:
        return position
    if position.mark_price is not None:
        seen = account.positions.mark(position, "marked_at_quote")
        if seen in (None, quote_mark(quote)):
            return position
    entry = position.average_price
    held = signed(position.quantity, position.side)
    gain = profit(instrument, held, entry, price) if entry is not None else None
    return replace(position, mark_price=price, unrealized_pnl=gain)


def mark_price(quote: Quote | None) -> Decimal | None:
    """The last trade, else the middle of the book."""
    if quote is None:
        return None
    if quote.last is None and quote.bid is not None and quote.ask is not None:
        return bounded((quote.bid + quote.ask) / 2)
    return next((each for each in (quote.last, quote.bid, quote.ask) if each is not None), None)
