"""The twelve traps of the client libraries, each sprung through the adapter."""

import asyncio
import logging
from decimal import Decimal

import pytest

from core.domain.errors import OutcomeUnknown, Rejected, Unavailable
from core.domain.order import OrderStatus
from core.domain.snapshot import Found, Known
from core.domain.snapshot import Unavailable as UnavailablePart
from tests.core.brokers.ib.desk import BRIEF, Desk
from tests.venues.ib import CutAfter, ErrorAfter, LateReply, Refused, RequestLost


async def test_trap_01_unanswered_positions_are_unavailable_and_not_flat(desk: Desk) -> None:
    """broker: SPY 100 / positions never answered / snapshot: unavailable, the rest known."""
    desk.du1.hold("SPY", 100, "498.50")
    desk.gateway.faults.always("positions", RequestLost())
    snapshot = await desk.open(timeout_seconds=BRIEF).snapshot()
    assert snapshot.parts == {
        "orders": Known(),
        "executions": Known(),
        "positions": UnavailablePart("positions: no answer in 0.5 s"),
        "balances": Known(),
    }
    assert snapshot.positions == ()


@pytest.mark.parametrize("code", [104, 161, 201, 202, 10148, 10349])
async def test_trap_02_an_error_about_a_live_order_does_not_end_it(desk: Desk, code: int) -> None:
    """broker: limit order live / an error for it / placed, listed and found: open."""
    desk.gateway.faults.next("place", ErrorAfter(code))
    broker = desk.open()
    placed = await desk.place(broker, "tu-live", limit="490")
    assert placed.status is OrderStatus.OPEN
    (listed,) = (await broker.snapshot()).orders
    assert (listed.client_order_id, listed.status) == ("tu-live", OrderStatus.OPEN)


async def test_trap_02_an_error_between_the_listing_and_its_reader_changes_nothing(
    desk: Desk,
) -> None:
    """The library marks the order cancelled after the listing came, before anybody has read it."""
    broker = desk.open()
    placed = await desk.place(broker, "tu-live", limit="490")
    listener = await desk.listen(broker)
    desk.gateway.order_error(desk.du1.order("tu-live"), 201)
    await desk.until(lambda: listener.gaps)
    assert listener.orders == []
    asked = asyncio.ensure_future(broker.find_order(symbol="SPY", perm_id=placed.perm_id))
    desk.gateway.faults.next("all_open_orders", ErrorAfter(104))
    found = await asked
    assert isinstance(found, Found)
    assert found.order.status is OrderStatus.OPEN


async def test_trap_03_questions_asked_at_once_are_all_answered(desk: Desk) -> None:
    desk.du1.client_order(18, "SPY", "BUY", 1, limit="490", order_ref="theirs")
    broker = desk.open()
    answers = await asyncio.gather(
        broker.snapshot(),
        broker.find_order(symbol="SPY", client_order_id="theirs"),
        broker.snapshot(),
        broker.find_order(symbol="SPY", client_order_id="theirs"),
    )
    assert [len(each.orders) for each in (answers[0], answers[2])] == [1, 1]
    assert all(isinstance(each, Found) for each in (answers[1], answers[3]))


async def test_trap_04_executions_read_twice_keep_their_commission(desk: Desk) -> None:
    broker = desk.open()
    await desk.place(broker, "tu-1", quantity="300")
    for _ in range(2):
        (execution,) = (await broker.snapshot()).executions
        assert (execution.fee, execution.fee_currency) == (Decimal("1.5"), "USD")


async def test_trap_05_a_completed_order_tells_what_it_filled(desk: Desk) -> None:
    """broker: bought 10, completed / snapshot: 10 of 10 filled, under its permId."""
    done = desk.du1.client_order(17, "SPY", "BUY", 10, order_ref="done")
    (order,) = (await desk.open().snapshot()).orders
    assert (order.broker_order_id, order.perm_id) == (str(done.perm_id), str(done.perm_id))
    assert (order.quantity, order.filled_quantity) == (10, 10)
    assert order.status is OrderStatus.FILLED


async def test_trap_06_nothing_is_remembered_across_a_reconnect(desk: Desk) -> None:
    """We: disconnected / broker: the order ends / snapshot: the order is not open any more."""
    broker = desk.open(retry=3)
    placed = await desk.place(broker, "tu-ends", limit="490")
    desk.gateway.drop_clients(hard=True)
    desk.du1.end(desk.du1.order("tu-ends"))
    assert (await broker.snapshot()).orders == ()
    found = await broker.find_order(symbol="SPY", perm_id=placed.perm_id)
    assert isinstance(found, Found)
    assert found.order.status is OrderStatus.CANCELLED


