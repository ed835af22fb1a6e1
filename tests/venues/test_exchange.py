"""The exchange behind the venues, without a wire: money, positions, triggers and endings."""

from decimal import Decimal
from typing import Any

import pytest

from tests.venues.bybit.errors import refusal_code as bybit_code
from tests.venues.exchange import (
    STOP_LOSS,
    TAKE_PROFIT,
    Category,
    Ended,
    Event,
    Exchange,
    Executed,
    Instrument,
    Kind,
    Leg,
    Order,
    OrderChanged,
    Protection,
    Refusal,
    Refused,
    Rules,
    Side,
    State,
    Ticket,
    TimeInForce,
    Trigger,
)
from tests.venues.mexc.errors import refusal_code as mexc_code
from tests.venues.wire import Call

BTC = Instrument(
    symbol="BTCUSDT",
    category=Category.LINEAR,
    base="BTC",
    quote="USDT",
    tick=Decimal("0.5"),
    step=Decimal("0.001"),
    minimum=Decimal("0.001"),
    maker_fee=Decimal("0.0002"),
    taker_fee=Decimal("0.001"),
)
DAY = 86_400


def open_exchange(**setup: Any) -> Exchange:
    """An exchange with 10,000 USDT and BTCUSDT quoted 100 / 101."""
    exchange = Exchange(balances={"USDT": 10_000}, **setup)
    exchange.add(BTC, bid=100, ask=101)
    return exchange


def ticket(side: Side = Side.BUY, quantity: str = "1", **wanted: Any) -> Ticket:
    """A market order, or a limit order when it has a price."""
    kind = Kind.LIMIT if "price" in wanted else Kind.MARKET
    if "price" in wanted:
        wanted["price"] = Decimal(wanted["price"])
    return Ticket(instrument=BTC, side=side, quantity=Decimal(quantity), kind=kind, **wanted)


def stop_at(price: str, *, rises: bool = False) -> Ticket:
    """A conditional order that sells one at the market."""
    trigger = Trigger(price=Decimal(price), rises=rises)
    return ticket(Side.SELL, trigger=trigger, stop_kind="Stop", reduce_only=True)


def refusal_of(exchange: Exchange, wanted: Ticket) -> Refusal:
    """Why a ticket is turned down; the exchange must be left as it was."""
    before = (dict(exchange.account.balances), len(exchange.register.orders))
    with pytest.raises(Refused) as refused:
        exchange.place(wanted)
    assert before == (exchange.account.balances, len(exchange.register.orders))
    return refused.value.refusal


def usdt(exchange: Exchange) -> Decimal:
    return exchange.account.balances["USDT"]


def test_profit_and_fees_end_up_in_the_balance() -> None:
    exchange = open_exchange()
    exchange.place(ticket(Side.BUY, "2"))
    exchange.move_quote("BTCUSDT", bid=110, ask=111)
    order = exchange.place(ticket(Side.SELL, "2"))
    # Bought 2 at 101 and sold them at 110; fees are 0.202 and 0.22.
    assert order.profit == 18
    assert usdt(exchange) == Decimal("10017.578")


def test_a_larger_opposite_trade_turns_the_position() -> None:
    exchange = open_exchange()
    exchange.place(ticket(Side.BUY, "1"))
    exchange.place(ticket(Side.SELL, "3"))
    position = exchange.position("BTCUSDT")
    assert position.quantity == -2
    assert position.average == 100
    assert position.realised == -1


def test_adding_to_a_position_averages_its_price() -> None:
    exchange = open_exchange()
    exchange.place(ticket(Side.BUY, "1"))
    exchange.move_quote("BTCUSDT", bid=199, ask=201)
    exchange.place(ticket(Side.BUY, "3"))
    assert exchange.position("BTCUSDT").average == 176


