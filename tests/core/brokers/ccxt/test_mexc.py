"""Where MEXC differs: contracts, plan orders that live twice, orders without a key."""

from datetime import timedelta
from decimal import Decimal

import pytest

from core.brokers.ccxt import CcxtBroker
from core.brokers.ccxt.stream import LISTENING
from core.domain.errors import NotSent, OutcomeUnknown, Rejected
from core.domain.execution import ExecutionKind
from core.domain.order import OrderStatus, OrderType, PositionSide, Side
from core.domain.snapshot import Absent, Found, Inconclusive, Partial
from core.domain.stream import ExecutionTold, Gap, OrderTold
from tests.core.brokers.ccxt.account import NAME, QuickClock, broker_at, request, secret, until
from tests.core.brokers.receipts import receipt
from tests.venues import exchange as world
from tests.venues.exchange import ExecutionKind as TheirKind
from tests.venues.exchange import Leg
from tests.venues.faults import Fault
from tests.venues.mexc import MexcVenue

BUY, SELL = world.Side.BUY, world.Side.SELL
BTC = "BTC_USDT"
STOP = request(BTC, "sell", "0.01", "stop", trigger_price="59000", reduce_only=True)


def fall(venue: MexcVenue, to: str) -> None:
    venue.exchange.move_quote(BTC, bid=to, ask=str(Decimal(to) + Decimal("0.1")), last=to)


async def hold(venue: MexcVenue) -> None:
    venue.exchange.trade_by_hand(BTC, BUY, "100")


# --- contracts ---------------------------------------------------------------------------------


async def test_contracts_are_told_as_coins(mexc: MexcVenue, on_mexc: CcxtBroker) -> None:
    """broker: 100 contracts of 0.0001 / position: 0.01"""
    await hold(mexc)
    snapshot = await on_mexc.snapshot()
    [position], [order], [execution] = snapshot.positions, snapshot.orders, snapshot.executions
    assert {position.quantity, order.quantity, execution.quantity} == {Decimal("0.01")}
    terms = snapshot.instruments[BTC]
    assert (terms.quantity_step, terms.multiplier) == (Decimal("0.0001"), 1)
    assert snapshot.complete


async def test_what_is_no_whole_number_of_contracts_is_not_sent(
    mexc: MexcVenue, on_mexc: CcxtBroker
) -> None:
    with pytest.raises(NotSent, match=r"0\.00015 BTC_USDT") as refusal:
        await on_mexc.place(receipt("tu-1", NAME), request(BTC, "buy", "0.00015"))
    assert refusal.value.hint == "use a multiple of 0.0001"
    assert mexc.requests.count("order/create") == 0


async def test_prices_go_out_digit_by_digit(mexc: MexcVenue, on_mexc: CcxtBroker) -> None:
    wanted = request(BTC, "buy", "0.01", "limit", price="50000.1")
    await on_mexc.place(receipt("tu-1", NAME), wanted)
    [sent] = mexc.requests.of("order/create")
    assert (sent.params["price"], sent.params["vol"]) == (Decimal("50000.1"), 100)
    assert sent.params["externalOid"] == "tu-1"


@pytest.mark.parametrize(
    ("side", "leg", "reduce_only", "number"),
    [
        ("buy", "both", False, 1),
        ("sell", "both", False, 3),
        ("buy", "both", True, 2),
        ("sell", "both", True, 4),
        ("buy", "long", False, 1),
        ("sell", "long", True, 4),
        ("sell", "short", False, 3),
        ("buy", "short", True, 2),
    ],
)
async def test_the_one_number_for_side_leg_and_purpose(
    side: str, leg: str, reduce_only: bool, number: int
) -> None:
    async with MexcVenue(hedged=leg != "both") as venue, broker_at(venue) as broker:
        if reduce_only:
            held_by = SELL if side == "buy" else BUY
            their_leg = {"both": Leg.NET, "long": Leg.LONG, "short": Leg.SHORT}[leg]
            venue.exchange.trade_by_hand(BTC, held_by, "200", leg=their_leg)
        wanted = request(BTC, side, "0.01", leg=leg, reduce_only=reduce_only)
        await broker.place(receipt("tu-1", NAME), wanted)
        [sent] = venue.requests.of("order/create")
        assert sent.params["side"] == number
        [order] = [o for o in (await broker.snapshot()).orders if o.client_order_id == "tu-1"]
    assert (order.side, order.position_side) == (Side(side), PositionSide(leg))
    assert order.reduce_only is reduce_only


