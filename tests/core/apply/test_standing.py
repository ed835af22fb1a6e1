"""What the standing door refuses to begin, because it is not so any more; nothing is sent then."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from core.apply.standing import StandingDoor
from core.domain.errors import Blocked, Stale
from core.domain.order import BookOrder, at_broker
from core.operate.standing_round import standing_door
from core.plan.change import AnyChange, CancelOrphanStop, ResizeStop, Risk
from tests.core.apply.living_world import BUY, NoCopies, World
from tests.home import HomeUnderTest


@pytest.fixture
def world(home: HomeUnderTest) -> World:
    """One bought at 100 by hand, and its stop at 92."""
    world = World(home)
    world.price(100)
    world.trade(BUY, 1)
    world.guard(92)
    world.look()
    return world


def stop_of(world: World) -> BookOrder:
    with world.desk.book.read() as book:
        (row,) = book.orders("main", live=True)
    return row


def door_of(world: World) -> StandingDoor:
    return standing_door(world.desk, {"main": world.watch}, world.hold, NoCopies())


def cancel(stop: BookOrder) -> CancelOrphanStop:
    return CancelOrphanStop(
        account="main",
        symbol=stop.symbol,
        target=stop.broker_order_id or "",
        reason="orphan_stop",
        because="Nothing is left of it.",
        risk=Risk.LOW,
        before=at_broker(stop),
    )


def resize(stop: BookOrder) -> ResizeStop:
    before = at_broker(stop)
    return ResizeStop(
        account="main",
        symbol=stop.symbol,
        target=before.broker_order_id,
        reason="stop_size",
        because="It has to be larger.",
        risk=Risk.MEDIUM,
        before=before,
        after=replace(before, quantity=Decimal(2)),
    )


def venue_ended_it(world: World) -> None:
    world.account.cancel(stop_of(world).broker_order_id or "")
    world.look()


def somebody_moved_it(world: World) -> None:
    with world.desk.book.write() as book:
        row = stop_of(world)
        book.update_orders([replace(row, trigger_price=Decimal(95))])


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        (venue_ended_it, "is not open any more"),
        (somebody_moved_it, "moved: trigger_price 92 → 95"),
    ],
    ids=["ended", "moved"],
)
@pytest.mark.parametrize("change_of", [cancel, resize])
def test_an_order_that_is_not_as_it_was(
    world: World,
    happens: Callable[[World], None],
    told: str,
    change_of: Callable[[BookOrder], AnyChange],
) -> None:
    change = change_of(stop_of(world))
    happens(world)
    with pytest.raises(Stale, match=told):
        asyncio.run(door_of(world).carry_out(change, cause="p-1", name="a001"))
    assert world.rows("SELECT * FROM journal") == []


def test_what_relies_on_a_row_that_is_not_as_it_was(world: World) -> None:
    """A tighter stop is placed beside the one that it was reckoned from, or not at all."""
    stop = stop_of(world)
    change = cancel(stop)
    gone = replace(stop, quantity=Decimal(5))
    with pytest.raises(Stale, match="has moved meanwhile"):
        asyncio.run(door_of(world).carry_out(change, cause="p-1", name="a001", relies_on=gone))
    assert world.rows("SELECT * FROM journal") == []
    asyncio.run(door_of(world).carry_out(change, cause="p-1", name="a001", relies_on=stop))
    assert [row["state"] for row in world.rows("SELECT * FROM journal")] == ["done"]


def test_nothing_is_sent_to_an_account_in_the_wrong_mode(world: World) -> None:
    change = cancel(stop_of(world))
    world.watch.wrong_mode = "The venue is set to hedge mode, the configuration says one-way."
    with pytest.raises(Blocked, match="hedge mode"):
        asyncio.run(door_of(world).carry_out(change, cause="p-1", name="a001"))
    assert world.rows("SELECT * FROM journal") == []
