"""The real client library trading: orders, fills, and what order entry refuses."""

from __future__ import annotations

from decimal import Decimal

import pytest

from .account import TradingAccount
from .clients import Clients, until
from .gateway import IbGateway


async def test_a_limit_order_rests_is_amended_and_cancelled(
    clients: Clients, du1: TradingAccount
) -> None:
    client = await clients.connect()
    order = clients.limit("BUY", 10, 490, orderRef="entry", tif="GTC")
    trade = client.placeOrder(clients.stock(), order)
    await until(lambda: trade.orderStatus.status == "Submitted")
    kept = du1.order("entry")
    assert (trade.order.permId, trade.orderStatus.permId) == (kept.perm_id, kept.perm_id)
    order.lmtPrice = 491
    client.placeOrder(clients.stock(), order)
    await until(lambda: kept.limit == Decimal(491))
    assert len(du1.orders) == 1
    client.cancelOrder(order)
    await until(lambda: trade.orderStatus.status == "Cancelled")
    await until(lambda: 202 in clients.codes(client))
    assert not kept.is_live


async def test_a_market_order_fills_with_its_commission_and_moves_the_position(
    clients: Clients, du1: TradingAccount, du2: TradingAccount
) -> None:
    client = await clients.connect()
    trade = client.placeOrder(clients.future(), clients.market("BUY", 2, orderRef="es"))
    await until(lambda: trade.fills and trade.fills[0].commissionReport.execId)
    (fill,) = trade.fills
    assert (fill.execution.shares, fill.execution.price) == (2.0, 6000.25)
    assert (fill.execution.orderRef, fill.execution.acctNumber) == ("es", "DU1")
    assert fill.commissionReport.commission == 0.45
    assert trade.orderStatus.status == "Filled"
    await until(lambda: client.positions("DU1"))
    assert client.positions("DU1")[0].avgCost == 6000.25 * 5 + 0.45 / 2
    assert [du1.position("MES"), du2.position("MES")] == [2, 0]


async def test_an_order_waits_for_its_price(clients: Clients, du1: TradingAccount) -> None:
    client = await clients.connect()
    buy = client.placeOrder(clients.stock(), clients.limit("BUY", 10, 499))
    sell_stop = client.placeOrder(clients.stock(), clients.stop("SELL", 10, 495))
    await until(lambda: buy.orderStatus.status == "Submitted")
    await until(lambda: sell_stop.orderStatus.status == "PreSubmitted")
    du1.quote("SPY", "498.90", "498.95")
    await until(lambda: buy.orderStatus.status == "Filled")
    assert buy.orderStatus.avgFillPrice == 498.95
    du1.quote("SPY", "494.00", "494.10")
    await until(lambda: sell_stop.orderStatus.status == "Filled")
    assert sell_stop.orderStatus.avgFillPrice == 494.0
    assert du1.position("SPY") == 0


async def test_partial_fills_by_request_and_by_what_is_offered(
    clients: Clients, du1: TradingAccount
) -> None:
    client = await clients.connect()
    trade = client.placeOrder(clients.stock(), clients.limit("BUY", 10, 499, orderRef="part"))
    await until(lambda: trade.orderStatus.status == "Submitted")
    du1.fill(du1.order("part"), 4)
    await until(lambda: trade.orderStatus.filled == 4)
    assert (trade.orderStatus.status, trade.orderStatus.remaining) == ("Submitted", 6)
    du1.quote("SPY", "498.00", "498.50", ask_size=1)
    await until(lambda: trade.orderStatus.filled == 5)
    du1.quote("SPY", "498.00", "498.50")
    await until(lambda: trade.orderStatus.status == "Filled")
    assert [fill.execution.shares for fill in trade.fills] == [4, 1, 5]
    assert trade.orderStatus.avgFillPrice == pytest.approx(498.7)


async def test_immediate_or_cancel_takes_what_there_is(
    clients: Clients, du1: TradingAccount
) -> None:
    du1.quote("SPY", "500.00", "500.02", ask_size=3)
    client = await clients.connect()
    taken = client.placeOrder(clients.stock(), clients.limit("BUY", 10, 501, tif="IOC"))
    await until(lambda: taken.orderStatus.status == "Cancelled")
    assert [taken.orderStatus.filled, du1.position("SPY")] == [3, 3]
    du1.quote("SPY", "500.00", "500.02", ask_size=3)
    killed = client.placeOrder(clients.stock(), clients.limit("BUY", 10, 501, tif="FOK"))
    await until(lambda: killed.orderStatus.status == "Cancelled")
    assert [killed.orderStatus.filled, du1.position("SPY")] == [0, 3]


async def test_a_bracket_waits_until_it_is_transmitted_and_its_stop_until_the_entry_fills(
    clients: Clients, du1: TradingAccount
) -> None:
    client = await clients.connect()
    entry = clients.limit("BUY", 10, 490, orderRef="entry", transmit=False)
    parent = client.placeOrder(clients.stock(), entry)
    await until(lambda: parent.orderStatus.permId)
    assert parent.orderStatus.status == "PendingSubmit"
    stop = clients.stop("SELL", 10, 480, orderRef="stop", parentId=entry.orderId)
    child = client.placeOrder(clients.stock(), stop)
    await until(lambda: parent.orderStatus.status == "Submitted")
    await until(lambda: child.orderStatus.status == "PreSubmitted")
    assert du1.order("stop").waits_for_parent
    du1.fill(du1.order("entry"))
    await until(lambda: parent.orderStatus.status == "Filled")
    du1.quote("SPY", "479.00", "479.10")
    await until(lambda: child.orderStatus.status == "Filled")


async def test_a_child_dies_with_its_parent(clients: Clients) -> None:
    client = await clients.connect()
    entry = clients.limit("BUY", 10, 490)
    parent = client.placeOrder(clients.stock(), entry)
    child = client.placeOrder(
        clients.stock(), clients.stop("SELL", 10, 480, parentId=entry.orderId)
    )
    await until(lambda: child.orderStatus.status == "PreSubmitted")
    client.cancelOrder(entry)
    await until(lambda: child.orderStatus.status == "Cancelled")
    assert parent.orderStatus.status == "Cancelled"


async def test_a_what_if_order_answers_with_margin_and_places_nothing(
    clients: Clients, du1: TradingAccount
) -> None:
    client = await clients.connect()
    state = await client.whatIfOrderAsync(clients.stock(), clients.market("BUY", 10))
    assert float(state.initMarginChange) == pytest.approx(1250.02, abs=0.011)
    assert du1.orders == []


async def test_an_order_read_back_from_the_broker_can_be_amended(
    clients: Clients, du1: TradingAccount
) -> None:
    du1.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="old")
    client = await clients.connect(17)
    (trade,) = client.openTrades()
    trade.order.lmtPrice = 492
    client.placeOrder(trade.contract, trade.order)
    await until(lambda: du1.order("old").limit == Decimal(492))


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"account": ""}, 435),
        ({"account": "DU9"}, 321),
        ({"lmtPrice": 490.001}, 110),
        ({"totalQuantity": 0}, 434),
        ({"orderType": "TRAIL"}, 387),
    ],
)
async def test_what_order_entry_refuses(
    clients: Clients, gateway: IbGateway, terms: dict[str, object], code: int
) -> None:
    client = await clients.connect()
    order = clients.limit("BUY", 1, 490)
    for name, value in terms.items():
        setattr(order, name, value)
    client.placeOrder(clients.stock(), order)
    await until(lambda: code in clients.codes(client))
    assert gateway.broker.ledger.orders == []