@pytest.mark.parametrize(
    ("terms", "number", "told"),
    [
        ({"time_in_force": "GTC"}, 1, ("GTC", False)),
        ({"post_only": True}, 2, ("GTC", True)),
        ({"time_in_force": "IOC"}, 3, ("IOC", False)),
        ({"time_in_force": "FOK"}, 4, ("FOK", False)),
    ],
)
async def test_a_time_in_force_is_a_type_of_its_own(
    mexc: MexcVenue,
    on_mexc: CcxtBroker,
    terms: dict[str, object],
    number: int,
    told: tuple[str, bool],
) -> None:
    wanted = request(BTC, "buy", "0.01", "limit", price="50000", **terms)
    await on_mexc.place(receipt("tu-1", NAME), wanted)
    [sent] = mexc.requests.of("order/create")
    assert sent.params["type"] == number
    [order] = (await on_mexc.snapshot()).orders
    assert (order.time_in_force, order.post_only) == told


# --- plan orders -------------------------------------------------------------------------------


async def test_a_stop_is_a_plan_order_for_seven_days_and_nothing_else(
    mexc: MexcVenue, on_mexc: CcxtBroker
) -> None:
    await hold(mexc)
    placed = await on_mexc.place(receipt("tu-1", NAME), STOP)
    assert mexc.requests.count("order/create") == 0
    [sent] = mexc.requests.of("planorder/place")
    assert (sent.params["executeCycle"], sent.params["triggerType"]) == (2, 2)
    assert "stopLossPrice" not in sent.params
    mexc.exchange.advance(6 * 86400)
    [stop] = [row for row in (await on_mexc.snapshot()).orders if row.type is OrderType.STOP]
    assert stop.broker_order_id == placed.broker_order_id
    assert (stop.side, stop.quantity, stop.reduce_only) == (Side.SELL, Decimal("0.01"), True)
    assert stop.status is OrderStatus.OPEN


async def test_a_plan_order_that_lived_too_long_has_expired(
    mexc: MexcVenue, on_mexc: CcxtBroker
) -> None:
    week = 7 * 86400 + 60
    mexc.exchange.clock.advance(-week)
    placed = await on_mexc.place(receipt("tu-1", NAME), STOP)
    mexc.exchange.advance(week)
    found = await on_mexc.find_order(symbol=BTC, broker_order_id=placed.broker_order_id)
    assert isinstance(found, Found)
    assert found.order.status is OrderStatus.EXPIRED


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "price"),
    [
        ("stop", "sell", "59000", None),
        ("stop", "buy", "61000", None),
        ("stop_limit", "sell", "59000", "58900"),
        ("take_profit", "sell", "61000", None),
        ("take_profit_limit", "buy", "59000", "59100"),
    ],
)
async def test_conditional_orders_come_back_as_they_were_placed(
    mexc: MexcVenue, on_mexc: CcxtBroker, kind: str, side: str, trigger: str, price: str | None
) -> None:
    terms = {"price": price} if price else {}
    wanted = request(BTC, side, "0.01", kind, trigger_price=trigger, reduce_only=True, **terms)
    await on_mexc.place(receipt("tu-1", NAME), wanted)
    [order] = (await on_mexc.snapshot()).orders
    assert (order.type, order.side) == (wanted.type, wanted.side)
    assert (order.trigger_price, order.price) == (wanted.trigger_price, wanted.price)


async def test_a_triggered_stop_is_one_order_with_its_own_executions(
    mexc: MexcVenue, on_mexc: CcxtBroker
) -> None:
    """broker: plan order executed, another order filled for it / orders: one stop, filled 0.01"""
    await hold(mexc)
    placed = await on_mexc.place(receipt("tu-1", NAME), STOP)
    fall(mexc, "58990")
    snapshot = await on_mexc.snapshot()
    [stop] = [row for row in snapshot.orders if row.type is OrderType.STOP]
    assert stop.broker_order_id == placed.broker_order_id
    assert (stop.status, stop.filled_quantity) == (OrderStatus.FILLED, Decimal("0.01"))
    fills = [row for row in snapshot.executions if row.broker_order_id == stop.broker_order_id]
    assert sum(row.quantity for row in fills) == Decimal("0.01")
    assert stop.perm_id not in {row.broker_order_id for row in snapshot.orders}
    assert snapshot.positions == ()
    assert snapshot.complete
    found = await on_mexc.find_order(symbol=BTC, broker_order_id=placed.broker_order_id)
    assert found == Found(stop)
    found = await on_mexc.find_order(symbol=BTC, perm_id=stop.perm_id)
    assert found == Found(stop)


