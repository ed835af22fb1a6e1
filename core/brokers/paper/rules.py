"""What the venue refuses, with the code it gives; the first one that applies, from the top.

| code | when |
|---|---|
| duplicate_client_order_id | an order with this client order id exists, in whatever status |
| unknown_symbol, contract_expired | nothing of that name is traded, or not any more |
| position_mode_mismatch | `both` in hedge mode, a leg in one-way mode |
| invalid_quantity, quantity_step, min_quantity | not above zero; off the grid; too small |
| price_required, price_not_allowed, price_tick | a limit without a price; a market order with one |
| trigger_required, trigger_not_allowed, trigger_tick | likewise for the price that triggers |
| time_in_force_not_supported | none of GTC, DAY (which rests like GTC), IOC, FOK |
| post_only_not_allowed, post_only_would_cross | only a limit that rests can be post-only |
| reduce_only | there is nothing on the other side to reduce |
| one_stop | the account takes one stop for each position, and there is one |
| no_quote | a market order without a price to fill at |
| min_notional | worth too little; orders that only reduce may be as small as they like |
| insufficient_balance, insufficient_margin | the available balance does not cover it |
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from core.brokers.paper.account import WORKING, Account
from core.brokers.paper.margin import (
    CONDITIONAL,
    LIMITED,
    available,
    cost,
    notional,
    only_reduces,
    reducible,
    settlement_currency,
)
from core.brokers.paper.matching import IMMEDIATE, crosses, taker_price
from core.brokers.paper.simulation import figure
from core.domain.errors import Rejected
from core.domain.market import Instrument
from core.domain.money import ZERO, decimal_text
from core.domain.order import STOP_TYPES, BrokerOrder, OrderType, PositionSide

TIMES_IN_FORCE = frozenset({"GTC", "DAY"}) | IMMEDIATE


def accepted(account: Account, order: BrokerOrder, now: datetime) -> BrokerOrder:
    """The order as the venue takes it on: one that only reduces is cut to what there is."""
    _refuse_duplicate(account, order.client_order_id)
    instrument = _traded(account, order, now)
    if account.hedges is (order.position_side is PositionSide.BOTH):
        raise Rejected("position_mode_mismatch", f"the account is {account.told.position_mode}")
    check_figures(instrument, order)
    _check_words(order)
    check_post_only(account, order)
    order = _cut(account, order)
    _check_one_stop(account, order)
    _check_worth(account, instrument, order)
    _check_funds(account, instrument, order)
    return order


def _refuse_duplicate(account: Account, client_order_id: str | None) -> None:
    if client_order_id is None or not account.simulation.deduplicates:
        return
    for order in account.orders:
        if order.client_order_id == client_order_id:
            raise Rejected("duplicate_client_order_id", f"{order.broker_order_id} has this id")


def _traded(account: Account, order: BrokerOrder, now: datetime) -> Instrument:
    instrument = account.instrument(order.symbol)
    if not account.trades(order.symbol):
        raise Rejected("unknown_symbol", f"{order.symbol} is not traded here")
    if instrument.expiry is not None and instrument.expiry <= now:
        raise Rejected("contract_expired", f"{order.symbol} expired at {instrument.expiry}")
    return instrument


# --- figures -----------------------------------------------------------------------------------


def check_figures(instrument: Instrument, order: BrokerOrder) -> None:
    """Quantity, price and trigger, each on its grid."""
    if order.quantity <= 0:
        raise Rejected("invalid_quantity", "the quantity must be above zero")
    if not _on_grid(order.quantity, instrument.quantity_step):
        raise Rejected("quantity_step", f"not a multiple of {instrument.quantity_step}")
    if instrument.min_quantity is not None and order.quantity < instrument.min_quantity:
        raise Rejected("min_quantity", f"below {instrument.min_quantity}")
    _check_price("price", order.price, order.type in LIMITED, instrument.price_tick)
    _check_price("trigger", order.trigger_price, order.type in CONDITIONAL, instrument.price_tick)


def _check_price(name: str, price: Decimal | None, needed: bool, tick: Decimal | None) -> None:
    if price is None and needed:
        raise Rejected(f"{name}_required", "this type of order needs one")
    if price is not None and not needed:
        raise Rejected(f"{name}_not_allowed", "this type of order takes none")
    if price is not None and not _on_grid(price, tick):
        raise Rejected(f"{name}_tick", f"not a multiple of {tick}")


def _on_grid(value: Decimal, step: Decimal | None) -> bool:
    return step is None or value % step == 0


# --- words -------------------------------------------------------------------------------------


def _check_words(order: BrokerOrder) -> None:
    if order.time_in_force not in TIMES_IN_FORCE:
        raise Rejected("time_in_force_not_supported", f"{order.time_in_force!r:.20}")
    rests = order.type is OrderType.LIMIT and order.time_in_force not in IMMEDIATE
    if order.post_only and not rests:
        raise Rejected("post_only_not_allowed", "only a limit order that rests can be post-only")


def check_post_only(account: Account, order: BrokerOrder) -> None:
    price = taker_price(account.quotes.get(order.symbol), order.side)
    if not order.post_only or price is None or order.price is None:
        return
    if crosses(order.side, order.price, price):
        raise Rejected("post_only_would_cross", f"the quote is {price}")


def _check_one_stop(account: Account, order: BrokerOrder) -> None:
    if not account.simulation.one_stop or order.type not in STOP_TYPES or not order.reduce_only:
        return
    for other in account.orders:
        place = (other.symbol, other.position_side, other.side)
        same = place == (order.symbol, order.position_side, order.side)
        if same and other.type in STOP_TYPES and other.status in WORKING:
            raise Rejected("one_stop", f"{other.broker_order_id} stands already")


def _cut(account: Account, order: BrokerOrder) -> BrokerOrder:
    """A conditional order keeps its quantity until it triggers."""
    if not only_reduces(order):
        return order
    least = reducible(account, order.symbol, order.side, order.position_side)
    if not least:
        raise Rejected("reduce_only", f"there is no position in {order.symbol} to reduce")
    if order.type in CONDITIONAL:
        return order
    return replace(order, quantity=min(order.quantity, least))


# --- money -------------------------------------------------------------------------------------


def _check_worth(account: Account, instrument: Instrument, order: BrokerOrder) -> None:
    price = _price(account, order)
    if price is None:
        if order.type is OrderType.MARKET:
            raise Rejected("no_quote", f"{order.symbol} has no quote")
        return
    least = instrument.min_notional
    worth = order.quantity * instrument.multiplier * price
    if least is not None and worth < least and not only_reduces(order):
        raise Rejected("min_notional", f"worth {worth}, below {least}")


def check_more_funds(
    account: Account, instrument: Instrument, before: BrokerOrder, after: BrokerOrder
) -> None:
    """Whether an amended order's further needs are covered."""
    if only_reduces(after) or before.price is None or after.price is None:
        return
    held = cost(account, instrument, before, before.quantity, before.price)
    for currency, amount in cost(account, instrument, after, after.quantity, after.price).items():
        if currency is not None:
            _check_available(account, instrument, currency, amount - held.get(currency, ZERO))


