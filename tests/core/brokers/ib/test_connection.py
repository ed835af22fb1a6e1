"""The line to the gateway: made, lost, made again, and never trusted after a silence."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from core.brokers.ib.address import Address
from core.brokers.ib.connection import Connection
from core.config.settings import Account
from core.domain.errors import NotSent, Unavailable
from core.domain.order import OrderStatus
from core.domain.snapshot import Found
from tests.core.brokers.ib.desk import BRIEF, Desk, receipt
from tests.venues.ib import CutAfter, LateReply, ReplyLost, RequestLost
from tests.venues.ib.requests import AllOpenOrders, CompletedOrders, PlaceOrder, Positions

# -- making it


async def test_a_refused_connection_is_tried_as_often_as_configured(desk: Desk) -> None:
    await desk.gateway.stop()
    with pytest.raises(Unavailable, match="connection refused") as raised:
        await desk.open(retry=4, retry_cap_seconds=Decimal(3)).snapshot()
    assert desk.clock.pauses == [1, 2, 3]
    assert raised.value.hint is not None


async def test_a_gateway_that_does_not_answer_is_given_up(desk: Desk) -> None:
    desk.gateway.faults.always("handshake", ReplyLost())
    with pytest.raises(Unavailable, match=r"no answer in 0\.5 s"):
        await desk.open(timeout_seconds=BRIEF).snapshot()


async def test_a_gateway_that_hangs_up_says_so_at_once(desk: Desk) -> None:
    desk.gateway.faults.always("start_api", CutAfter())
    with pytest.raises(Unavailable, match=r"cut|closed"):
        await desk.open().snapshot()


async def test_nothing_is_connected_before_it_is_needed(desk: Desk) -> None:
    broker = desk.open()
    assert broker.account == "ib1"
    assert not broker.capabilities.deduplicates
    assert broker.capabilities.finds_by_key
    assert (await broker.account_mode()).position_mode == "one-way"
    await broker.close()
    assert desk.gateway.asked == []


async def test_the_account_is_chosen_when_there_are_several(desk: Desk) -> None:
    with pytest.raises(Unavailable, match="manages DU1, DU2, and none of them is chosen") as raised:
        await desk.open(managed_account="auto").snapshot()
    assert raised.value.hint == "set ACCOUNTS.ib1.managed_account to one of them"


async def test_an_account_that_the_login_does_not_have_is_not_tried_again(desk: Desk) -> None:
    with pytest.raises(Unavailable, match="manages DU1, DU2, but not DU9"):
        await desk.open(managed_account="DU9", retry=5).snapshot()
    assert desk.clock.pauses == []
    with pytest.raises(NotSent, match="DU9"):
        await desk.place(desk.open(managed_account="DU9", client_id=18), "tu-1")


async def test_the_only_account_needs_no_naming(desk: Desk) -> None:
    desk.gateway.broker.ledger.holdings.pop("DU2")
    desk.du1.hold("SPY", 1, "500")
    snapshot = await desk.open(managed_account="auto").snapshot()
    assert [position.symbol for position in snapshot.positions] == ["SPY"]


async def test_reading_places_nothing_and_binds_nothing(desk: Desk) -> None:
    """Client id 0 could take orders entered by hand for its own; we never ask for that."""
    by_hand = desk.du1.manual_order("SPY", "BUY", 1, limit="490")
    await desk.open(client_id=0).snapshot()
    assert by_hand.order_id == 0
    assert [order.perm_id for order in desk.du1.orders] == [by_hand.perm_id]


def test_requests_are_limited_as_configured(desk: Desk) -> None:
    """By the library, which holds back what is too much for a second."""
    address = Address.of("ib1", Account(broker="ib", rate_limit=7))
    connection = Connection(address, desk.clock, lambda happening: None)
    assert connection.ib.client.MaxRequests == 7


# -- losing it


async def test_after_a_reconnect_the_account_is_read_before_anything_is_written(
    desk: Desk,
) -> None:
    broker = desk.open(retry=3)
    await desk.place(broker, "tu-1", limit="490")
    desk.gateway.drop_clients(hard=True)
    desk.gateway.asked.clear()
    await desk.place(broker, "tu-2", limit="489")
    kinds = [type(request) for _, request in desk.gateway.asked]
    for listing in (AllOpenOrders, CompletedOrders, Positions):
        assert kinds.index(listing) < kinds.index(PlaceOrder)


@pytest.mark.parametrize("data_lost", [True, False])
async def test_after_1101_and_1102_too(desk: Desk, data_lost: bool) -> None:
    broker = desk.open()
    await broker.instrument("SPY")
    listener = await desk.listen(broker)
    desk.gateway.lose_connectivity()
    desk.gateway.restore_connectivity(data_lost=data_lost)
    await desk.until(lambda: len(listener.gaps) == 2)
    desk.gateway.asked.clear()
    await desk.place(broker, "tu-1", limit="490")
    kinds = [type(request) for _, request in desk.gateway.asked]
    for listing in (AllOpenOrders, CompletedOrders, Positions):
        assert kinds.index(listing) < kinds.index(PlaceOrder)


async def test_when_it_cannot_be_read_after_a_reconnect_nothing_is_written(desk: Desk) -> None:
    broker = desk.open(timeout_seconds=BRIEF, retry=2)
    order = await desk.place(broker, "tu-1", limit="490")
    desk.gateway.drop_clients(hard=True)
    await desk.gone()
    desk.gateway.faults.always("positions", RequestLost())
    with pytest.raises(NotSent, match="after a lost connection: positions"):
        await broker.cancel(receipt("tu-2"), order)
    desk.gateway.faults.clear()
    gone = await broker.cancel(receipt("tu-2"), order)
    assert gone.status is OrderStatus.CANCELLED


async def test_a_late_answer_is_not_taken_for_the_next_one(desk: Desk) -> None:
    """positions: asked, silent; SPY 5 is sold; asked again; the first answer comes / told: flat"""
    desk.du1.hold("SPY", 5, "500")
    desk.gateway.faults.next("positions", LateReply())
    broker = desk.open(timeout_seconds=BRIEF)
    first = await broker.snapshot()
    assert not first.knows("positions")
    desk.du1.hold("SPY", 0, "500")
    asking = asyncio.ensure_future(broker.snapshot())
    desk.gateway.faults.release()
    second = await asking
    assert second.knows("positions")
    assert second.positions == ()


async def test_our_own_dying_connection_is_waited_for(desk: Desk) -> None:
    """gateway: still holds our client id for a while / we: wait, and connect"""
    broker = desk.open(timeout_seconds=BRIEF, retry=3)
    await desk.connected(broker)
    desk.gateway.faults.next("positions", RequestLost())
    snapshot = await broker.snapshot()
    assert snapshot.complete


async def test_a_cut_in_the_middle_of_a_snapshot_is_overcome(desk: Desk) -> None:
    desk.gateway.faults.next("executions", CutAfter())
    desk.du1.client_order(17, "SPY", "BUY", 1)
    snapshot = await desk.open(retry=3).snapshot()
    assert snapshot.complete
    assert len(snapshot.executions) == 1


async def test_order_ids_handed_out_again_confuse_nobody(desk: Desk) -> None:
    """gateway: restarted, gives a new order the id of an old one / each is told by its permId"""
    desk.du1.quote("AAPL", "220", "220.05")
    old = desk.du1.client_order(17, "AAPL", "BUY", 1, order_ref="tu-old")
    broker = desk.open(retry=3)
    await broker.snapshot()
    await desk.gateway.restart()
    new = desk.du1.client_order(17, "SPY", "SELL", 2, limit="510", order_ref="tu-new")
    assert (new.client_id, new.order_id) == (old.client_id, old.order_id)
    orders = {order.broker_order_id: order for order in (await broker.snapshot()).orders}
    assert orders[str(old.perm_id)].symbol == "AAPL"
    assert orders[str(old.perm_id)].status is OrderStatus.FILLED
    assert orders[str(new.perm_id)].symbol == "SPY"
    gone = await broker.cancel(receipt("tu-1"), orders[str(new.perm_id)])
    assert (gone.client_order_id, gone.status) == ("tu-new", OrderStatus.CANCELLED)


async def test_a_new_day_begins_with_the_nightly_reset(desk: Desk) -> None:
    desk.du1.client_order(17, "SPY", "BUY", 1)
    desk.du1.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="stays")
    broker = desk.open(retry=3)
    assert len((await broker.snapshot()).executions) == 1
    await desk.gateway.nightly_reset()
    snapshot = await broker.snapshot()
    assert snapshot.executions == ()
    assert [order.client_order_id for order in snapshot.orders] == ["stays"]
    assert [position.quantity for position in snapshot.positions] == [1]


# -- ending it


async def test_closing_frees_the_client_id_and_ends_the_line(desk: Desk) -> None:
    broker = desk.open()
    await broker.snapshot()
    await broker.close()
    await desk.gone()
    with pytest.raises(Unavailable, match="closed"):
        await broker.snapshot()
    assert (await desk.open().snapshot()).complete


async def test_a_question_in_flight_ends_with_the_line(desk: Desk) -> None:
    desk.gateway.faults.next("all_open_orders", RequestLost())
    broker = desk.open()
    asking = asyncio.ensure_future(broker.find_order(symbol="SPY", perm_id="1"))
    await desk.until(
        lambda: any(isinstance(asked, AllOpenOrders) for _, asked in desk.gateway.asked)
    )
    await broker.close()
    assert not isinstance(await asking, Found)


# -- small questions


async def test_the_quote_of_a_stock_and_of_a_future(desk: Desk) -> None:
    desk.du1.quote("SPY", "500.00", "500.02", last="500.01")
    broker = desk.open()
    stock, future = await broker.quote("SPY"), await broker.quote("MESZ0")
    assert (stock.bid, stock.ask, stock.last) == (500, Decimal("500.02"), Decimal("500.01"))
    assert (future.bid, future.ask, future.last) == (6000, Decimal("6000.25"), None)
    assert stock.at is not None


async def test_an_old_quote_is_not_told_again(desk: Desk) -> None:
    """quoted once, then the gateway is silent / told: nothing, and not the old price"""
    broker = desk.open(timeout_seconds=BRIEF)
    assert (await broker.quote("SPY")).bid == 500
    desk.gateway.faults.next("market_prices", RequestLost())
    with pytest.raises(Unavailable, match="no answer"):
        await broker.quote("SPY")
    desk.du1.quote("SPY", "510.00", "510.02")
    assert (await broker.quote("SPY")).bid == 510


@pytest.mark.parametrize(("symbol", "why"), [("AAPL", "nobody quotes"), ("NOSUCH", "no one")])
async def test_without_a_quote_nothing_is_invented(desk: Desk, symbol: str, why: str) -> None:
    with pytest.raises(Unavailable, match=why):
        await desk.open().quote(symbol)


async def test_without_a_subscription_the_gateways_reason_is_told(desk: Desk) -> None:
    desk.gateway.broker.ledger.market.live_subscription = False
    with pytest.raises(Unavailable, match="354: Requested market data is not subscribed"):
        await desk.open().quote("SPY")


async def test_the_clock_skew_is_zero_within_what_a_second_can_tell(desk: Desk) -> None:
    broker = desk.open()
    assert (await broker.clock_skew()).total_seconds() == 0
    desk.clock.ahead = -timedelta(hours=1)
    ahead = (await broker.clock_skew()).total_seconds()
    assert 3598 < ahead <= 3601


async def test_balances_that_were_not_told_are_unavailable(desk: Desk) -> None:
    desk.gateway.faults.always("account_updates", RequestLost())
    with pytest.raises(Unavailable, match="account values: no answer"):
        await desk.open(timeout_seconds=BRIEF).balances()