async def test_a_triggered_stop_limit_rests_and_can_be_cancelled(
    mexc: MexcVenue, on_mexc: CcxtBroker
) -> None:
    await hold(mexc)
    wanted = request(
        BTC, "sell", "0.01", "stop_limit", trigger_price="59000", price="59500", reduce_only=True
    )
    await on_mexc.place(receipt("tu-1", NAME), wanted)
    fall(mexc, "58990")
    [stop] = [r for r in (await on_mexc.snapshot()).orders if r.type is OrderType.STOP_LIMIT]
    assert stop.status is OrderStatus.OPEN
    told = await on_mexc.cancel(receipt("tu-2", NAME), stop)
    assert (told.broker_order_id, told.status) == (stop.broker_order_id, OrderStatus.CANCELLED)


async def test_an_execution_keeps_its_name_when_its_order_is_not_listed_any_more(
    mexc: MexcVenue, on_mexc: CcxtBroker
) -> None:
    await hold(mexc)
    await on_mexc.place(receipt("tu-1", NAME), STOP)
    fall(mexc, "58990")
    listed = {
        row.execution_id: row.broker_order_id for row in (await on_mexc.snapshot()).executions
    }
    mexc.faults.always("order/list/history_orders", Fault.short(0))
    bare = await on_mexc.snapshot()
    assert {row.execution_id: row.broker_order_id for row in bare.executions} == listed


async def test_half_of_a_triggered_order_makes_the_listing_partial(
    mexc: MexcVenue, on_mexc: CcxtBroker
) -> None:
    await hold(mexc)
    await on_mexc.place(receipt("tu-1", NAME), STOP)
    fall(mexc, "58990")
    mexc.faults.always("planorder/list/orders", Fault.http(503))
    part = (await on_mexc.snapshot()).parts["orders"]
    assert isinstance(part, Partial)


async def test_a_plan_order_is_cancelled_and_not_moved(
    mexc: MexcVenue, on_mexc: CcxtBroker
) -> None:
    await hold(mexc)
    placed = await on_mexc.place(receipt("tu-1", NAME), STOP)
    with pytest.raises(NotSent, match="change a plan order"):
        await on_mexc.amend(receipt("tu-2", NAME), placed, trigger_price=Decimal(58000))
    told = await on_mexc.cancel(receipt("tu-3", NAME), placed)
    assert told.status is OrderStatus.CANCELLED
    with pytest.raises(Rejected, match="2041"):
        await on_mexc.cancel(receipt("tu-4", NAME), placed)


# --- finding -----------------------------------------------------------------------------------


async def test_a_stop_whose_reply_was_lost_is_there_once_and_never_taken_for_absent(
    mexc: MexcVenue, on_mexc: CcxtBroker, clock: QuickClock
) -> None:
    """It carries no key of ours: all that can be said is that it may be this one."""
    began = clock.now()
    mexc.faults.next("planorder/place", Fault.LOST_REPLY)
    with pytest.raises(OutcomeUnknown):
        await on_mexc.place(receipt("tu-1", NAME), STOP)
    answer = await on_mexc.find_order(symbol=BTC, client_order_id="tu-1", created_at=began)
    assert isinstance(answer, Inconclusive)
    [stop] = (await on_mexc.snapshot()).orders
    assert stop.broker_order_id in answer.why


async def test_a_stop_that_never_arrived_is_absent(
    mexc: MexcVenue, on_mexc: CcxtBroker, clock: QuickClock
) -> None:
    began = clock.now()
    mexc.faults.next("planorder/place", Fault.RESET)
    with pytest.raises(OutcomeUnknown):
        await on_mexc.place(receipt("tu-1", NAME), STOP)
    answer = await on_mexc.find_order(symbol=BTC, client_order_id="tu-1", created_at=began)
    assert answer == Absent()


async def test_as_long_as_we_live_we_know_which_plan_order_is_whose(
    mexc: MexcVenue, on_mexc: CcxtBroker, clock: QuickClock
) -> None:
    began = clock.now()
    placed = await on_mexc.place(receipt("tu-1", NAME), STOP)
    found = await on_mexc.find_order(symbol=BTC, client_order_id="tu-1", created_at=began)
    assert isinstance(found, Found)
    assert found.order.broker_order_id == placed.broker_order_id
    other = await on_mexc.find_order(symbol=BTC, client_order_id="tu-2", created_at=began)
    assert other == Absent()


