"""Orders of every kind at Bybit, placed and listed, stops above all."""

from decimal import Decimal
from typing import Any

import pytest

from core.brokers.ccxt import CcxtBroker
from core.domain.order import COMPARED, OrderType, Side
from tests.core.brokers.ccxt.account import (
    NAME,
    request,
)
from tests.core.brokers.receipts import receipt
from tests.venues import exchange as world
from tests.venues.bybit import BybitVenue

BUY, SELL = world.Side.BUY, world.Side.SELL


async def test_a_stop_on_the_position_is_an_order_like_any_other(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    """broker: 0.01 held, a stop and a target set on the position / orders: stop, take_profit."""
    bybit.exchange.trade_by_hand("BTCUSDT", BUY, "0.01")
    position = bybit.exchange.position("BTCUSDT")
    bybit.exchange.protect(
        position,
        world.Protection(stop_kind=world.STOP_LOSS, price=Decimal(58000)),
        world.Protection(stop_kind=world.TAKE_PROFIT, price=Decimal(65000)),
    )
    orders = {row.type: row for row in (await on_bybit.snapshot()).orders}
    stop, target = orders[OrderType.STOP], orders[OrderType.TAKE_PROFIT]
    assert (stop.side, stop.trigger_price, stop.reduce_only) == (Side.SELL, 58000, True)
    assert (stop.quantity, target.quantity) == (Decimal("0.01"), Decimal("0.01"))
    moved = await on_bybit.amend(receipt("tu-1", NAME), stop, trigger_price=Decimal(59000))
    assert moved.trigger_price == 59000
    assert (await on_bybit.cancel(receipt("tu-2", NAME), moved)).status == "cancelled"


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "price"),
    [
        ("stop", "sell", "58000", None),
        ("stop", "buy", "62000", None),
        ("stop_limit", "sell", "58000", "57900"),
        ("take_profit", "sell", "62000", None),
        ("take_profit_limit", "buy", "58000", "58100"),
    ],
)
async def test_conditional_orders_come_back_as_they_were_placed(
    bybit: BybitVenue,
    on_bybit: CcxtBroker,
    kind: str,
    side: str,
    trigger: str,
    price: str | None,
) -> None:
    held_by = SELL if side == "buy" else BUY
    bybit.exchange.trade_by_hand("BTCUSDT", held_by, "0.01")
    terms = {"price": price} if price else {}
    wanted = request(
        "BTCUSDT", side, "0.01", kind, trigger_price=trigger, reduce_only=True, **terms
    )
    await on_bybit.place(receipt("tu-1", NAME), wanted)
    [order] = [o for o in (await on_bybit.snapshot()).orders if o.client_order_id == "tu-1"]
    assert (order.type, order.side, order.trigger_price) == (
        wanted.type,
        wanted.side,
        wanted.trigger_price,
    )
    assert order.price == wanted.price
    assert order.reduce_only


@pytest.mark.parametrize(
    ("kind", "terms"),
    [
        ("limit", {"price": "50000"}),
        ("limit", {"price": "50000", "post_only": True}),
        ("limit", {"price": "50000", "time_in_force": "GTC"}),
        ("stop", {"trigger_price": "58000"}),
        ("take_profit", {"trigger_price": "62000"}),
        ("stop_limit", {"trigger_price": "58000", "price": "57900"}),
    ],
)
async def test_an_acknowledged_order_is_told_as_it_will_be_listed(
    on_bybit: CcxtBroker, kind: str, terms: dict[str, Any]
) -> None:
    """Whoever writes down the acknowledgement finds no difference in the next listing."""
    side = "buy" if kind == "limit" else "sell"
    acknowledged = await on_bybit.place(
        receipt("tu-1", NAME), request("BTCUSDT", side, "0.01", kind, **terms)
    )
    [listed] = (await on_bybit.snapshot()).orders
    assert {name: getattr(acknowledged, name) for name, _ in COMPARED} == {
        name: getattr(listed, name) or getattr(acknowledged, name) for name, _ in COMPARED
    }


async def test_post_only_and_the_times_in_force(bybit: BybitVenue, on_bybit: CcxtBroker) -> None:
    post = request("BTCUSDT", "buy", "0.01", "limit", price="50000", post_only=True)
    kept = request("BTCUSDT", "buy", "0.01", "limit", price="50000", time_in_force="GTC")
    gone = request("BTCUSDT", "buy", "0.01", "limit", price="50000", time_in_force="IOC")
    for number, wanted in enumerate((post, kept, gone)):
        await on_bybit.place(receipt(f"tu-{number}", NAME), wanted)
    told = {
        row.client_order_id: (row.time_in_force, row.post_only, row.status.value)
        for row in (await on_bybit.snapshot()).orders
    }
    assert told == {
        "tu-0": ("GTC", True, "open"),
        "tu-1": ("GTC", False, "open"),
        "tu-2": ("IOC", False, "cancelled"),
    }