def test_margin_is_kept_aside_and_given_back() -> None:
    exchange = open_exchange(leverage=10)
    order = exchange.place(ticket(price="50", quantity="20"))
    assert exchange.floor.available("USDT") == 9_900
    exchange.cancel(order)
    assert exchange.floor.available("USDT") == 10_000


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        (ticket(quantity="0.0005"), Refusal.BAD_QUANTITY),
        (ticket(quantity="0.0015"), Refusal.BAD_QUANTITY),
        (ticket(price="50.3"), Refusal.BAD_PRICE),
        (ticket(price="50", quantity="0.001"), Refusal.TOO_SMALL),
        (ticket(quantity="2000"), Refusal.NO_FUNDS),
        (ticket(leg=Leg.LONG), Refusal.WRONG_LEG),
        (ticket(Side.SELL, reduce_only=True), Refusal.NOTHING_TO_REDUCE),
        (stop_at("120"), Refusal.FALLING_EXPECTED),
        (stop_at("90", rises=True), Refusal.RISING_EXPECTED),
    ],
    ids=lambda value: value.name if isinstance(value, Refusal) else "",
)
def test_refused_tickets_change_nothing(wanted: Ticket, refusal: Refusal) -> None:
    assert refusal_of(open_exchange(), wanted) is refusal


def test_a_hedge_leg_can_only_be_closed_by_what_it_holds() -> None:
    exchange = open_exchange(hedged=True)
    exchange.place(ticket(Side.BUY, "2", leg=Leg.LONG))
    exchange.place(ticket(Side.SELL, "5", leg=Leg.LONG))
    assert exchange.position("BTCUSDT", Leg.LONG).quantity == 0
    assert refusal_of(exchange, ticket(Side.SELL, leg=Leg.LONG)) is Refusal.NOTHING_TO_REDUCE


def test_size_at_the_quote_is_used_up() -> None:
    exchange = open_exchange()
    exchange.move_quote("BTCUSDT", bid=100, ask=101, ask_size=3)
    first = exchange.place(ticket(quantity="2"))
    second = exchange.place(ticket(price="101", quantity="2"))
    assert (first.leaves, second.leaves) == (Decimal(0), Decimal(1))
    exchange.move_quote("BTCUSDT", bid=100, ask=101)
    assert second.state is State.FILLED


@pytest.mark.parametrize(
    ("time_in_force", "state", "why"),
    [
        (TimeInForce.IOC, State.PARTIALLY_FILLED_CANCELLED, Ended.NO_LIQUIDITY),
        (TimeInForce.FOK, State.CANCELLED, Ended.NOT_IN_FULL),
        (TimeInForce.POST_ONLY, State.CANCELLED, Ended.WOULD_TAKE),
    ],
)
def test_time_in_force(time_in_force: TimeInForce, state: State, why: Ended) -> None:
    exchange = open_exchange()
    exchange.move_quote("BTCUSDT", bid=100, ask=101, ask_size=1)
    order = exchange.place(ticket(price="101", quantity="2", time_in_force=time_in_force))
    assert (order.state, order.ended) == (state, why)


def test_a_stop_can_watch_the_mark_price() -> None:
    exchange = open_exchange()
    exchange.place(ticket())
    trigger = Trigger(price=Decimal(90), rises=False, by="MarkPrice")
    order = exchange.place(ticket(Side.SELL, trigger=trigger, reduce_only=True))
    exchange.move_quote("BTCUSDT", bid=80, ask=81, mark=95)
    assert order.open
    exchange.move_quote("BTCUSDT", bid=80, ask=81, mark=89)
    assert order.state is State.FILLED


def test_one_sweep_closes_a_position_once() -> None:
    exchange = open_exchange()
    exchange.place(ticket())
    stops = [exchange.place(stop_at(price)) for price in ("95", "94")]
    exchange.move_quote("BTCUSDT", bid=90, ask=91)
    assert [order.state for order in stops] == [State.FILLED, State.REJECTED]
    assert exchange.position("BTCUSDT").quantity == 0


def test_stop_and_target_of_a_position_end_together() -> None:
    exchange = open_exchange()
    exchange.place(ticket())
    position = exchange.position("BTCUSDT")
    stop = Protection(stop_kind=STOP_LOSS, price=Decimal(90))
    exchange.protect(position, stop, Protection(stop_kind=TAKE_PROFIT, price=Decimal(120)))
    with pytest.raises(Refused, match=Refusal.NO_CHANGE.value):
        exchange.protect(position, stop)
    exchange.move_quote("BTCUSDT", bid=121, ask=122)
    assert position.quantity == 0
    assert exchange.register.open_orders() == []


