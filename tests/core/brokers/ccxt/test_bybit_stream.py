"""What Bybit tells by itself: in order or not, once or twice, with holes, and the gaps in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from core.brokers.ccxt import CcxtBroker
from core.brokers.ccxt.bybit.legs import Legs
from core.brokers.ccxt.bybit.listings import Listings
from core.brokers.ccxt.bybit.stream import BybitDialect
from core.brokers.ccxt.stream import LISTENING, Stream
from core.domain.errors import Unavailable
from core.domain.order import OrderStatus, PositionSide
from core.domain.stream import ExecutionTold, Gap, OrderTold, StreamEvent
from tests.core.brokers.ccxt.account import NAME, QuickClock, broker_at, request, secret, until
from tests.core.brokers.receipts import receipt
from tests.venues.bybit import BybitVenue
from tests.venues.exchange import Leg, Side
from tests.venues.faults import Fault

Events = AsyncIterator[StreamEvent]


@asynccontextmanager
async def listening(broker: CcxtBroker) -> AsyncIterator[Events]:
    """Attached: what happens from here on is told."""
    events = broker.events()
    try:
        await until(events, is_gap(LISTENING))
        yield events
    finally:
        await events.aclose()  # type: ignore[attr-defined]


def is_gap(why: str) -> Any:
    return lambda event: isinstance(event, Gap) and why in event.why


def is_order(status: str) -> Any:
    return lambda event: isinstance(event, OrderTold) and event.order.status == status


def is_execution(event: StreamEvent) -> bool:
    return isinstance(event, ExecutionTold)


async def rest(broker: CcxtBroker, key: str = "tu-1") -> str:
    wanted = request("BTCUSDT", "buy", "0.01", "limit", price="50000")
    return (await broker.place(receipt(key, NAME), wanted)).broker_order_id


async def test_orders_and_executions_are_told_as_they_happen(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    async with listening(on_bybit) as events:
        order_id = await rest(on_bybit)
        opened = await until(events, is_order("open"))
        bybit.exchange.fill(order_id, "0.004")
        execution = await until(events, is_execution)
        partly = await until(events, is_order("partially_filled"))
    assert opened.order.client_order_id == "tu-1"
    assert execution.execution.quantity == Decimal("0.004")
    assert execution.execution.broker_order_id == order_id
    assert partly.order.filled_quantity == Decimal("0.004")


async def test_a_lost_connection_is_a_gap_and_then_told_on(
    bybit: BybitVenue, on_bybit: CcxtBroker, clock: QuickClock
) -> None:
    async with listening(on_bybit) as events:
        order_id = await rest(on_bybit)
        await until(events, is_order("open"))
        before = clock.now()
        bybit.disconnect()
        lost = await until(events, lambda event: isinstance(event, Gap))
        again = await until(events, is_gap(LISTENING))
        bybit.exchange.fill(order_id)
        await until(events, is_order("filled"))
    assert lost.since <= before
    assert again.since <= before


async def test_told_twice_late_and_out_of_order_it_still_leads_to_the_truth(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    """Whatever the stream did, the last word by its own time is what a snapshot says."""
    async with listening(on_bybit) as events:
        bybit.events.duplicate("order", times=2)
        order_id = await rest(on_bybit)
        bybit.events.reverse(4)
        bybit.exchange.fill(order_id, "0.004")
        bybit.exchange.fill(order_id)
        told = [await until(events, lambda event: not isinstance(event, Gap)) for _ in range(5)]
        while not any(isinstance(e, OrderTold) and e.order.status == "filled" for e in told):
            told.append(await until(events, lambda event: not isinstance(event, Gap)))
    [order] = (await on_bybit.snapshot()).orders
    latest = max(
        (event.order for event in told if isinstance(event, OrderTold)),
        key=lambda each: (each.filled_quantity, each.updated_at),
    )
    assert latest == order
    keys = {e.execution.execution_id for e in told if isinstance(e, ExecutionTold)}
    assert keys <= {row.execution_id for row in (await on_bybit.snapshot()).executions}


async def test_events_that_never_came_are_in_the_snapshot(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    async with listening(on_bybit) as events:
        bybit.events.drop("order", times=1)
        order_id = await rest(on_bybit)
        bybit.exchange.fill(order_id)
        await until(events, is_order("filled"))
    [order] = (await on_bybit.snapshot()).orders
    assert order.status is OrderStatus.FILLED


async def test_executions_of_a_hedge_are_told_with_their_leg() -> None:
    async with (
        BybitVenue(hedged=True) as venue,
        broker_at(venue) as broker,
        listening(broker) as events,
    ):
        venue.exchange.trade_by_hand("BTCUSDT", Side.BUY, "0.02", leg=Leg.LONG)
        opened = await until(events, is_execution)
        venue.exchange.trade_by_hand("BTCUSDT", Side.SELL, "0.01", leg=Leg.LONG)
        closed = await until(events, is_execution)
    assert opened.execution.position_side is PositionSide.LONG
    assert closed.execution.position_side is PositionSide.LONG


async def test_a_refused_login_is_a_gap_that_says_so(bybit: BybitVenue, clock: QuickClock) -> None:
    async with broker_at(bybit, clock, api_secret=secret("not-the-secret")) as broker:
        refused = await until(broker.events(), lambda event: isinstance(event, Gap))
    assert "refused the login" in refused.why
    assert "not-the-secret" not in refused.why


@pytest.mark.parametrize("fault", [Fault.http(503), Fault.RESET, Fault.HTML])
async def test_a_stream_that_cannot_be_opened_is_tried_again(
    bybit: BybitVenue, on_bybit: CcxtBroker, fault: Fault
) -> None:
    bybit.faults.next("ws/connect", fault, times=3)
    events = on_bybit.events()
    lost = await until(events, lambda event: isinstance(event, Gap))
    # However often it is tried, the hole is told once.
    again = await until(events, lambda event: isinstance(event, Gap))
    assert lost.why != LISTENING
    assert again.why == LISTENING


async def test_a_stream_gone_silent_is_taken_for_dead(
    bybit: BybitVenue, on_bybit: CcxtBroker, clock: QuickClock
) -> None:
    line = on_bybit._venue._line  # type: ignore[attr-defined]
    legs = Legs(listings=Listings(line=line, category="linear"))
    dialect = BybitDialect(
        line=line,
        category="linear",
        legs=legs,
        symbols=(),
        clock=clock,
        address=f"{bybit.ws_url}/v5/private",
        ping_seconds=0.02,
    )
    bybit.faults.always("ws/ping", Fault.HANG)
    events = Stream(line=line, dialect=dialect, clock=clock, seconds=10).events()
    await until(events, is_gap(LISTENING))
    assert await until(events, is_gap("gone silent"))
    assert bybit.requests.count("ws/ping") >= 2


async def test_a_row_that_cannot_be_read_is_a_gap_and_not_the_end(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    async with listening(on_bybit) as events:
        odd = {"category": "linear", "orderId": "9", "orderStatus": "Perplexed", "side": "Buy"}
        bybit.streams.publish("order", {"topic": "order", "data": [odd]})
        await until(events, is_gap("could not be read"))
        await rest(on_bybit)
        await until(events, is_order("open"))


async def test_it_ends_with_the_account(bybit: BybitVenue) -> None:
    async with broker_at(bybit) as broker:
        events = broker.events()
        await until(events, is_gap(LISTENING))
    assert [event async for event in events] == []
    with pytest.raises(Unavailable):
        await broker.balances()
