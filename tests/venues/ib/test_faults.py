"""Scripted faults, seen by the real client library."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from .account import TradingAccount
from .clients import SILENCE_SECONDS, Clients, until
from .faults import (
    CutAfter,
    CutBefore,
    Duplicated,
    LateReply,
    LateRequest,
    PartialReply,
    Refused,
    ReplyLost,
    RequestLost,
    Reversed,
)
from .gateway import IbGateway

READS: dict[str, Callable[[Any], Any]] = {
    "positions": lambda client: client.reqPositionsAsync(),
    "open_orders": lambda client: client.reqOpenOrdersAsync(),
    "all_open_orders": lambda client: client.reqAllOpenOrdersAsync(),
    "completed_orders": lambda client: client.reqCompletedOrdersAsync(False),
    "executions": lambda client: client.reqExecutionsAsync(),
    "current_time": lambda client: client.reqCurrentTimeAsync(),
}


@pytest.mark.parametrize("moment", READS)
async def test_a_read_may_never_be_answered(
    clients: Clients, gateway: IbGateway, moment: str
) -> None:
    client = await clients.connect()
    gateway.faults.next(moment, RequestLost())
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(READS[moment](client), SILENCE_SECONDS)
    await asyncio.wait_for(READS[moment](client), 2)


@pytest.mark.parametrize("moment", ["positions", "all_open_orders", "completed_orders"])
async def test_an_answer_may_stop_before_its_end(
    clients: Clients, gateway: IbGateway, du1: TradingAccount, moment: str
) -> None:
    du1.hold("AAPL", 1, "200")
    du1.hold("MES", 1, "6000")
    for _ in range(2):
        du1.client_order(18, "SPY", "BUY", 1)
        du1.client_order(18, "SPY", "BUY", 1, limit="490")
    client = await clients.connect()
    gateway.faults.next(moment, PartialReply(1))
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(READS[moment](client), SILENCE_SECONDS)


async def test_a_read_may_cut_the_connection(clients: Clients, gateway: IbGateway) -> None:
    client = await clients.connect()
    gateway.faults.next("executions", CutAfter())
    with pytest.raises(ConnectionError):
        await client.reqExecutionsAsync()
    assert not client.isConnected()


async def test_a_late_answer_comes_when_it_is_released(
    clients: Clients, gateway: IbGateway, du1: TradingAccount
) -> None:
    du1.hold("SPY", 1, "500")
    client = await clients.connect()
    gateway.faults.next("positions", LateReply())
    asked = asyncio.ensure_future(client.reqPositionsAsync())
    await until(lambda: gateway.faults.held == 1)
    assert not asked.done()
    gateway.faults.release()
    assert len(await asked) == 1


async def test_a_slow_handshake_outlasts_the_clients_patience(
    clients: Clients, gateway: IbGateway
) -> None:
    gateway.faults.next("handshake", LateReply(0.02))
    assert (await clients.connect(17)).isConnected()
    gateway.faults.next("handshake", LateReply())
    with pytest.raises(asyncio.TimeoutError):
        await clients.connect(18, timeout=SILENCE_SECONDS)


async def test_an_order_lost_on_the_way_never_arrives(
    clients: Clients, gateway: IbGateway, du1: TradingAccount
) -> None:
    gateway.faults.next("place", CutBefore())
    client = await clients.connect(17)
    client.placeOrder(clients.stock(), clients.market("BUY", 1))
    await until(lambda: not client.isConnected())
    assert du1.orders == []


async def test_an_order_accepted_late_appears_after_its_sender_has_gone(
    clients: Clients, gateway: IbGateway, du1: TradingAccount
) -> None:
    gateway.faults.next("place", LateRequest())
    client = await clients.connect(17)
    client.placeOrder(clients.stock(), clients.limit("BUY", 1, 490, orderRef="late"))
    await until(lambda: gateway.faults.held == 1)
    client.disconnect()
    await until(lambda: gateway.clients == [])
    fresh = await clients.connect(17)
    assert fresh.openOrders() == []
    gateway.faults.release()
    (found,) = await fresh.reqAllOpenOrdersAsync()
    assert found.order.orderRef == "late"
    assert found.order.permId == du1.order("late").perm_id


async def test_an_accept_may_go_unconfirmed_on_a_living_connection(
    clients: Clients, gateway: IbGateway, du1: TradingAccount
) -> None:
    gateway.faults.next("place", ReplyLost())
    client = await clients.connect()
    trade = client.placeOrder(clients.stock(), clients.limit("BUY", 1, 490, orderRef="silent"))
    await until(lambda: du1.orders)
    await client.reqCurrentTimeAsync()
    assert (trade.orderStatus.status, trade.order.permId) == ("PendingSubmit", 0)
    (found,) = await client.reqAllOpenOrdersAsync()
    assert found.order.permId == du1.order("silent").perm_id


async def test_a_refused_amendment_leaves_the_order_as_it_was(
    clients: Clients, gateway: IbGateway, du1: TradingAccount
) -> None:
    client = await clients.connect()
    order = clients.limit("BUY", 1, 490, orderRef="kept")
    trade = client.placeOrder(clients.stock(), order)
    await until(lambda: trade.orderStatus.status == "Submitted")
    gateway.faults.next("amend", Refused(201))
    order.lmtPrice = 495
    client.placeOrder(clients.stock(), order)
    await until(lambda: trade.orderStatus.status == "Cancelled")
    assert du1.order("kept").limit == Decimal(490)
    assert du1.order("kept").is_live
    (seen,) = await client.reqAllOpenOrdersAsync()
    assert seen.order.lmtPrice == 490


async def test_a_cancel_may_fail_while_the_order_lives(
    clients: Clients, gateway: IbGateway, du1: TradingAccount
) -> None:
    client = await clients.connect()
    order = clients.limit("BUY", 1, 490, orderRef="kept")
    trade = client.placeOrder(clients.stock(), order)
    await until(lambda: trade.orderStatus.status == "Submitted")
    gateway.faults.next("cancel", Refused(10148, "can not be cancelled, state: PendingCancel."))
    client.cancelOrder(order)
    await until(lambda: trade.orderStatus.status == "Cancelled")
    assert du1.order("kept").is_live


async def test_a_fill_may_be_told_late_or_never(
    clients: Clients, gateway: IbGateway, du1: TradingAccount
) -> None:
    gateway.faults.next("fill", LateReply())
    gateway.faults.next("fill", ReplyLost())
    client = await clients.connect()
    late = client.placeOrder(clients.stock(), clients.market("BUY", 1, orderRef="late"))
    never = client.placeOrder(clients.stock(), clients.market("BUY", 2, orderRef="never"))
    await until(lambda: du1.position("SPY") == 3)
    await client.reqCurrentTimeAsync()
    assert [late.orderStatus.status, never.orderStatus.status] == ["Submitted", "Submitted"]
    gateway.faults.release()
    await until(lambda: late.orderStatus.status == "Filled")
    await client.reqExecutionsAsync()
    # Reading the executions brings the fill, and still not the order's end.
    assert [fill.execution.shares for fill in never.fills] == [2]
    assert never.orderStatus.status == "Submitted"


@pytest.mark.parametrize("fault", [Duplicated(), Reversed()])
async def test_fill_events_may_come_twice_or_backwards(
    clients: Clients, gateway: IbGateway, fault: Duplicated | Reversed
) -> None:
    gateway.faults.next("fill", fault)
    client = await clients.connect()
    trade = client.placeOrder(clients.stock(), clients.market("BUY", 300))
    await until(lambda: trade.orderStatus.status == "Filled" and trade.fills)
    await client.reqCurrentTimeAsync()
    assert [fill.execution.shares for fill in trade.fills] == [300]
    # A commission that comes before its execution is dropped by the library.
    (fill,) = trade.fills
    assert fill.commissionReport.commission == (1.5 if fault == Duplicated() else 0.0)


async def test_a_confirmation_may_overtake_the_fill(clients: Clients, gateway: IbGateway) -> None:
    """client: Filled, then the late Submitted of the same order makes it look open again."""
    gateway.faults.next("place", LateReply())
    client = await clients.connect()
    trade = client.placeOrder(clients.stock(), clients.market("BUY", 1))
    await until(lambda: trade.orderStatus.status == "Filled")
    gateway.faults.release()
    await until(lambda: trade.orderStatus.status == "Submitted")
    assert (trade.orderStatus.remaining, len(trade.fills)) == (1, 1)
    assert await client.reqAllOpenOrdersAsync() == []


async def test_a_fault_can_wait_for_its_turn_and_for_its_client(
    clients: Clients, gateway: IbGateway
) -> None:
    gateway.faults.next("all_open_orders", Refused(1, "scripted"), after=1, client_id=18)
    other, meant = await clients.connect(17), await clients.connect(18)
    for client in (other, other, meant):
        await client.reqAllOpenOrdersAsync()
    assert 1 not in clients.codes(meant)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(meant.reqAllOpenOrdersAsync(), SILENCE_SECONDS)
    assert 1 in clients.codes(meant)
    assert gateway.faults.pending == []