@pytest.mark.parametrize(
    ("stop_kind", "price"), [(STOP_LOSS, 120), (TAKE_PROFIT, 90)], ids=["stop", "target"]
)
def test_a_protection_on_the_wrong_side_is_refused(stop_kind: str, price: int) -> None:
    exchange = open_exchange()
    exchange.place(ticket())
    wanted = Protection(stop_kind=stop_kind, price=Decimal(price))
    with pytest.raises(Refused, match=Refusal.STOP_SIDE.value):
        exchange.protect(exchange.position("BTCUSDT"), wanted)


def test_a_flat_position_cannot_be_protected() -> None:
    exchange = open_exchange()
    with pytest.raises(Refused, match=Refusal.NO_POSITION.value):
        exchange.protect(
            exchange.position("BTCUSDT"), Protection(stop_kind=STOP_LOSS, price=Decimal(90))
        )


def test_a_plan_order_that_spawns_keeps_its_own_id() -> None:
    exchange = open_exchange(rules=Rules(trigger_spawns_order=True, numbered_orders=True))
    exchange.place(ticket())
    plan = exchange.place(stop_at("95"), life_seconds=DAY)
    exchange.trigger(plan.order_id)
    spawned = exchange.order(plan.spawned_id)
    assert (plan.state, spawned.state) == (State.EXECUTED, State.FILLED)
    assert spawned.ticket.client_id == f"planorder_{plan.order_id}_{plan.number}"


def test_only_what_never_triggered_expires() -> None:
    exchange = open_exchange()
    exchange.place(ticket())
    plan = exchange.place(stop_at("95"), life_seconds=DAY)
    kept = exchange.place(stop_at("94"))
    exchange.advance(DAY)
    assert (plan.state, kept.state) == (State.EXPIRED, State.UNTRIGGERED)


def test_a_triggered_order_without_funds_is_rejected() -> None:
    exchange = open_exchange()
    order = exchange.place(ticket(trigger=Trigger(price=Decimal(110), rises=True)))
    exchange.account.balances["USDT"] = Decimal(1)
    exchange.move_quote("BTCUSDT", bid=111, ask=112)
    assert (order.state, order.ended) == (State.REJECTED, Ended.NO_FUNDS)


def test_listeners_hear_the_execution_before_its_order() -> None:
    exchange = open_exchange()
    heard: list[Event] = []
    exchange.listen(heard.append)
    exchange.place(ticket())
    kinds = [type(event) for event in heard]
    assert kinds.index(Executed) < kinds.index(OrderChanged)


def test_only_the_last_closed_orders_are_remembered() -> None:
    exchange = open_exchange()
    orders: list[Order] = []
    for _ in range(501):
        order = exchange.place(ticket(price="50"))
        exchange.cancel(order)
        orders.append(order)
    assert [order.recent for order in (orders[0], orders[1], orders[-1])] == [False, True, True]


@pytest.mark.parametrize("amount", ["0", "3"])
def test_an_order_cannot_fill_beyond_itself(amount: str) -> None:
    exchange = open_exchange()
    order = exchange.place(ticket(price="50", quantity="2"))
    with pytest.raises(AssertionError, match="not within"):
        exchange.fill(order.order_id, amount)


def test_every_venue_has_a_code_for_every_refusal() -> None:
    for refusal in Refusal:
        for endpoint, category in (("order/create", "linear"), ("order/cancel", "spot")):
            call = Call(endpoint=endpoint, params={"category": category}, headers={})
            assert bybit_code(Refused(refusal), call).text
        assert mexc_code(Refused(refusal)).text


def test_ids_are_too_long_for_a_float() -> None:
    exchange = open_exchange(rules=Rules(numbered_orders=True))
    order_id = exchange.place(ticket()).order_id
    assert len(order_id) == 19
    assert str(int(float(order_id))) != order_id
