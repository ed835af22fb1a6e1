"""What takes back something that was told is asked for; whoever cannot tell leaves us behind."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from core.domain.errors import Unavailable
from core.domain.order import BrokerOrder, OrderStatus
from core.domain.snapshot import Absent, Found, Inconclusive, Lookup
from core.operate.hearing import Heard, hear
from tests.build import order
from tests.core.apply.living_world import World
from tests.home import HomeUnderTest


@pytest.fixture
def world(home: HomeUnderTest) -> World:
    """book: V-1 bought 4 of 10; what its venue says when it is asked for is up to each test"""
    world = World(home)
    tell(world, row(4))
    world.watch.behind = None
    return world


def row(filled: int) -> BrokerOrder:
    status = "partially_filled" if filled else "open"
    return order("V-1", status=status, filled_quantity=filled, average_price=100)


def tell(world: World, told: BrokerOrder) -> Heard:
    """By itself, as a stream does."""
    return asyncio.run(hear(world.desk, world.watch, world.hold, [told]))


def answers(world: World, answer: Lookup | Exception) -> list[Any]:
    """What the venue says of any order; and what it was asked for."""
    asked: list[Any] = []

    async def find_order(**names: Any) -> Lookup:
        asked.append(names["broker_order_id"])
        if isinstance(answer, Exception):
            raise answer
        return answer

    world.watch.broker.find_order = find_order  # type: ignore[method-assign]
    return asked


def filled(world: World) -> str:
    (found,) = world.rows("SELECT filled_quantity FROM orders")
    return str(found["filled_quantity"])


def test_what_goes_forward_is_written_down_and_nobody_is_asked(world: World) -> None:
    asked = answers(world, Unavailable("nobody may ask"))
    assert tell(world, row(6)) == Heard()
    assert (filled(world), asked, world.watch.behind) == ("6", [], None)


def test_an_old_event_is_asked_for_and_what_is_so_now_is_booked(world: World) -> None:
    """venue: tells of 2 once more / asked, it says 7"""
    asked = answers(world, Found(row(7)))
    assert [change.target for change in tell(world, row(2)).odd]
    assert (filled(world), asked, world.watch.behind) == ("7", ["V-1"], None)


def test_one_that_cannot_be_asked_for_leaves_the_account_behind(world: World) -> None:
    answers(world, Unavailable("the venue does not answer"))
    tell(world, row(2))
    assert filled(world) == "4"
    assert world.watch.behind is not None
    assert world.watch.behind.endswith("could not be asked for: the venue does not answer")


@pytest.mark.parametrize("answer", [Absent(), Inconclusive("no idea")])
def test_one_that_the_venue_cannot_tell_of_leaves_the_account_behind(
    world: World, answer: Lookup
) -> None:
    answers(world, answer)
    tell(world, row(2))
    assert filled(world) == "4"
    assert world.watch.behind is not None
    assert world.watch.behind.startswith("the venue could not tell of order")


def test_what_the_venue_itself_takes_back_is_for_a_whole_look(world: World) -> None:
    """Nothing that was booked is taken back on the word of one answer."""
    answers(world, Found(row(2)))
    tell(world, row(2))
    assert filled(world) == "4"
    assert world.watch.behind is not None
    assert world.watch.behind.startswith("the venue takes back what it told of order")


def test_a_status_that_goes_back_is_odd_too(world: World) -> None:
    tell(world, replace(row(4), status=OrderStatus.CANCELLED))
    asked = answers(world, Unavailable("down"))
    tell(world, row(5))
    assert asked == ["V-1"]
    (found,) = world.rows("SELECT status FROM orders")
    assert found["status"] == "cancelled"
