"""The real client library against the gateway: connecting, reading, and surviving resets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from .account import TradingAccount
from .clients import SILENCE_SECONDS, Clients, until
from .gateway import IbGateway

# -- connecting


async def test_a_client_connects_at_server_version_176_and_sees_both_accounts(
    clients: Clients,
) -> None:
    client = await clients.connect()
    assert client.isConnected()
    assert client.client.serverVersion() == 176
    assert client.managedAccounts() == ["DU1", "DU2"]


async def test_a_client_is_told_that_the_farms_are_well(clients: Clients) -> None:
    client = await clients.connect()
    assert {2104, 2106, 2158} <= set(clients.codes(client))


async def test_an_id_is_free_again_once_its_client_is_gone(
    clients: Clients, gateway: IbGateway
) -> None:
    first = await clients.connect(17)
    first.disconnect()
    await until(lambda: gateway.clients == [])
    assert (await clients.connect(17)).isConnected()


async def test_the_gateways_clock_can_run_ahead(clients: Clients, gateway: IbGateway) -> None:
    gateway.skew = timedelta(hours=1)
    client = await clients.connect()
    ahead = await client.reqCurrentTimeAsync() - datetime.now(UTC)
    assert timedelta(minutes=59) < ahead < timedelta(minutes=61)


# -- reading


async def test_positions_of_both_accounts_and_a_futures_cost_that_contains_the_multiplier(
    clients: Clients, du1: TradingAccount, du2: TradingAccount
) -> None:
    du1.hold("SPY", 100, "498.50")
    du2.hold("ES", -2, "6000.25")
    client = await clients.connect()
    held = {
        (each.account, each.contract.symbol): (each.position, each.avgCost)
        for each in await client.reqPositionsAsync()
    }
    assert held == {("DU1", "SPY"): (100, 498.5), ("DU2", "ES"): (-2, 6000.25 * 50)}


async def test_values_and_summary_keep_the_accounts_apart(
    clients: Clients, du2: TradingAccount
) -> None:
    du2.deposit(500)
    client = await clients.connect()
    for rows in (client.accountValues(), await client.accountSummaryAsync()):
        cash = {
            row.account: row.value
            for row in rows
            if row.tag == "TotalCashValue" and row.currency == "USD"
        }
        assert cash == {"DU1": "1000000.00", "DU2": "1000500.00"}


async def test_account_updates_carry_the_portfolio(clients: Clients, du1: TradingAccount) -> None:
    du1.hold("MES", 3, "5990")
    client = await clients.connect(account="DU1")
    (item,) = client.portfolio("DU1")
    assert (item.contract.localSymbol, item.position) == ("MESZ0", 3)
    assert item.unrealizedPNL == pytest.approx((6000.125 - 5990) * 3 * 5)


async def test_open_orders_own_only_or_of_everybody(clients: Clients, du1: TradingAccount) -> None:
    du1.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="mine")
    du1.client_order(18, "SPY", "BUY", 2, limit="480", order_ref="other")
    by_hand = du1.manual_order("SPY", "SELL", 3, limit="510")
    client = await clients.connect(17)
    own = await client.reqOpenOrdersAsync()
    assert [trade.order.orderRef for trade in own] == ["mine"]
    everybody = await client.reqAllOpenOrdersAsync()
    assert [(each.order.clientId, each.order.orderId) for each in everybody] == [
        (17, 1),
        (18, 1),
        (0, 0),
    ]
    assert everybody[2].order.permId == by_hand.perm_id


async def test_contract_details_of_a_stock_and_of_a_future(clients: Clients) -> None:
    client = await clients.connect()
    (stock,) = await client.reqContractDetailsAsync(clients.stock())
    assert (stock.contract.primaryExchange, stock.minTick) == ("ARCA", 0.01)
    (future,) = await client.reqContractDetailsAsync(clients.future("ES", "203012"))
    assert (future.contract.multiplier, future.minTick) == ("50", 0.25)
    assert future.contract.lastTradeDateOrContractMonth == "20301220"
    assert future.realExpirationDate == "20301220"


async def test_a_future_without_expiry_is_every_expiry(clients: Clients) -> None:
    client = await clients.connect()
    found = await client.reqContractDetailsAsync(clients.future("MES", ""))
    assert [each.contract.localSymbol for each in found] == ["MESZ0", "MESH1"]


async def test_a_quote_as_snapshot_and_as_a_stream(clients: Clients, du1: TradingAccount) -> None:
    client = await clients.connect()
    contract = clients.stock()
    await client.qualifyContractsAsync(contract)
    (snapshot,) = await client.reqTickersAsync(contract)
    assert (snapshot.bid, snapshot.ask) == (500.0, 500.02)
    stream = client.reqMktData(contract)
    du1.quote("SPY", "501.00", "501.02", last="501.01", close="499")
    await until(lambda: stream.last == 501.01)
    assert (stream.bid, stream.ask, stream.close) == (501.0, 501.02, 499.0)


async def test_without_a_subscription_only_delayed_prices(
    clients: Clients, gateway: IbGateway
) -> None:
    gateway.broker.ledger.market.live_subscription = False
    client = await clients.connect()
    contract = clients.stock()
    await client.qualifyContractsAsync(contract)
    await client.reqTickersAsync(contract)
    assert 354 in clients.codes(client)
    client.reqMarketDataType(3)
    (delayed,) = await client.reqTickersAsync(contract)
    assert (delayed.bid, delayed.marketDataType) == (500.0, 3)


# -- resets


async def test_a_restart_hands_out_old_order_ids_again(
    clients: Clients, gateway: IbGateway, du1: TradingAccount
) -> None:
    first = await clients.connect(17)
    filled = first.placeOrder(clients.stock(), clients.market("BUY", 1, orderRef="before"))
    await until(lambda: filled.orderStatus.status == "Filled")
    reached = gateway.broker.entry.next_id(17)
    await gateway.restart()
    await until(lambda: not first.isConnected())
    assert gateway.broker.entry.next_id(17) == 1 < reached
    second = await clients.connect(17)
    order = clients.market("BUY", 1, orderRef="after", orderId=du1.order("before").order_id)
    again = second.placeOrder(clients.stock(), order)
    await until(lambda: again.orderStatus.status == "Filled")
    before, after = du1.order("before"), du1.order("after")
    assert before.order_id == after.order_id
    assert before.perm_id != after.perm_id


async def test_a_restart_goes_past_the_ids_of_live_orders(
    gateway: IbGateway, du1: TradingAccount
) -> None:
    du1.client_order(17, "SPY", "BUY", 1)
    du1.client_order(17, "SPY", "BUY", 1, limit="490")
    du1.client_order(17, "SPY", "BUY", 1)
    await gateway.restart()
    assert gateway.broker.entry.next_id(17) == 3


async def test_the_nightly_reset_drops_everybody_and_ends_the_day(
    clients: Clients, gateway: IbGateway, du1: TradingAccount
) -> None:
    du1.client_order(17, "SPY", "BUY", 1)
    du1.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="stays")
    both = [await clients.connect(17), await clients.connect(18)]
    await gateway.nightly_reset()
    await until(lambda: not any(client.isConnected() for client in both))
    client = await clients.connect(17)
    assert [order.orderRef for order in client.openOrders()] == ["stays"]
    assert client.fills() == []
    assert await client.reqCompletedOrdersAsync(False) == []
    assert [held.position for held in client.positions()] == [1]


async def test_a_stopped_gateway_refuses_connections(clients: Clients, gateway: IbGateway) -> None:
    await gateway.stop()
    with pytest.raises(ConnectionRefusedError):
        await clients.connect(timeout=SILENCE_SECONDS)
    await gateway.start()
    assert (await clients.connect()).isConnected()