def _check_funds(account: Account, instrument: Instrument, order: BrokerOrder) -> None:
    """Whether what would be opened is covered, the fee included."""
    price = _price(account, order)
    if price is None or only_reduces(order):
        return
    closes = reducible(account, order.symbol, order.side, order.position_side)
    opened = order.quantity if instrument.kind == "spot" else max(order.quantity - closes, ZERO)
    if not opened:
        return
    fee = max(notional(instrument, opened, price) * figure(account.simulation.fee_rate), ZERO)
    for currency, amount in cost(account, instrument, order, opened, price).items():
        if currency is not None:
            paid = fee if currency == settlement_currency(instrument) else ZERO
            _check_available(account, instrument, currency, amount + paid)


def covered(account: Account, order: BrokerOrder) -> bool:
    """Whether an order that waited can still be paid for."""
    try:
        _check_funds(account, account.instrument(order.symbol), order)
    except Rejected:
        return False
    return True


def _check_available(
    account: Account, instrument: Instrument, currency: str, needed: Decimal
) -> None:
    if needed > 0 and needed > (left := available(account, currency)):
        code = "insufficient_balance" if instrument.kind == "spot" else "insufficient_margin"
        raise Rejected(
            code, f"needs {decimal_text(needed)} {currency}, {decimal_text(left)} is there"
        )


def _price(account: Account, order: BrokerOrder) -> Decimal | None:
    """What the order would trade at, as far as that can be told beforehand."""
    told = order.price if order.price is not None else order.trigger_price
    return told if told is not None else taker_price(account.quotes.get(order.symbol), order.side)
