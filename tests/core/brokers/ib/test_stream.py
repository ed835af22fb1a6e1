"""What is told while we listen, and that every hole in it is told as one."""

from decimal import Decimal

import pytest

from core.domain.order import OrderStatus
from tests.core.brokers.ib.desk import Desk, Listener, receipt
from tests.venues.ib import CutAfter, Duplicated, ReplyLost


async def test_an_order_its_fill_and_its_fee_are_told(desk: Desk) -> None:
    broker = desk.open()
    listener = await desk.listen(broker)
    order = await desk.place(broker, "tu-1", quantity="10", limit="490")
    desk.du1.fill(desk.du1.order("tu-1"), 4)
    desk.du1.fill(desk.du1.order("tu-1"))
    await desk.until(lambda: len(listener.executions) == 4)
    statuses = [told.status for told in listener.orders]
    assert statuses[-1] is OrderStatus.FILLED
    assert {told.broker_order_id for told in listener.orders} == {order.broker_order_id}
    fees = [(told.quantity, told.fee) for told in listener.executions]
    assert fees[-1] == (6, 1)
    assert {told.broker_order_id for told in listener.executions} == {order.broker_order_id}
    assert listener.gaps == []


async def test_orders_of_an_earlier_connection_are_told_too(desk: Desk) -> None:
    """The library drops what it hears about orders it has not read."""
    order = desk.du1.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="tu-old")
    listener = await desk.listen(desk.open())
    desk.du1.fill(order)
    await desk.until(lambda: listener.executions)
    assert listener.executions[0].client_order_id == "tu-old"


async def test_a_correction_is_told_as_an_execution_of_its_own(desk: Desk) -> None:
    broker = desk.open()
    listener = await desk.listen(broker)
    await desk.place(broker, "tu-1")
    await desk.until(lambda: listener.executions)
    desk.du1.correct(listener.executions[0].execution_id, price="499")
    await desk.until(lambda: listener.executions[-1].price == 499)
    assert listener.executions[-1].execution_id.endswith(".02")


async def test_the_other_account_is_not_told(desk: Desk) -> None:
    theirs = desk.du2.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="two")
    ours = desk.du1.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="one")
    listener = await desk.listen(desk.open())
    desk.du2.fill(theirs)
    desk.du1.fill(ours)
    await desk.until(lambda: listener.executions)
    assert {told.client_order_id for told in listener.executions} == {"one"}
    assert {told.client_order_id for told in listener.orders} == {"one"}


@pytest.mark.parametrize("hard", [True, False])
async def test_a_lost_connection_is_a_gap_and_so_is_its_return(desk: Desk, hard: bool) -> None:
    """connected / dropped, filled meanwhile / connected again: two gaps, and the snapshot knows"""
    broker = desk.open()
    listener = await desk.listen(broker)
    await desk.place(broker, "tu-1", limit="490")
    before = desk.clock.now()
    desk.gateway.drop_clients(hard=hard)
    desk.du1.fill(desk.du1.order("tu-1"))
    await desk.until(lambda: len(listener.gaps) == 2)
    lost, back = listener.gaps
    assert back.why == "connected again"
    assert lost.since == back.since
    assert lost.since <= before
    (order,) = (await broker.snapshot()).orders
    assert order.status is OrderStatus.FILLED


async def test_what_happens_after_the_return_is_told(desk: Desk) -> None:
    broker = desk.open(retry=3)
    listener = await desk.listen(broker)
    await desk.place(broker, "tu-1", limit="490")
    desk.gateway.drop_clients(hard=True)
    await desk.until(lambda: len(listener.gaps) == 2)
    desk.du1.fill(desk.du1.order("tu-1"))
    await desk.until(lambda: listener.executions)
    assert listener.executions[0].client_order_id == "tu-1"


async def test_a_gateway_that_stays_away_is_waited_for(desk: Desk) -> None:
    listener = await desk.listen(desk.open())
    await desk.gateway.stop()
    await desk.until(lambda: len(desk.clock.pauses) >= 7)
    assert desk.clock.pauses[:7] == [1, 2, 4, 8, 16, 30, 30]
    assert len(listener.gaps) == 1
    await desk.gateway.start()
    await desk.until(lambda: len(listener.gaps) == 2)


async def test_a_gateway_that_is_away_at_first_is_a_gap(desk: Desk) -> None:
    await desk.gateway.stop()
    listener = Listener(desk.open())
    await desk.until(lambda: len(desk.clock.pauses) >= 2)
    await desk.gateway.start()
    await desk.until(lambda: listener.gaps)
    assert listener.gaps[0].why == "the gateway could not be reached at first"
    await listener.stop()


async def test_an_error_about_a_live_order_is_a_gap_and_a_warning_is_not(desk: Desk) -> None:
    broker = desk.open()
    listener = await desk.listen(broker)
    await desk.place(broker, "tu-1", limit="490")
    order = desk.du1.order("tu-1")
    desk.gateway.order_error(order, 399)
    desk.gateway.order_error(order, 2109)
    desk.gateway.order_error(order, 10148)
    await desk.until(lambda: listener.gaps)
    assert [gap.why[:5] for gap in listener.gaps] == ["10148"]
    assert all(told.status is OrderStatus.OPEN for told in listener.orders)


async def test_a_cancel_is_told_without_a_gap(desk: Desk) -> None:
    """Its error 202 comes after the status that says the same."""
    broker = desk.open()
    listener = await desk.listen(broker)
    order = await desk.place(broker, "tu-1", limit="490")
    await broker.cancel(receipt("tu-2"), order)
    await desk.until(lambda: listener.orders[-1].status is OrderStatus.CANCELLED)
    await desk.connected(broker)
    assert listener.gaps == []


async def test_events_told_twice_or_never_converge_to_the_snapshot(desk: Desk) -> None:
    broker = desk.open()
    listener = await desk.listen(broker)
    desk.gateway.faults.next("fill", Duplicated())
    desk.gateway.faults.next("fill", ReplyLost())
    await desk.place(broker, "tu-twice")
    await desk.place(broker, "tu-never", quantity="2")
    snapshot = await broker.snapshot()
    assert [order.status for order in snapshot.orders] == [OrderStatus.FILLED] * 2
    assert [each.quantity for each in snapshot.executions] == [1, 2]
    assert [each.quantity for each in snapshot.positions] == [Decimal(3)]
    assert {told.client_order_id for told in listener.executions} <= {"tu-twice", "tu-never"}


async def test_a_fill_that_cuts_the_line_is_a_gap(desk: Desk) -> None:
    broker = desk.open()
    listener = await desk.listen(broker)
    await desk.place(broker, "tu-1", limit="490")
    desk.gateway.faults.next("fill", CutAfter())
    desk.du1.fill(desk.du1.order("tu-1"))
    await desk.until(lambda: len(listener.gaps) == 2)


async def test_closing_ends_the_stream_without_a_gap(desk: Desk) -> None:
    broker = desk.open()
    listener = await desk.listen(broker)
    await broker.close()
    await desk.until(lambda: listener.ended)
    assert listener.gaps == []
