"""What a whole look tells of lives: gone without a word, back again, and nothing new."""

from typing import Any

import pytest

from core.domain.snapshot import Unavailable
from tests.core.apply.living_world import BUY, World
from tests.home import HomeUnderTest

GRACE = 90


@pytest.fixture
def world(home: HomeUnderTest) -> World:
    """One bought at 100 by hand, guarded at 92."""
    world = World(home)
    world.price(100)
    world.trade(BUY, 1)
    world.guard(92)
    world.look()
    return world


@pytest.fixture
def shown(world: World) -> list[dict[str, Any]]:
    """What the venue shows of it."""
    return list(world.home.account["positions"])


def test_what_the_venue_does_not_list_yet_is_not_gone(
    world: World, shown: list[dict[str, Any]]
) -> None:
    world.venue(positions=[])
    world.look(5)
    assert (world.life["state"], world.life["gone_since"]) == ("open", None)
    assert world.alerts("closed_externally") == []


def test_one_that_vanished_is_closing_and_told_of_once(
    world: World, shown: list[dict[str, Any]]
) -> None:
    world.wait(GRACE)
    world.venue(positions=[])
    world.look(4)
    assert world.steps == [">open external", "open>closing external"]
    assert (world.life["exit_price"], world.life["exit_time"]) == (None, None)
    assert world.life["gone_since"] is not None
    # What it held is for the book to say, until a person decides.
    assert world.life["quantity"] == "1"
    assert world.alerts("closed_externally") == [
        "BTCUSDT long: the venue does not show the position any more and no execution says why;"
        " its exit price is not known"
    ]


def test_one_that_is_shown_again_is_back(world: World, shown: list[dict[str, Any]]) -> None:
    world.wait(GRACE)
    world.venue(positions=[])
    world.look(2)
    world.venue(positions=shown)
    world.look(2)
    assert world.steps[2:] == ["closing>open close_failed"]
    assert (world.life["state"], world.life["gone_since"]) == ("open", None)
    # Should it vanish once more, that is told once more.
    world.venue(positions=[])
    world.look(2)
    assert len(world.alerts("closed_externally")) == 2


def test_one_that_a_person_gives_up_is_closed_at_a_price_that_nobody_knows(
    world: World, shown: list[dict[str, Any]]
) -> None:
    world.wait(GRACE)
    world.venue(positions=[])
    world.look()
    world.home.adopt_all()
    assert world.steps[-1] == "closing>closed external"
    assert (world.life["exit_reason"], world.life["exit_price"]) == ("external", None)
    assert (world.trades[0]["status"], world.trades[0]["exit_price"]) == ("CLOSED", None)


def test_executions_that_come_after_all_tell_the_price(
    world: World, shown: list[dict[str, Any]]
) -> None:
    world.wait(GRACE)
    world.venue(positions=[])
    world.look()
    row = {
        "execution_id": "T-late", "broker_order_id": "V-late", "symbol": "BTCUSDT",
        "side": "sell", "quantity": "1", "price": "104", "fee": "0.05", "fee_currency": "USDT",
        "executed_at": "2026-01-05T12:01:00Z",
    }  # fmt: skip
    world.venue(executions=[*world.home.account["executions"], row])
    world.look()
    assert world.steps[-1] == "closing>closed external"
    assert (world.life["exit_price"], world.life["exit_time"]) == ("104", "2026-01-05T12:01:00Z")


@pytest.mark.parametrize("unread", ["positions", "executions"])
def test_a_look_that_cannot_tell_says_nothing(
    world: World, shown: list[dict[str, Any]], unread: str
) -> None:
    world.wait(GRACE)
    world.account.tell(unread, Unavailable("down"))
    world.venue(positions=[] if unread == "positions" else shown)
    world.look(2)
    assert world.steps == [">open external"]
    assert world.alerts("closed_externally") == []


def test_a_position_turned_around_without_a_word_is_gone_too(
    world: World, shown: list[dict[str, Any]]
) -> None:
    world.wait(GRACE)
    world.venue(positions=[{**shown[0], "quantity": "-3"}])
    world.look(2)
    assert world.life["state"] == "closing"
    world.home.adopt_all()
    long, short = world.lives
    assert (long["state"], long["exit_price"]) == ("closing", None)
    assert (short["direction"], short["quantity"]) == ("short", "3")
    world.look()
    assert [row["state"] for row in world.lives] == ["closed", "open"]


def test_a_leverage_is_taken_over_when_it_changes(
    world: World, shown: list[dict[str, Any]]
) -> None:
    assert world.life["leverage"] == "10"
    world.venue(positions=[{**shown[0], "leverage": "3"}])
    world.look()
    assert world.life["leverage"] == "3"
    assert world.writes_while(2) == 0


def test_unchanged_looks_write_nothing(world: World) -> None:
    world.look()
    assert world.writes_while(5) == 0


def test_unchanged_looks_at_what_has_gone_write_nothing_either(world: World) -> None:
    world.wait(GRACE)
    world.venue(positions=[])
    world.look(2)
    assert world.writes_while(5) == 0


def test_unchanged_looks_at_a_wish_write_nothing_either(world: World) -> None:
    world.wish(orders=[{"side": "sell", "type": "limit", "price": 120}])
    world.look()
    assert world.writes_while(5) == 0
    assert [row["state"] for row in world.lives] == ["open", "queued"]
