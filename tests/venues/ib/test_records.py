"""What orders leave behind, and whose they are: executions, completed orders, owners."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from .account import TradingAccount
from .clients import Clients, until
from .gateway import IbGateway

# -- what is left behind


async def test_executions_of_every_client_with_their_commissions(
    clients: Clients, du1: TradingAccount, du2: TradingAccount
) -> None:
    du1.client_order(17, "SPY", "BUY", 10, order_ref="one")
    du2.client_order(18, "SPY", "SELL", 300, order_ref="two")
    by_hand = du1.manual_order("SPY", "BUY", 1)
    client = await clients.connect(19)
    fills = {fill.execution.permId: fill for fill in client.fills()}
    one = fills[du1.order("one").perm_id]
    two = fills[du2.order("two").perm_id]
    assert (one.execution.side, one.commissionReport.commission) == ("BOT", 1.0)
    assert (two.execution.side, two.commissionReport.commission) == ("SLD", 1.5)
    assert two.execution.acctNumber == "DU2"
    assert fills[by_hand.perm_id].execution.orderId == 0
    only_du2 = clients.library.ExecutionFilter(acctCode="DU2")
    assert [f.execution.orderRef for f in await client.reqExecutionsAsync(only_du2)] == ["two"]


async def test_a_filter_by_time_leaves_earlier_executions_out(
    clients: Clients, gateway: IbGateway, du1: TradingAccount
) -> None:
    du1.client_order(17, "SPY", "BUY", 1, order_ref="early")
    gateway.skew = timedelta(hours=2)
    du1.client_order(17, "SPY", "BUY", 1, order_ref="late")
    since = datetime.now(UTC) + timedelta(hours=1)
    client = await clients.connect()
    for text in (f"{since:%Y%m%d-%H:%M:%S}", f"{since:%Y%m%d %H:%M:%S} UTC"):
        fills = await client.reqExecutionsAsync(clients.library.ExecutionFilter(time=text))
        assert [fill.execution.orderRef for fill in fills] == ["late"]


async def test_a_correction_differs_only_after_the_last_dot(
    clients: Clients, du1: TradingAccount
) -> None:
    client = await clients.connect()
    trade = client.placeOrder(clients.stock(), clients.market("BUY", 10, orderRef="fixed"))
    await until(lambda: trade.fills)
    first = trade.fills[0].execution.execId
    du1.correct(first, price="500.01")
    await until(lambda: len(trade.fills) == 2)
    second = trade.fills[1].execution
    assert second.execId == first[: first.rindex(".")] + ".02"
    assert (second.shares, second.price) == (10, 500.01)
    assert du1.position("SPY") == 10
    assert du1.order("fixed").average_price == Decimal("500.01")
    fresh = await clients.connect(18)
    assert [fill.execution.execId for fill in fresh.fills()] == [first, second.execId]


async def test_completed_orders_of_every_client(clients: Clients, du1: TradingAccount) -> None:
    du1.client_order(17, "SPY", "BUY", 10, order_ref="done")
    part = du1.client_order(18, "SPY", "BUY", 10, limit="490", order_ref="part")
    du1.fill(part, 4)
    du1.end(part)
    du1.manual_order("SPY", "SELL", 1)
    client = await clients.connect(19)
    completed = await client.reqCompletedOrdersAsync(False)
    rows = [
        (each.order.orderRef, each.orderStatus.status, each.order.filledQuantity)
        for each in completed
    ]
    assert rows == [("done", "Filled", 10), ("part", "Cancelled", 4), ("", "Filled", 1)]
    api_only = await client.reqCompletedOrdersAsync(True)
    assert [each.order.orderRef for each in api_only] == ["done", "part"]


# -- whose order it is


async def test_only_the_owning_client_can_cancel(clients: Clients, du1: TradingAccount) -> None:
    standing = du1.client_order(17, "SPY", "BUY", 1, limit="490")
    stranger = await clients.connect(18)
    (trade,) = await stranger.reqAllOpenOrdersAsync()
    stranger.cancelOrder(trade.order)
    await until(lambda: 10147 in clients.codes(stranger))
    assert standing.is_live
    owner = await clients.connect(17)
    owner.cancelOrder(owner.openOrders()[0])
    await until(lambda: not standing.is_live)


async def test_client_0_binds_manual_orders_and_may_cancel_them(
    clients: Clients, du1: TradingAccount
) -> None:
    before = du1.manual_order("SPY", "BUY", 1, limit="490")
    client = await clients.connect(0)
    after = du1.manual_order("SPY", "BUY", 2, limit="480")
    await until(lambda: len(client.openTrades()) == 2)
    assert [before.order_id, after.order_id] == [-1, -2]
    client.cancelOrder(client.openOrders()[1])
    await until(lambda: not after.is_live)
    assert before.is_live


async def test_cancelling_what_has_ended_says_in_which_state_it_is(
    clients: Clients, du1: TradingAccount
) -> None:
    client = await clients.connect()
    trade = client.placeOrder(clients.stock(), clients.market("BUY", 1))
    await until(lambda: trade.orderStatus.status == "Filled")
    client.client.cancelOrder(trade.order.orderId)
    await until(lambda: 10148 in clients.codes(client))
    assert du1.position("SPY") == 1
