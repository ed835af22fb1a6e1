"""Plan orders at MEXC: stops that live for a week and trade under another id."""

from decimal import Decimal

import pytest

from core.brokers.ccxt import CcxtBroker
from core.brokers.ccxt.stream import LISTENING
from core.domain.errors import NotSent, Rejected
from core.domain.order import OrderStatus, OrderType, Side
from core.domain.snapshot import Found, Partial
from core.domain.stream import ExecutionTold, Gap, OrderTold
from tests.core.brokers.ccxt.account import NAME, QuickClock, broker_at, request, secret, until
from tests.core.brokers.receipts import receipt
from tests.venues import exchange as world
from tests.venues.faults import Fault
from tests.venues.mexc import MexcVenue

BUY, SELL = world.Side.BUY, world.Side.SELL
BTC = "BTC_USDT"
STOP = request(BTC, "sell", "0.01", "stop", trigger_price="59000", reduce_only=True)


def fall(venue: MexcVenue, to: str) -> None:
    venue.exchange.move_quote(BTC, bid=to, ask=str(Decimal(to) + Decimal("0.1")), last=to)


async def hold(venue: MexcVenue) -> None:
    venue.exchange.trade_by_hand(BTC, BUY, "100")


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
