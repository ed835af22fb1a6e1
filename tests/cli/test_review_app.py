"""The review screen: walked with keys as an operator would, then what it writes down."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from cli.desk_work import desk_for
from cli.invocation import Invocation
from cli.review_app import ReviewApp, Said
from cli.review_screen import keep
from core.operate.staging import staged_plan
from core.plan.plan import Decision
from tests.build import clock, execution, instrument, order, position, snapshot
from tests.home import HomeUnderTest, make_home

HOSTILE = "BTC[/]\x1b]52;\u202eUSDT"


@pytest.fixture
def home(tmp_path: Path) -> HomeUnderTest:
    """a001 insert, a002 insert, a003 execution, a004 place_stop"""
    home = make_home(tmp_path / "home")
    bought = order(status="filled", filled_quantity=5, quantity=5)
    home.tell(
        snapshot(bought, order("V-2", price=90), execution("T-1", 5), position(5), instrument())
    )
    home.arm()
    home.must("stage", "--quiet")
    return home


def press(home: HomeUnderTest, keys: Sequence[str]) -> Said:
    plan = staged_plan_of(home)

    async def walk() -> Said | None:
        app = ReviewApp(plan)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            await pilot.press(*keys)
            await pilot.pause()
        return app.return_value

    said = asyncio.run(walk())
    assert said is not None
    return said


def staged_plan_of(home: HomeUnderTest):  # type: ignore[no-untyped-def]
    call = invocation(home)
    with desk_for(call) as desk:
        return staged_plan(desk).plan


def invocation(home: HomeUnderTest) -> Invocation:
    call = Invocation({})
    call.take({"home": str(home.root)})
    return call


def write_down(home: HomeUnderTest, said: Said) -> None:
    with desk_for(invocation(home)) as desk:
        keep(desk, said)


def test_decisions_walk_down_the_list(home: HomeUnderTest) -> None:
    said = press(home, ["a", "s", "down", "a", "w"])
    assert said.decisions == {
        "a001": (Decision.APPROVE, ""),
        "a002": (Decision.SKIP, ""),
        "a004": (Decision.APPROVE, ""),
    }
    assert (said.keep, said.seal) == (True, False)


def test_a_note_stands_beside_the_decision(home: HomeUnderTest) -> None:
    said = press(home, ["r", "up", "n", *"odd", "enter", "w"])
    assert said.decisions["a001"] == (Decision.REJECT, "odd")


def test_leaving_keeps_nothing(home: HomeUnderTest) -> None:
    assert press(home, ["a", "q"]).keep is False


def test_saving_with_the_seal_opens_the_door(home: HomeUnderTest) -> None:
    said = press(home, ["down", "down", "down", "a", "S"])
    assert said.seal
    write_down(home, said)
    document = json.loads(home.staged_file.read_text())
    assert document["approval"]["by"]
    home.must("apply", "--confirm", home.plan_id())
    home.must("verify")


def test_an_ambiguous_match_is_chosen_and_the_next_plan_honours_it(home: HomeUnderTest) -> None:
    home.execute(
        "INSERT INTO orders (order_id, account, symbol, side, order_type, quantity, price, status,"
        " created_at) VALUES ('o-9', 'main', 'BTCUSDT', 'buy', 'limit', '10', '90', 'open', ?)",
        "2026-01-05T11:00:00Z",
    )
    home.tell(snapshot(order("V-2", price=90, created_at=clock("11:00")), instrument()))
    home.must("stage", "--quiet", code=4)
    said = press(home, ["1", "w"])
    assert said.matches["m001"].order_id == "o-9"
    write_down(home, said)
    home.must("stage", "--quiet")
    home.must("apply", "--confirm", home.plan_id(), "--only", "update_order", "--quiet")
    rows = home.rows("SELECT order_id, broker_order_id FROM orders WHERE order_id = 'o-9'")
    assert rows == [{"order_id": "o-9", "broker_order_id": "V-2"}]


def test_what_cannot_be_decided_is_left_alone(home: HomeUnderTest) -> None:
    """A candidate key on an action, a decision on a match, a settlement on an action."""
    said = press(home, ["1", "i", "x", "w"])
    assert (said.decisions, said.matches) == ({}, {})


def test_hostile_text_neither_acts_nor_breaks_the_layout(home: HomeUnderTest) -> None:
    home.tell(snapshot(order("V-3", symbol=HOSTILE)))
    home.must("stage", "--quiet")
    assert press(home, ["a", "w"]).decisions == {"a001": (Decision.APPROVE, "")}