async def test_trap_07_cut_after_accept_is_unknown_and_then_found_by_key(desk: Desk) -> None:
    broker = desk.open(retry=3)
    desk.gateway.faults.next("place", CutAfter())
    with pytest.raises(OutcomeUnknown, match=r"cut|closed"):
        await desk.place(broker, "tu-lost", limit="490")
    found = await broker.find_order(symbol="SPY", client_order_id="tu-lost")
    assert isinstance(found, Found)
    assert found.order.perm_id == str(desk.du1.order("tu-lost").perm_id)
    assert len(desk.du1.orders) == 1


async def test_trap_07_cut_after_accept_and_filled_meanwhile(desk: Desk) -> None:
    broker = desk.open(retry=3)
    desk.gateway.faults.next("place", CutAfter())
    with pytest.raises(OutcomeUnknown):
        await desk.place(broker, "tu-lost")
    found = await broker.find_order(symbol="SPY", client_order_id="tu-lost")
    assert isinstance(found, Found)
    assert (found.order.status, found.order.filled_quantity) == (OrderStatus.FILLED, 1)
    assert desk.du1.position("SPY") == 1


async def test_trap_08_a_client_id_in_use_is_told_as_such(desk: Desk) -> None:
    await desk.connected(desk.open())
    told = r"client id 17 is in use at 127\.0\.0\.1:\d+ \(326: .*client id is already in use"
    with pytest.raises(Unavailable, match=told) as raised:
        await desk.open().snapshot()
    assert raised.value.hint is not None
    assert "give ACCOUNTS.ib1 a client_id of its own" in raised.value.hint
    assert desk.gateway.clients == [17]


@pytest.mark.parametrize("data_lost", [True, False])
async def test_trap_09_cut_off_from_ib_looks_connected(desk: Desk, data_lost: bool) -> None:
    """gateway: loses IB, an order fills unheard, IB is back / we: unavailable, then the truth."""
    broker = desk.open()
    await desk.place(broker, "tu-unseen", limit="490")
    listener = await desk.listen(broker)
    desk.gateway.lose_connectivity()
    await desk.until(lambda: listener.gaps)
    during = await broker.snapshot()
    assert not any(during.knows(part) for part in during.parts)
    desk.du1.fill(desk.du1.order("tu-unseen"))
    desk.gateway.restore_connectivity(data_lost=data_lost)
    await desk.until(lambda: len(listener.gaps) == 2)
    lost, back = listener.gaps
    assert lost.why.startswith("1100")
    assert back.why.startswith("1101" if data_lost else "1102")
    assert back.since == lost.since
    after = await broker.snapshot()
    assert [order.status for order in after.orders] == [OrderStatus.FILLED]
    assert [each.quantity for each in after.positions] == [1]


async def test_trap_10_an_unsolicited_completed_order_does_no_harm(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """library: a KeyError in its log / we: as before."""
    done = desk.du1.client_order(17, "SPY", "BUY", 1)
    broker = desk.open()
    await desk.connected(broker)
    with caplog.at_level(logging.ERROR):
        desk.gateway.announce_completed(done)
        await desk.until(lambda: any(record.exc_info for record in caplog.records))
    snapshot = await broker.snapshot()
    assert snapshot.complete
    assert [order.perm_id for order in snapshot.orders] == [str(done.perm_id)]


async def test_trap_11_a_rejection_is_told_as_one_and_not_as_a_cancellation(desk: Desk) -> None:
    """broker: 201 no margin, listed as cancelled / place: Rejected / asked again: rejected."""
    broker = desk.open()
    desk.gateway.faults.next("place", Refused(201, "Order rejected - reason: no margin"))
    with pytest.raises(Rejected, match="201: Order rejected - reason: no margin") as raised:
        await desk.place(broker, "tu-refused")
    assert raised.value.code == "201"
    found = await broker.find_order(symbol="SPY", client_order_id="tu-refused")
    assert isinstance(found, Found)
    assert found.order.status is OrderStatus.REJECTED
    assert (await broker.snapshot()).orders == ()


async def test_trap_12_a_failed_request_is_not_an_empty_answer(desk: Desk) -> None:
    """No such contract is an answer; a contract that could not be looked up is not."""
    broker = desk.open()
    assert await broker.instrument("NOSUCH") is None
    desk.gateway.faults.next("contract_details", Refused(321, "Error validating request"))
    with pytest.raises(Unavailable, match="321"):
        await broker.instrument("SPY")
    assert await broker.instrument("SPY") is not None


async def test_a_late_confirmation_does_not_reopen_a_filled_order(desk: Desk) -> None:
    """broker: filled, and the overtaken Submitted arrives after it / told in the end: filled."""
    broker = desk.open()
    await broker.instrument("SPY")
    listener = await desk.listen(broker)
    desk.gateway.faults.next("place", LateReply())
    placed = await desk.place(broker, "tu-1")
    assert placed.status is OrderStatus.FILLED
    desk.gateway.faults.release()
    await desk.until(lambda: len(listener.orders) == 2)
    assert [order.status for order in listener.orders] == [OrderStatus.FILLED] * 2
