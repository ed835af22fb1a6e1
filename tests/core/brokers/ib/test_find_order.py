"""Asking for one order: found, conclusively absent, or nobody can tell."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from core.domain.errors import OutcomeUnknown
from core.domain.order import OrderStatus
from core.domain.snapshot import Absent, Found, Inconclusive, Lookup
from tests.core.brokers.ib.desk import BRIEF, Desk
from tests.venues.ib import LateRequest, PartialReply, RequestLost


async def find(desk: Desk, reference: str, *, age: timedelta = timedelta(0), **keys: Any) -> Lookup:
    broker = desk.open(**keys)
    created_at = desk.clock.now() - age
    return await broker.find_order(symbol="SPY", client_order_id=reference, created_at=created_at)


async def test_an_open_order_is_found_by_any_of_its_names(desk: Desk) -> None:
    order = desk.du1.client_order(18, "SPY", "BUY", 1, limit="490", order_ref="tu-1")
    broker = desk.open()
    perm_id = str(order.perm_id)
    for names in (
        {"client_order_id": "tu-1"},
        {"broker_order_id": perm_id},
        {"perm_id": perm_id},
        {"client_order_id": "tu-1", "broker_order_id": perm_id, "perm_id": perm_id},
    ):
        found = await broker.find_order(symbol="SPY", **names)
        assert isinstance(found, Found)
        assert (found.order.perm_id, found.order.status) == (perm_id, OrderStatus.OPEN)


@pytest.mark.parametrize(("fills", "status"), [(True, "filled"), (False, "cancelled")])
async def test_a_completed_order_is_found(desk: Desk, fills: bool, status: str) -> None:
    order = desk.du1.client_order(17, "SPY", "BUY", 2, limit="490", order_ref="tu-1")
    if fills:
        desk.du1.fill(order)
    else:
        desk.du1.end(order)
    found = await find(desk, "tu-1")
    assert isinstance(found, Found)
    assert (found.order.status, found.order.quantity) == (OrderStatus(status), 2)


async def test_an_order_of_today_that_nobody_shows_is_absent(desk: Desk) -> None:
    assert await find(desk, "tu-none", time_zone="UTC") == Absent()


async def test_an_older_order_is_not_concluded_to_be_absent(desk: Desk) -> None:
    """The gateway tells of its current day: yesterday's orders are in no listing."""
    desk.du1.client_order(17, "SPY", "BUY", 1, order_ref="tu-old")
    await desk.gateway.nightly_reset()
    answer = await find(desk, "tu-old", age=timedelta(days=1))
    assert answer == Inconclusive("the gateway tells of today, and the order is older")


async def test_an_order_without_any_name_cannot_be_asked_for(desk: Desk) -> None:
    answer = await desk.open().find_order(symbol="SPY")
    assert answer == Inconclusive("an order without any id cannot be asked for")


async def test_an_order_of_unknown_age_is_not_concluded_to_be_absent(desk: Desk) -> None:
    answer = await desk.open().find_order(symbol="SPY", client_order_id="tu-none")
    assert isinstance(answer, Inconclusive)


async def test_an_order_from_before_the_gateways_midnight_is_older(desk: Desk) -> None:
    """Ten to midnight and ten past are not one day."""
    zone = _zone_in_which_it_is_just_past_midnight(desk.clock.now())
    answer = await find(desk, "tu-none", age=timedelta(hours=2), time_zone=zone)
    assert isinstance(answer, Inconclusive)
    assert "older" in answer.why


def _zone_in_which_it_is_just_past_midnight(now: datetime) -> str:
    """Etc/GMT-3 is three hours east of Greenwich: signs are the other way round there."""
    east = (24 - now.hour) % 24
    return f"Etc/GMT-{east}" if east <= 14 else f"Etc/GMT+{24 - east}"


@pytest.mark.parametrize("moment", ["all_open_orders", "completed_orders", "executions"])
async def test_all_three_must_answer_for_an_absence(desk: Desk, moment: str) -> None:
    desk.gateway.faults.always(moment, RequestLost())
    answer = await find(desk, "tu-none", time_zone="UTC", timeout_seconds=BRIEF)
    assert isinstance(answer, Inconclusive)
    assert "no answer in 0.5 s" in answer.why


