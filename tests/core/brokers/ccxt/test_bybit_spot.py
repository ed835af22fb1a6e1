"""Spot at Bybit, where a coin is the position and fees are taken out of it."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from core.brokers.ccxt import CcxtBroker
from core.domain.order import OrderType
from core.domain.snapshot import Partial
from tests.core.brokers.ccxt.account import (
    NAME,
    broker_at,
    request,
)
from tests.core.brokers.receipts import receipt
from tests.venues import exchange as world
from tests.venues.bybit import BybitVenue
from tests.venues.exchange import Category

BUY, SELL = world.Side.BUY, world.Side.SELL


@pytest.fixture
async def in_spot(bybit: BybitVenue) -> AsyncIterator[CcxtBroker]:
    async with broker_at(bybit, market="spot") as broker:
        yield broker


async def test_a_coin_is_a_position_less_the_fee_taken_in_it(
    bybit: BybitVenue, in_spot: CcxtBroker
) -> None:
    """broker: 0.01 BTC bought for a fee of 0.00001 BTC / position: BTCUSDT 0.00999"""
    placed = await in_spot.place(receipt("tu-1", NAME), request("BTCUSDT", "buy", "0.01"))
    snapshot = await in_spot.snapshot()
    [position] = snapshot.positions
    [execution] = snapshot.executions
    assert (position.symbol, position.quantity) == ("BTCUSDT", Decimal("0.00999"))
    assert (execution.fee, execution.fee_currency) == (Decimal("0.00001"), "BTC")
    assert execution.broker_order_id == placed.broker_order_id
    assert snapshot.instruments["BTCUSDT"].kind == "spot"
    assert snapshot.complete


async def test_a_purchase_counted_in_money_is_as_large_as_what_it_bought(
    bybit: BybitVenue, in_spot: CcxtBroker
) -> None:
    instrument = bybit.exchange.instrument("BTCUSDT", Category.SPOT)
    bybit.exchange.place(
        world.Ticket(instrument=instrument, side=BUY, quantity=Decimal(0), spend=Decimal(600))
    )
    [order] = (await in_spot.snapshot()).orders
    assert order.quantity == order.filled_quantity == Decimal("0.009999")


async def test_a_coin_traded_in_two_watched_symbols_is_nobodys_for_sure(
    bybit: BybitVenue,
) -> None:
    bybit.exchange.add(
        world.Instrument(
            symbol="BTCUSDC",
            category=Category.SPOT,
            base="BTC",
            quote="USDC",
            tick=Decimal("0.1"),
            step=Decimal("0.000001"),
            minimum=Decimal("0.000001"),
        ),
        bid="60000",
        ask="60000.1",
    )
    bybit.exchange.account.balances["BTC"] = Decimal(1)
    async with broker_at(bybit, market="spot", symbols=["BTCUSDT", "BTCUSDC"]) as broker:
        part = (await broker.snapshot()).parts["positions"]
    assert isinstance(part, Partial)
    assert "BTCUSDT and BTCUSDC" in part.why


async def test_a_spot_stop_is_placed_triggered_and_cancelled(
    bybit: BybitVenue, in_spot: CcxtBroker
) -> None:
    await in_spot.place(receipt("tu-1", NAME), request("BTCUSDT", "buy", "0.05"))
    stop = request("BTCUSDT", "sell", "0.01", "stop", trigger_price="59000")
    placed = await in_spot.place(receipt("tu-2", NAME), stop)
    orders = {row.client_order_id: row for row in (await in_spot.snapshot()).orders}
    assert orders["tu-2"].type is OrderType.STOP
    cancelled = await in_spot.cancel(receipt("tu-3", NAME), orders["tu-2"])
    assert cancelled.status == "cancelled"
    assert placed.broker_order_id == cancelled.broker_order_id
    await in_spot.place(receipt("tu-4", NAME), stop)
    bybit.exchange.move_quote("BTCUSDT", bid="58000", ask="58000.1")
    orders = {row.client_order_id: row for row in (await in_spot.snapshot()).orders}
    assert orders["tu-4"].status == "filled"
