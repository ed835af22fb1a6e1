"""Two processes decide about the same exit: the second one takes what the first one wrote."""

import asyncio

import pytest

from core.domain.exit import ExitCause, ExitIntent, ExitState
from core.operate.exit_asking import Wish, ask_to_leave
from core.operate.exit_deciding import decide_exit
from tests.core.apply.living_world import BUY, World
from tests.home import HomeUnderTest


@pytest.fixture
def world(home: HomeUnderTest) -> World:
    world = World(home)
    world.price(100)
    world.trade(BUY, 1)
    world.look()
    return world


def asked(world: World) -> ExitIntent:
    with world.desk.book.read() as book:
        (trade,) = book.open_trades("main", "BTCUSDT")
    return ask_to_leave(
        world.desk, Wish(trade=trade, cause=ExitCause.MANUAL, because="a test", by="ana")
    )


def decided(world: World, intent: ExitIntent) -> ExitIntent:
    return asyncio.run(decide_exit(world.desk, world.watch, intent))


def test_the_first_word_counts_whatever_the_second_would_have_said(world: World) -> None:
    pending = asked(world)
    approved = decided(world, pending)
    assert approved.state is ExitState.APPROVED
    # By now the venue is gone: whoever decides now would refuse it.
    world.watch.unreachable = "the venue does not answer"
    assert decided(world, pending) == approved
    assert world.rows("SELECT state FROM exit_intents") == [{"state": "APPROVED"}]
    assert len(world.told("exit_intent.approved")) == 1
    assert world.told("exit_intent.rejected") == []
