"""One wish, one order: whoever comes second begins nothing, and tells nothing twice."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from core.apply.exit_progress import write_exit
from core.domain.errors import Stale
from core.domain.exit import ExitState
from tests.core.apply.living_world import BUY, World
from tests.home import HomeUnderTest


@pytest.fixture
def world(home: HomeUnderTest) -> World:
    world = World(home)
    world.price(100)
    return world


@pytest.fixture
def held(world: World) -> World:
    """One bought at 100 by hand."""
    world.trade(BUY, 1)
    world.look()
    return world


def sent(world: World) -> list[dict[str, Any]]:
    """What of ours reached the venue."""
    return [row for row in world.home.broker_orders() if row["client_order_id"]]


def journaled(world: World) -> int:
    return len(world.rows("SELECT 1 FROM journal"))


# --- entries --------------------------------------------------------------------------------------


def test_an_intent_that_was_carried_out_is_not_sent_again(world: World) -> None:
    approved = world.wish()
    world.send(approved)
    with pytest.raises(Stale, match=f"{approved.intent_id} is FILLED, not waiting any more"):
        world.send(approved)
    assert (len(sent(world)), journaled(world)) == (1, 1)


def test_one_whose_order_nobody_has_heard_of_yet_is_not_sent_again(world: World) -> None:
    """The reply was lost, so it still waits; its order may well be there."""
    world.account.simulate(faults=[{"on": "place", "kind": "lost_reply"}])
    approved = world.wish()
    world.send(approved)
    with pytest.raises(Stale, match=f"the order of intent {approved.intent_id} has been begun"):
        world.send(approved)
    assert (len(sent(world)), journaled(world)) == (1, 1)
    assert world.rows("SELECT state FROM trade_intents") == [{"state": "APPROVED"}]


def test_one_that_the_book_has_forgotten_is_not_sent(world: World) -> None:
    """Another book was put in its place."""
    approved = world.wish()
    world.home.execute("DELETE FROM trade_intents")
    with pytest.raises(Stale, match=f"{approved.intent_id} is gone"):
        world.send(approved)
    assert (sent(world), journaled(world)) == ([], 0)


# --- exits ----------------------------------------------------------------------------------------


def test_an_exit_that_a_restored_book_still_wants_was_placed_already(
    held: World, tmp_path: Path
) -> None:
    """book: a copy from before it was sent / venue: its order rests, under its key"""
    wanted = held.wish_to_leave(order_type="limit", price=111)
    copied(held.home.book_file, tmp_path / "copy.db")
    held.send_exit(wanted)
    copied(tmp_path / "copy.db", held.home.book_file)
    held.look()
    assert held.rows("SELECT state FROM exit_intents") == [{"state": "APPROVED"}]
    (found,) = held.rows("SELECT order_id, status FROM orders WHERE origin = 'owned'")
    assert found == {"order_id": wanted.key_of(1), "status": "open"}
    with pytest.raises(Stale, match=f"the order of exit {wanted.exit_intent_id} has been begun"):
        held.send_exit(wanted)
    assert (len(sent(held)), journaled(held)) == (1, 0)


def copied(book: Path, to: Path) -> None:
    with closing(sqlite3.connect(book)) as one, closing(sqlite3.connect(to)) as other:
        one.backup(other)


def test_a_fill_that_is_told_once_more_fills_nothing_twice(held: World) -> None:
    held.leave()
    held.look()
    (filled,) = held.rows("SELECT * FROM exit_intents")
    orders = held.home.broker_orders()
    held.venue(orders=[{**orders[-1], "average_price": "99.9"}, *orders[:-1]])
    held.look()
    assert held.rows("SELECT average_price FROM orders WHERE origin = 'owned'") == [
        {"average_price": "99.9"}
    ]
    assert held.rows("SELECT * FROM exit_intents") == [filled]
    assert [each["outcome"] for each in held.told("exit_intent.filled")] == ["filled at 100"]


def test_whoever_decides_about_an_exit_second_changes_nothing(held: World) -> None:
    held.leave(order_type="limit", price=111)
    (before,) = held.rows("SELECT * FROM exit_intents")
    with held.desk.book.write() as book:
        intent = book.exit_intent(before["exit_intent_id"])
        assert intent is not None
        assert not write_exit(book, intent, from_state=ExitState.APPROVED)
    assert held.rows("SELECT * FROM exit_intents") == [before]
    assert len(held.told("exit_intent.placed")) == 1
