"""What can happen between the first look and the last call, while the door is open."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from core.apply.calls import call_for
from core.apply.ledger import Ledger
from core.domain.errors import Blocked, Stale
from core.operate.applying import Selection, apply_staged
from core.operate.desk import Desk
from core.operate.planning import make_plan
from core.operate.reviewing import Decisions, review
from core.operate.staging import stage
from core.plan.change import InsertOrder, Risk
from tests.build import NOON, book_order, instrument, position, snapshot
from tests.core.apply.rounds import WORLDS, journaled, placed, simulate
from tests.crash.power import Power
from tests.crash.test_apply import clock_now, desk_with
from tests.home import HomeUnderTest


class Meanwhile(Power):
    """Not a power cut: somebody else does something at the first moment of this name."""

    def __init__(self, name: str = "", deed: Callable[[], object] = lambda: None):
        super().__init__()
        self._name = name
        self._deed = deed

    def moment(self, name: str) -> None:
        if name == self._name and name not in self.moments:
            self._deed()
        super().moment(name)


def walk(
    home: HomeUnderTest,
    power: Power,
    ledger: Ledger,
    *,
    interrupted: Callable[[], bool] = lambda: False,
) -> Ledger:
    """An apply of what is staged, under the eyes of `power`."""

    async def run(desk: Desk) -> None:
        try:
            await apply_staged(
                desk,
                confirmed=home.plan_id(),
                ask=lambda name: None,
                selection=Selection(),
                interrupted=interrupted,
                ledger=ledger,
            )
        finally:
            await desk.close()

    asyncio.run(run(desk_with(home, power, clock_now())))
    return ledger


def outcomes(ledger: Ledger) -> list[str]:
    return [entry.outcome.value for entry in ledger.sorted()]


@pytest.fixture
def staged(home: HomeUnderTest) -> HomeUnderTest:
    """An order and its execution to book, then a stop to place; approved and armed."""
    home.tell(WORLDS["place"])
    home.arm()
    home.stage_and_approve("all")
    return home


# --- before the book --------------------------------------------------------------------------


def test_interrupted_before_the_book_leaves_it_as_it_was(staged: HomeUnderTest) -> None:
    ledger = walk(staged, Meanwhile(), Ledger(), interrupted=lambda: True)
    assert outcomes(ledger) == ["not_reached"] * 3
    assert {entry.note for entry in ledger.sorted()} == {"interrupted by the operator"}
    assert ledger.interrupted
    assert staged.rows("SELECT * FROM executions") == []
    assert placed(staged) == []


def test_safe_mode_before_the_book_leaves_it_as_it_was(staged: HomeUnderTest) -> None:
    pressed = Meanwhile("after a snapshot", lambda: staged.sentinel.write_text("odd prices"))
    ledger = Ledger()
    with pytest.raises(Blocked, match="stopped before anything was changed: SAFE_MODE"):
        walk(staged, pressed, ledger)
    assert outcomes(ledger) == ["not_reached"] * 3
    assert staged.rows("SELECT * FROM executions") == []
    assert placed(staged) == []


def test_a_book_that_changed_under_the_check_is_not_written(staged: HomeUnderTest) -> None:
    def outsider() -> None:
        staged.execute("UPDATE meta SET serial = serial + 1")

    with pytest.raises(Stale, match="the book changed while"):
        walk(staged, Meanwhile("before a transaction", outsider), Ledger())
    assert staged.rows("SELECT * FROM executions") == []
    assert placed(staged) == []


def test_a_book_restored_under_the_check_is_another_book(staged: HomeUnderTest) -> None:
    def outsider() -> None:
        staged.execute("UPDATE meta SET lineage = 'b-other'")

    ledger = Ledger()
    with pytest.raises(Stale, match="the world moved"):
        walk(staged, Meanwhile("before a snapshot", outsider), ledger)
    assert outcomes(ledger) == ["not_reached"] * 3


def test_a_plan_used_under_the_check_is_not_used_again(staged: HomeUnderTest) -> None:
    def outsider() -> None:
        staged.execute("UPDATE plans SET state = 'used'")

    with pytest.raises(Stale, match="has been used already"):
        walk(staged, Meanwhile("before a transaction", outsider), Ledger())
    assert staged.rows("SELECT * FROM executions") == []
    assert placed(staged) == []


# --- between the book and the broker ----------------------------------------------------------


def test_safe_mode_after_the_book_keeps_what_was_booked_and_sends_nothing(
    staged: HomeUnderTest,
) -> None:
    pressed = Meanwhile("after a commit", lambda: staged.sentinel.write_text("odd prices"))
    ledger = walk(staged, pressed, Ledger())
    assert outcomes(ledger) == ["done", "done", "not_reached"]
    assert "SAFE_MODE" in ledger.sorted()[-1].note
    assert (placed(staged), journaled(staged)) == ([], [])
    staged.must("plan", "--symbol", "BTCUSDT", "--detailed-exitcode", code=3)


def test_interrupted_after_the_book_keeps_what_was_booked_and_sends_nothing(
    staged: HomeUnderTest,
) -> None:
    power = Meanwhile()
    ledger = walk(staged, power, Ledger(), interrupted=lambda: "after a commit" in power.moments)
    assert outcomes(ledger) == ["done", "done", "not_reached"]
    assert placed(staged) == []


# --- one after the other ----------------------------------------------------------------------


SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


def stage_in_a_row(home: HomeUnderTest) -> None:
    """Three stops, of which each waits for the one before it."""

    async def run(desk: Desk) -> None:
        plan = await make_plan(desk, ["main"])
        waits = [(), *((action.id,) for action in plan.actions)]
        chained = [replace(a, depends_on=w) for a, w in zip(plan.actions, waits, strict=False)]
        stage(desk, replace(plan, actions=tuple(chained)))
        review(desk, Decisions(approve=("all",)))
        await desk.close()

    asyncio.run(run(desk_with(home, Power(), clock_now())))


def test_what_depends_on_a_failed_action_is_skipped_all_the_way(home: HomeUnderTest) -> None:
    held = [position(5, symbol=symbol) for symbol in SYMBOLS]
    home.tell(snapshot(*held, *map(instrument, SYMBOLS)))
    home.arm()
    home.must("stage", "--quiet")
    home.must("review", "--approve", "adopt_position", "--quiet")
    home.must("apply", "--confirm", home.plan_id(), "--only", "adopt_position")
    stage_in_a_row(home)
    simulate(home, {"on": "place", "kind": "reject"})
    lines = home.json("apply", "--confirm", home.plan_id(), code=9)["actions"]
    assert [(line["outcome"], line["note"].partition(",")[0]) for line in lines[1:]] == [
        ("skipped", "depends on a001"),
        ("skipped", "depends on a002"),
    ]
    assert (lines[0]["outcome"], placed(home)) == ("failed", [])


def test_what_is_for_the_book_is_never_a_call() -> None:
    change = InsertOrder(
        account="main",
        symbol="BTCUSDT",
        target="o-1",
        reason="external_order",
        because="The broker has it.",
        risk=Risk.LOW,
        after=book_order(),
    )
    with pytest.raises(TypeError, match="insert_order is not carried out at the broker"):
        call_for(change, key="tu-1", now=NOON, row=None)