async def test_a_listing_that_broke_off_proves_no_absence(desk: Desk) -> None:
    desk.du1.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="first")
    desk.du1.client_order(17, "SPY", "BUY", 1, limit="480", order_ref="second")
    desk.gateway.faults.always("all_open_orders", PartialReply(2))
    seen = await find(desk, "first", time_zone="UTC", timeout_seconds=BRIEF)
    assert isinstance(seen, Found)
    unseen = await find(desk, "second", time_zone="UTC", timeout_seconds=BRIEF, client_id=18)
    assert isinstance(unseen, Inconclusive)
    assert "broke off" in unseen.why


async def test_executions_without_a_listing_of_their_order_are_no_absence(desk: Desk) -> None:
    """broker: it traded, and the listing does not show it yet"""
    order = desk.du1.client_order(17, "SPY", "BUY", 1, order_ref="tu-1")
    desk.gateway.broker.ledger.orders.remove(order)
    answer = await find(desk, "tu-1", time_zone="UTC")
    assert answer == Inconclusive("it has executions, but no listing shows the order")


async def test_an_order_of_the_other_account_is_not_ours(desk: Desk) -> None:
    desk.du2.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="tu-1")
    assert await find(desk, "tu-1", time_zone="UTC") == Absent()


async def test_an_id_in_another_symbol_is_inconclusive(desk: Desk) -> None:
    order = desk.du1.client_order(17, "MES", "BUY", 1, limit="5900", order_ref="tu-1")
    answer = await find(desk, "tu-1")
    assert answer == Inconclusive(f"{order.perm_id} is an order in MESZ0")


async def test_of_a_reference_used_twice_the_live_order_is_meant(desk: Desk) -> None:
    live = desk.du1.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="tu-1")
    desk.du1.client_order(17, "SPY", "BUY", 1, order_ref="tu-1")
    found = await find(desk, "tu-1")
    assert isinstance(found, Found)
    assert found.order.perm_id == str(live.perm_id)


async def test_the_brokers_id_counts_more_than_our_reference(desk: Desk) -> None:
    """broker: two orders under one reference, the first filled, the second open / asked by id"""
    filled = desk.du1.client_order(17, "SPY", "BUY", 1, order_ref="tu-1")
    desk.du1.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="tu-1")
    found = await desk.open().find_order(
        symbol="SPY", client_order_id="tu-1", broker_order_id=str(filled.perm_id)
    )
    assert isinstance(found, Found)
    assert found.order.perm_id == str(filled.perm_id)
    assert found.order.status is OrderStatus.FILLED


async def test_an_id_that_has_gone_still_leads_to_the_order_under_our_reference(
    desk: Desk,
) -> None:
    live = desk.du1.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="tu-1")
    broker = desk.open()
    found = await broker.find_order(symbol="SPY", client_order_id="tu-1", perm_id="99")
    assert isinstance(found, Found)
    assert found.order.perm_id == str(live.perm_id)


async def test_without_a_gateway_nobody_can_tell(desk: Desk) -> None:
    await desk.gateway.stop()
    answer = await find(desk, "tu-1")
    assert isinstance(answer, Inconclusive)
    assert "refused" in answer.why


async def test_a_late_accept_is_absent_first_and_found_in_the_end(desk: Desk) -> None:
    """We: unknown / broker: nothing yet / released: one order under our key"""
    desk.gateway.faults.next("place", LateRequest())
    broker = desk.open(timeout_seconds=BRIEF, time_zone="UTC")
    with pytest.raises(OutcomeUnknown, match="no answer in time"):
        await desk.place(broker, "tu-late", limit="490")
    now = desk.clock.now()
    first = await broker.find_order(symbol="SPY", client_order_id="tu-late", created_at=now)
    assert first == Absent()
    desk.gateway.faults.release()
    found = await broker.find_order(symbol="SPY", client_order_id="tu-late", created_at=now)
    assert isinstance(found, Found)
    assert len(desk.du1.orders) == 1