@pytest.mark.parametrize("absent_is_null", [False, True])
async def test_both_of_its_ways_to_say_that_there_is_no_such_order(
    mexc: MexcVenue, on_mexc: CcxtBroker, clock: QuickClock, absent_is_null: bool
) -> None:
    mexc.listings.absent_is_null = absent_is_null
    for names in ({"client_order_id": "tu-9"}, {"broker_order_id": "123456789"}):
        answer = await on_mexc.find_order(symbol=BTC, created_at=clock.now(), **names)
        assert answer == Absent()


async def test_older_than_its_listings_proves_nothing(
    on_mexc: CcxtBroker, clock: QuickClock
) -> None:
    for created_at in (None, clock.now() - timedelta(days=91)):
        answer = await on_mexc.find_order(symbol=BTC, client_order_id="tu-9", created_at=created_at)
        assert isinstance(answer, Inconclusive)


async def test_a_question_that_failed_proves_nothing(
    mexc: MexcVenue, on_mexc: CcxtBroker, clock: QuickClock
) -> None:
    mexc.faults.always("order/external", Fault.http(503))
    answer = await on_mexc.find_order(symbol=BTC, client_order_id="tu-9", created_at=clock.now())
    assert isinstance(answer, Inconclusive)


async def test_a_second_order_under_one_key_is_never_ruled_out(on_mexc: CcxtBroker) -> None:
    assert not on_mexc.capabilities.deduplicates
    assert not on_mexc.capabilities.amends


# --- reading -----------------------------------------------------------------------------------


async def test_what_the_venue_forces_through_is_named(mexc: MexcVenue, on_mexc: CcxtBroker) -> None:
    await hold(mexc)
    mexc.exchange.take_over(BTC, quantity="40")
    mexc.exchange.take_over(BTC, kind=TheirKind.ADL)
    kinds = {row.kind for row in (await on_mexc.snapshot()).executions}
    assert kinds == {ExecutionKind.TRADE, ExecutionKind.LIQUIDATION, ExecutionKind.ADL}


async def test_executions_of_every_symbol_beyond_a_page(
    mexc: MexcVenue, on_mexc: CcxtBroker
) -> None:
    for _ in range(105):
        mexc.exchange.trade_by_hand(BTC, BUY, "1")
    mexc.exchange.trade_by_hand("ETH_USDT", SELL, "5")
    snapshot = await on_mexc.snapshot()
    assert len(snapshot.executions) == 106
    assert {row.symbol: str(row.quantity) for row in snapshot.positions} == {
        BTC: "0.0105",
        "ETH_USDT": "-0.05",
    }


async def test_legs_of_a_hedge_come_with_mode_and_leverage() -> None:
    async with MexcVenue(hedged=True) as venue, broker_at(venue) as broker:
        venue.exchange.trade_by_hand(BTC, BUY, "30", leg=Leg.LONG)
        venue.exchange.trade_by_hand(BTC, SELL, "50", leg=Leg.SHORT)
        snapshot = await broker.snapshot()
        mode = await broker.account_mode()
    assert {row.side.value: str(row.quantity) for row in snapshot.positions} == {
        "long": "0.0030",
        "short": "0.0050",
    }
    assert (mode.position_mode, mode.leverage) == ("hedge", {BTC: 20})
    assert {row.position_side.value for row in snapshot.executions} == {"long", "short"}


# --- the stream --------------------------------------------------------------------------------


async def test_the_stream_tells_a_triggered_stop_as_one_order(
    mexc: MexcVenue, on_mexc: CcxtBroker
) -> None:
    await hold(mexc)
    placed = await on_mexc.place(receipt("tu-1", NAME), STOP)
    events = on_mexc.events()
    await until(events, lambda event: isinstance(event, Gap) and event.why == LISTENING)
    fall(mexc, "58990")
    filled = await until(
        events, lambda e: isinstance(e, OrderTold) and e.order.status is OrderStatus.FILLED
    )
    assert filled.order.broker_order_id == placed.broker_order_id
    assert filled.order.type is OrderType.STOP
    mexc.exchange.trade_by_hand(BTC, BUY, "10")
    execution = await until(events, lambda e: isinstance(e, ExecutionTold))
    assert execution.execution.symbol == BTC


async def test_a_refused_login_is_a_gap_and_does_not_hang(
    mexc: MexcVenue, clock: QuickClock
) -> None:
    async with broker_at(mexc, clock, api_secret=secret("not-the-secret")) as broker:
        gap = await until(broker.events(), lambda event: isinstance(event, Gap))
    assert "login" in gap.why
