"""A Bybit account in hedge mode: every order is for one of two legs."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from core.brokers.ccxt import CcxtBroker
from core.domain.errors import Rejected
from core.domain.order import LIVE, OrderStatus, OrderType, PositionSide
from core.domain.snapshot import BrokerSnapshot
from tests.core.brokers.ccxt.account import NAME, broker_at, request
from tests.core.brokers.receipts import receipt
from tests.venues.bybit import BybitVenue

BTC = "BTCUSDT"


@pytest.fixture
async def hedged() -> AsyncIterator[BybitVenue]:
    async with BybitVenue(hedged=True) as venue:
        yield venue


@pytest.fixture
async def broker(hedged: BybitVenue) -> AsyncIterator[CcxtBroker]:
    async with broker_at(hedged) as made:
        yield made


def legs(snapshot: BrokerSnapshot) -> dict[str, str]:
    return {row.side.value: str(row.quantity) for row in snapshot.positions}


async def open_both(broker: CcxtBroker) -> None:
    await broker.place(receipt("tu-1", NAME), request(BTC, "buy", "0.03", leg="long"))
    await broker.place(receipt("tu-2", NAME), request(BTC, "sell", "0.02", leg="short"))


async def test_legs_are_opened_reduced_and_closed_apart(broker: CcxtBroker) -> None:
    """long 0.03, short 0.02 / sell 0.01 of the long, buy back the short / long 0.02"""
    await open_both(broker)
    assert legs(await broker.snapshot()) == {"long": "0.03", "short": "0.02"}
    reduce = request(BTC, "sell", "0.01", leg="long", reduce_only=True)
    await broker.place(receipt("tu-3", NAME), reduce)
    close = request(BTC, "buy", "0.02", leg="short", reduce_only=True)
    await broker.place(receipt("tu-4", NAME), close)
    snapshot = await broker.snapshot()
    assert legs(snapshot) == {"long": "0.02"}
    sides = {row.client_order_id: row.position_side for row in snapshot.executions}
    assert sides == {
        "tu-1": PositionSide.LONG,
        "tu-2": PositionSide.SHORT,
        "tu-3": PositionSide.LONG,
        "tu-4": PositionSide.SHORT,
    }


async def test_each_leg_has_a_stop_of_its_own_that_moves_and_triggers(
    hedged: BybitVenue, broker: CcxtBroker
) -> None:
    await open_both(broker)
    below = request(
        BTC, "sell", "0.03", "stop", leg="long", trigger_price="58000", reduce_only=True
    )
    above = request(
        BTC, "buy", "0.02", "stop", leg="short", trigger_price="62000", reduce_only=True
    )
    await broker.place(receipt("tu-3", NAME), below)
    await broker.place(receipt("tu-4", NAME), above)
    stops = {r.position_side: r for r in (await broker.snapshot()).orders if r.status in LIVE}
    assert {stop.type for stop in stops.values()} == {OrderType.STOP}
    moved = stops[PositionSide.LONG]
    await broker.amend(receipt("tu-5", NAME), moved, trigger_price=Decimal(59000))
    hedged.exchange.move_quote(BTC, bid="58900", ask="58900.1")
    snapshot = await broker.snapshot()
    assert legs(snapshot) == {"short": "0.02"}
    status = {row.client_order_id: row.status for row in snapshot.orders}
    assert (status["tu-3"], status["tu-4"]) == (OrderStatus.FILLED, OrderStatus.OPEN)


async def test_an_order_for_the_only_position_is_refused_where_there_are_two(
    broker: CcxtBroker,
) -> None:
    with pytest.raises(Rejected, match="position idx"):
        await broker.place(receipt("tu-1", NAME), request(BTC, "buy", "0.01"))


async def test_a_post_only_order_that_would_take_ends_without_a_fill(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    """Bybit acknowledges it first; what became of it, the next look tells."""
    wanted = request(BTC, "buy", "0.01", "limit", price="61000", post_only=True)
    await on_bybit.place(receipt("tu-1", NAME), wanted)
    snapshot = await on_bybit.snapshot()
    [order] = snapshot.orders
    assert (order.status, order.filled_quantity) == (OrderStatus.CANCELLED, 0)
    assert snapshot.positions == ()
    assert len(bybit.exchange.register.orders) == 1
