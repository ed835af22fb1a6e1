"""A position that cannot be protected: every trade of it is asked to leave, once, and told once."""

import pytest

from core.domain.life import Life
from core.operate.emergency import close_in_emergency
from tests.core.apply.living_world import BUY, World
from tests.home import HomeUnderTest


@pytest.fixture
def world(home: HomeUnderTest) -> World:
    """Two trades of one long, bought by hand."""
    world = World(home)
    world.price(100)
    for _ in range(2):
        world.trade(BUY, 1)
        world.look()
    return world


def held(world: World) -> Life:
    with world.desk.book.read() as book:
        (life,) = book.lives("main", symbol="BTCUSDT")
    return life


def exits(world: World) -> list[tuple[str, str]]:
    rows = world.rows("SELECT cause, state FROM exit_intents ORDER BY sequence")
    return [(row["cause"], row["state"]) for row in rows]


def test_every_trade_of_it_is_asked_to_leave_and_people_are_told(world: World) -> None:
    asked = close_in_emergency(world.desk, held(world), "its stop was refused")
    assert {intent.trade_id for intent in asked} == {row["trade_id"] for row in world.trades}
    assert exits(world) == [("STOP_LOSS", "PENDING")] * 2
    assert world.alerts("emergency_close") == [
        "BTCUSDT long 2 is closed at the market: its stop was refused"
    ]


def test_one_that_is_being_left_already_is_not_asked_again(world: World) -> None:
    world.wish_to_leave()
    asked = close_in_emergency(world.desk, held(world), "its stop was refused")
    assert [intent.trade_id for intent in asked] == [world.trades[0]["trade_id"]]


def test_while_all_of_it_is_being_left_nobody_is_told_again(world: World) -> None:
    close_in_emergency(world.desk, held(world), "its stop was refused")
    assert close_in_emergency(world.desk, held(world), "its stop was refused again") == []
    assert len(exits(world)) == 2
    assert len(world.alerts("emergency_close")) == 1
