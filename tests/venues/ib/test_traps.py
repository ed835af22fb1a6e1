"""The twelve traps of the client libraries, each reproduced with the real one."""

from __future__ import annotations

import asyncio
import logging

import pytest

from .account import TradingAccount
from .clients import PATIENCE_SECONDS, SILENCE_SECONDS, Clients, until
from .faults import CutAfter, ErrorAfter, Refused, RequestLost
from .gateway import IbGateway


async def test_trap_01_false_flat(
    clients: Clients, gateway: IbGateway, du1: TradingAccount
) -> None:
    """broker: SPY 100 / positions never answered / client: connected, and flat."""
    du1.hold("SPY", 100, "498.50")
    gateway.faults.next("positions", RequestLost())
    client = await clients.connect(timeout=PATIENCE_SECONDS)
    assert client.isConnected()
    assert client.positions() == []
    assert len(await client.reqPositionsAsync()) == 1


@pytest.mark.parametrize("code", [104, 161, 201, 10148, 10349])
async def test_trap_02_an_error_marks_a_live_order_cancelled(
    clients: Clients, gateway: IbGateway, du1: TradingAccount, code: int
) -> None:
    """broker: order live / error for it / client: Cancelled, until all open orders are asked."""
    gateway.faults.next("place", ErrorAfter(code))
    client = await clients.connect()
    trade = client.placeOrder(clients.stock(), clients.limit("BUY", 1, 490, orderRef="live"))
    await until(lambda: code in clients.codes(client))
    assert trade.orderStatus.status == "Cancelled"
    assert du1.order("live").is_live
    (seen,) = await client.reqAllOpenOrdersAsync()
    assert (seen.order.orderRef, seen.orderStatus.status) == ("live", "Submitted")


async def test_trap_02_error_202_on_a_live_order_depends_on_the_library(
    clients: Clients, gateway: IbGateway, du1: TradingAccount
) -> None:
    client = await clients.connect()
    trade = client.placeOrder(clients.stock(), clients.limit("BUY", 1, 490, orderRef="live"))
    await until(lambda: trade.orderStatus.status == "Submitted")
    gateway.order_error(du1.order("live"), 202, "Order Canceled - reason:")
    await until(lambda: 202 in clients.codes(client))
    marked = clients.library.__name__ == "ib_async"
    assert trade.orderStatus.status == ("Cancelled" if marked else "Submitted")
    assert du1.order("live").is_live


async def test_trap_03_two_kinds_of_open_orders_at_once_hang_the_first(
    clients: Clients, du1: TradingAccount
) -> None:
    du1.client_order(18, "SPY", "BUY", 1, limit="490")
    client = await clients.connect(17)
    first = asyncio.ensure_future(client.reqOpenOrdersAsync())
    second = asyncio.ensure_future(client.reqAllOpenOrdersAsync())
    await asyncio.wait_for(second, 2)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(first, SILENCE_SECONDS)


async def test_trap_04_executions_asked_again_carry_no_commission(
    clients: Clients, du1: TradingAccount
) -> None:
    client = await clients.connect()
    trade = client.placeOrder(clients.stock(), clients.market("BUY", 300))
    await until(lambda: trade.fills and trade.fills[0].commissionReport.execId)
    (asked_again,) = await client.reqExecutionsAsync()
    assert asked_again.commissionReport.commission == 0.0
    (kept,) = client.fills()
    assert kept.commissionReport.commission == 1.5


async def test_trap_05_completed_orders_have_lost_their_ids_and_fills(
    clients: Clients, du1: TradingAccount
) -> None:
    done = du1.client_order(17, "SPY", "BUY", 10, order_ref="done")
    client = await clients.connect(17)
    (trade,) = await client.reqCompletedOrdersAsync(False)
    assert (trade.order.orderId, trade.order.clientId) == (0, 0)
    assert (trade.orderStatus.filled, trade.orderStatus.remaining) == (0, 0)
    assert (trade.order.permId, trade.order.orderRef) == (done.perm_id, "done")
    assert (trade.order.filledQuantity, trade.order.totalQuantity) == (10, 0)


async def test_trap_06_a_used_client_keeps_stale_trades(
    clients: Clients, gateway: IbGateway, du1: TradingAccount
) -> None:
    """client: disconnected while the order ends / reconnected: ib_insync still lists it open."""
    client = await clients.connect(17)
    trade = client.placeOrder(clients.stock(), clients.limit("BUY", 1, 490, orderRef="ends"))
    await until(lambda: trade.orderStatus.status == "Submitted")
    client.disconnect()
    await until(lambda: gateway.clients == [])
    du1.end(du1.order("ends"))
    await client.connectAsync("127.0.0.1", gateway.port, 17, 2)
    stale = [order.orderRef for order in client.openOrders()]
    assert stale == (["ends"] if clients.library.__name__ == "ib_insync" else [])
    client.disconnect()
    await until(lambda: gateway.clients == [])
    assert (await clients.connect(17)).openOrders() == []


