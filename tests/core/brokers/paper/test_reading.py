"""What the venue says of an account, and where it stops answering."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from core.domain.errors import Unavailable as NoAnswer
from core.domain.moment import moment_text
from core.domain.snapshot import Absent, Found, Inconclusive, Known, Partial, Unavailable
from tests.core.brokers.paper.venue import NOON, PaperVenue

HOUR = timedelta(hours=1)


async def asks(venue: PaperVenue, created_at: datetime | None = NOON, **names: Any) -> Any:
    names = names or {"client_order_id": "tu-none"}
    return await venue.broker.find_order(symbol="BTCUSDT", created_at=created_at, **names)


# --- one order ------------------------------------------------------------------------------------


async def test_an_order_is_found_by_any_of_its_names_in_any_status(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1)
    venue.edit(lambda content: content["orders"][0].update(perm_id="1234567890123456789"))
    for names in (
        {"client_order_id": "tu-1"},
        {"broker_order_id": "V-1"},
        {"perm_id": "1234567890123456789"},
        {"client_order_id": "tu-1", "broker_order_id": "V-1", "perm_id": None},
        {"client_order_id": None, "broker_order_id": "V-1"},
    ):
        found = await asks(venue, **names)
        assert isinstance(found, Found)
        assert found.order.perm_id == "1234567890123456789"


async def test_asking_without_a_name_is_no_question(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1)
    venue.edit(lambda content: content["orders"][0].update(client_order_id=None))
    found = await asks(venue, client_order_id=None, broker_order_id=None)
    assert isinstance(found, Inconclusive)


async def test_names_of_two_orders_find_neither(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1)
    await venue.place("tu-2", "buy", 1)
    found = await asks(venue, client_order_id="tu-1", broker_order_id="V-2")
    assert isinstance(found, Inconclusive)


async def test_an_order_in_another_symbol_is_no_answer(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1)
    found = await venue.broker.find_order(symbol="ETHUSDT", client_order_id="tu-1")
    assert isinstance(found, Inconclusive)


async def test_of_a_replaced_order_the_live_row_is_found(venue: PaperVenue) -> None:
    venue.desk.simulate(deduplicates=False)
    for price in (95, 96):
        await venue.place("tu-1", "buy", 1, "limit", price=price)
    venue.desk.cancel("V-2")
    found = await asks(venue, client_order_id="tu-1")
    assert isinstance(found, Found)
    assert found.order.broker_order_id == "V-1"


@pytest.mark.parametrize("field", ["orders_since", "executions_since"])
async def test_orders_older_than_what_the_file_tells_are_never_absent(
    venue: PaperVenue, field: str
) -> None:
    venue.edit(lambda content: content.update({field: moment_text(NOON - HOUR)}))
    assert await asks(venue, NOON - HOUR) == Absent()
    for created_at in (NOON - 2 * HOUR, None):
        assert isinstance(await asks(venue, created_at), Inconclusive)


@pytest.mark.parametrize("state", [{"partial": "page limit"}, {"unavailable": "HTTP 500"}])
async def test_an_unknown_listing_proves_presence_and_never_absence(
    venue: PaperVenue, state: dict[str, str]
) -> None:
    await venue.place("tu-1", "buy", 1)
    venue.edit(lambda content: content["parts"].update(orders=state))
    assert isinstance(await asks(venue, client_order_id="tu-1"), Found)
    assert isinstance(await asks(venue), Inconclusive)


# --- all of it ------------------------------------------------------------------------------------


async def test_executions_begin_where_asked_and_say_so(venue: PaperVenue) -> None:
    for key in ("tu-1", "tu-2"):
        await venue.place(key, "buy", 1)
        await venue.clock.sleep(3600)
    snapshot = await venue.broker.snapshot(since=NOON + HOUR / 2)
    assert snapshot.executions_since == NOON + HOUR / 2
    assert [row.client_order_id for row in snapshot.executions] == ["tu-2"]
    assert len(snapshot.orders) == 2
    venue.edit(lambda content: content.update(executions_since=moment_text(NOON + 3 * HOUR)))
    snapshot = await venue.broker.snapshot(since=NOON)
    assert (snapshot.executions_since, snapshot.executions) == (NOON + 3 * HOUR, ())


async def test_a_part_that_the_file_calls_unavailable_has_no_rows(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1)
    venue.desk.tell("positions", Unavailable("HTTP 500"))
    venue.desk.tell("orders", Partial("page limit"))
    snapshot = await venue.broker.snapshot()
    assert snapshot.parts["positions"] == Unavailable("HTTP 500")
    assert snapshot.positions == ()
    assert snapshot.parts["orders"] == Partial("page limit")
    assert len(snapshot.orders) == 1
    venue.desk.tell("positions", Known())
    assert (await venue.broker.snapshot()).positions != ()


async def test_balances_that_the_file_calls_unavailable_are_not_told(venue: PaperVenue) -> None:
    venue.desk.tell("balances", Unavailable("HTTP 500"))
    with pytest.raises(NoAnswer, match="HTTP 500"):
        await venue.broker.balances()


async def test_the_account_mode_tells_the_leverage_of_what_is_held(venue: PaperVenue) -> None:
    venue.desk.simulate(leverage={"BTCUSDT": "10", "ETHUSDT": 3})
    await venue.place("tu-1", "buy", 1)
    venue.edit(lambda content: content["positions"][0].update(leverage="7"))
    mode = await venue.broker.account_mode()
    assert (mode.position_mode, mode.leverage) == ("one-way", {"BTCUSDT": 7, "ETHUSDT": 3})


async def test_the_venue_lives_by_its_own_clock(venue: PaperVenue) -> None:
    venue.desk.simulate(clock_skew_seconds=-90)
    order = await venue.place("tu-1", "buy", 1)
    assert order.created_at == NOON - timedelta(seconds=90)
    assert (await venue.broker.snapshot()).taken_at == NOON - timedelta(seconds=90)