async def test_trap_07_cut_after_accept_then_order_ref_finds_it(
    clients: Clients, gateway: IbGateway, du1: TradingAccount
) -> None:
    gateway.faults.next("place", CutAfter())
    client = await clients.connect(17)
    trade = client.placeOrder(clients.stock(), clients.limit("BUY", 1, 490, orderRef="lost"))
    await until(lambda: not client.isConnected())
    assert (trade.orderStatus.status, trade.order.permId) == ("PendingSubmit", 0)
    fresh = await clients.connect(17)
    (found,) = [each for each in fresh.openOrders() if each.orderRef == "lost"]
    assert found.permId == du1.order("lost").perm_id
    assert len(du1.orders) == 1


async def test_trap_07_cut_after_accept_and_filled_meanwhile(
    clients: Clients, gateway: IbGateway, du1: TradingAccount
) -> None:
    gateway.faults.next("place", CutAfter())
    client = await clients.connect(17)
    client.placeOrder(clients.stock(), clients.market("BUY", 1, orderRef="lost"))
    await until(lambda: not client.isConnected())
    fresh = await clients.connect(17)
    assert fresh.openOrders() == []
    (completed,) = await fresh.reqCompletedOrdersAsync(False)
    assert completed.order.orderRef == "lost"
    assert [fill.execution.orderRef for fill in fresh.fills()] == ["lost"]
    assert du1.position("SPY") == 1


async def test_trap_08_a_duplicate_client_id_is_a_bare_timeout(
    clients: Clients, gateway: IbGateway
) -> None:
    await clients.connect(17)
    second = clients.new()
    with pytest.raises(asyncio.TimeoutError) as raised:
        await second.connectAsync("127.0.0.1", gateway.port, 17, PATIENCE_SECONDS)
    assert "326" not in str(raised.value)
    assert clients.codes(second) == [326]
    assert gateway.clients == [17]


@pytest.mark.parametrize(("data_lost", "code"), [(True, 1101), (False, 1102)])
async def test_trap_09_connectivity_lost_looks_connected(
    clients: Clients, gateway: IbGateway, du1: TradingAccount, data_lost: bool, code: int
) -> None:
    """broker: filled while the gateway was offline / client: not told, even when it is back."""
    client = await clients.connect()
    trade = client.placeOrder(clients.stock(), clients.limit("BUY", 1, 490, orderRef="unseen"))
    await until(lambda: trade.orderStatus.status == "Submitted")
    gateway.lose_connectivity()
    await until(lambda: 1100 in clients.codes(client))
    assert client.isConnected()
    du1.fill(du1.order("unseen"))
    gateway.restore_connectivity(data_lost=data_lost)
    await until(lambda: code in clients.codes(client))
    assert (trade.orderStatus.status, trade.fills) == ("Submitted", [])
    assert await client.reqAllOpenOrdersAsync() == []
    assert len(await client.reqExecutionsAsync()) == 1


async def test_trap_10_an_unsolicited_completed_order_is_a_key_error_in_the_log(
    clients: Clients,
    gateway: IbGateway,
    du1: TradingAccount,
    caplog: pytest.LogCaptureFixture,
) -> None:
    done = du1.client_order(17, "SPY", "BUY", 1)
    client = await clients.connect(17)
    with caplog.at_level(logging.ERROR):
        gateway.announce_completed(done)
        await until(lambda: any(record.exc_info for record in caplog.records))
    kinds = [record.exc_info[0] for record in caplog.records if record.exc_info]
    assert kinds == [KeyError]
    assert client.isConnected()


async def test_trap_11_a_rejected_order_reads_cancelled(
    clients: Clients, gateway: IbGateway, du1: TradingAccount
) -> None:
    gateway.faults.next("place", Refused(201, "Order rejected - reason: no margin"))
    client = await clients.connect(17)
    trade = client.placeOrder(clients.stock(), clients.market("BUY", 1, orderRef="refused"))
    await until(trade.isDone)
    assert trade.orderStatus.status == "Cancelled"
    assert trade.log[-1].errorCode == 201
    assert trade.fills == []
    fresh = await clients.connect(18)
    (completed,) = await fresh.reqCompletedOrdersAsync(False)
    assert (completed.order.orderRef, completed.orderStatus.status) == ("refused", "Cancelled")
    assert du1.position("SPY") == 0


async def test_trap_12_a_failed_request_returns_nothing(clients: Clients) -> None:
    client = await clients.connect()
    unknown = clients.stock("NOSUCH")
    assert await client.reqContractDetailsAsync(unknown) == []
    assert 200 in clients.codes(client)
    client.RaiseRequestErrors = True
    with pytest.raises(Exception, match="200"):
        await client.reqContractDetailsAsync(unknown)
