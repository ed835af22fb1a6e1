"""The flows of an exit's qualification: approved, refused, cooled, taken up again."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.invocation import Invocation
from core.assembly import Caller, Wiring
from core.domain.exit import ExitCause, ExitState
from core.operate.account_watch import AccountWatch
from core.operate.desk import Desk
from core.operate.exit_asking import Wish, ask_to_leave
from core.operate.exit_deciding import decide_exit
from tests.home import HomeUnderTest
from tests.service.running import Running, with_service
from tests.service.test_exits import entered, exits, left, life, sides, trade
from tests.service.test_signals_to_orders import stops
from tests.service.test_trailing import quote, ready_at_100

FLOOR = {"effective_floor": 99.5, "effective_ceiling": 110}


def outside(home: HomeUnderTest) -> Desk:
    """Another worker's desk on the same home."""
    call = Invocation(os.environ)
    call.take({"home": str(home.root), "quiet": True})
    return Wiring(call.effective, call.gates, Caller(actor="other", command="manage")).desk()


def told(home: HomeUnderTest) -> list[str]:
    rows = home.rows(
        "select event_type from outbox where event_type like 'exit%' order by sequence"
    )
    return [row["event_type"] for row in rows]


def hold(home: HomeUnderTest, **given: Any) -> None:
    """A long with its stop; then the service stops."""

    async def enter(running: Running) -> None:
        await entered(running, home, **given)

    with_service(home, enter)


def wish(home: HomeUnderTest, desk: Desk, cause: ExitCause = ExitCause.TIME_BASED) -> Wish:
    with desk.book.read() as book:
        found = book.trade(trade(home)["trade_id"])
    assert found is not None
    return Wish(trade=found, cause=cause, because="a test", by="tester")


# --- approved -------------------------------------------------------------------------------------


def test_each_step_is_told_in_its_order(home: HomeUnderTest) -> None:
    ready_at_100(home)

    async def story(running: Running) -> None:
        await entered(running, home, **FLOOR)
        quote(home, "99.4")
        await left(running, home)

    with_service(home, story)
    assert told(home) == [
        "exit_signal.published",
        "exit_intent.approved",
        "exit_intent.placed",
        "exit_intent.filled",
    ]
    (asked,) = home.rows("select * from exit_signals")
    assert (asked["state"], asked["episode"], asked["cause"]) == ("PUBLISHED", 1, "STOP_LOSS")


# --- refused --------------------------------------------------------------------------------------


def a_window_that_is_over(now: datetime) -> str:
    start = now - timedelta(hours=3)
    return f"main mon-sun {start:%H:%M}-{start + timedelta(hours=1):%H:%M} UTC"


def a_window_that_ends(now: datetime) -> str:
    start, end = now - timedelta(hours=1), now + timedelta(minutes=3)
    return f"main mon-sun {start:%H:%M}-{end:%H:%M} UTC"


@pytest.mark.parametrize(
    ("window", "cause", "answer"),
    [
        (a_window_that_is_over, ExitCause.TIME_BASED, "WINDOW_CLOSED"),
        (a_window_that_is_over, ExitCause.STOP_LOSS, "WINDOW_CLOSED"),
        (a_window_that_ends, ExitCause.TIME_BASED, "WINDOW_ENDING"),
        (a_window_that_ends, ExitCause.MANUAL, "WINDOW_ENDING"),
        (a_window_that_ends, ExitCause.STOP_LOSS, None),
    ],
)
def test_by_its_window(
    home: HomeUnderTest, window: Any, cause: ExitCause, answer: str | None
) -> None:
    """In the last minutes only stops may go, outside of the session nothing may."""
    ready_at_100(home)
    hold(home)
    home.set_in("EXITS", windows=f'["{window(datetime.now(UTC))}"]')
    assert decided(home, cause) == answer


def test_what_was_opened_by_hand_is_left_alone_when_so_configured(home: HomeUnderTest) -> None:
    ready_at_100(home)
    hold(home)
    home.execute("update position_lives set signal_source = 'external'")
    home.set_in("POSITIONS", protect_external_positions="false")
    assert decided(home, ExitCause.TIME_BASED) == "NOT_OURS"
    assert decided(home, ExitCause.MANUAL) is None


def test_while_the_venue_does_not_answer_the_trade_stays_open(home: HomeUnderTest) -> None:
    ready_at_100(home)
    hold(home)

    async def silent(desk: Desk) -> str | None:
        watch = AccountWatch(broker=desk.broker("main"), unreachable="the venue does not answer")
        intent = ask_to_leave(desk, wish(home, desk))
        answer = await decide_exit(desk, watch, intent)
        await desk.close()
        return answer.outcome

    assert "ACCOUNT_UNREACHABLE" in (asyncio.run(silent(outside(home))) or "")
    assert (trade(home)["status"], len(stops(home))) == ("OPEN", 1)
    (episode,) = home.rows("select * from exit_episodes")
    assert episode["barren"] == 1, "the same price may ask once more"


def decided(home: HomeUnderTest, cause: ExitCause) -> str | None:
    """The reason against an exit for that cause, by another worker's hand; None: approved."""

    async def ask(desk: Desk) -> str | None:
        intent = ask_to_leave(desk, wish(home, desk, cause))
        answer = await decide_exit(desk, AccountWatch(broker=desk.broker("main")), intent)
        await desk.close()
        return None if answer.state is ExitState.APPROVED else answer.outcome

    return asyncio.run(ask(outside(home)))


# --- cooled ---------------------------------------------------------------------------------------


def test_the_cooldown_is_in_the_book_and_not_in_anybodys_memory(home: HomeUnderTest) -> None:
    ready_at_100(home)
    hold(home)
    answers = []
    for _ in range(3):
        desk = outside(home)
        answers.append(ask_to_leave(desk, wish(home, desk)).state)
        desk.close_book()
    assert answers == [ExitState.PENDING, ExitState.REJECTED, ExitState.REJECTED]
    assert [row["outcome"] for row in exits(home)[1:]] == ["EXIT_COOLDOWN_ACTIVE"] * 2
    assert [row["episode"] for row in exits(home)] == [1, 2, 3]
    assert told(home).count("exit_intent.cooldown_rejected") == 2
    home.execute("update exit_episodes set granted_at = '2020-01-01T00:00:00Z'")
    desk = outside(home)
    assert ask_to_leave(desk, wish(home, desk)).state is ExitState.PENDING
    desk.close_book()


def test_another_cause_has_a_cooldown_of_its_own(home: HomeUnderTest) -> None:
    ready_at_100(home)
    hold(home)
    desk = outside(home)
    states = [
        ask_to_leave(desk, wish(home, desk, cause)).state
        for cause in (ExitCause.TIME_BASED, ExitCause.MANUAL)
    ]
    desk.close_book()
    assert states == [ExitState.PENDING, ExitState.PENDING]


# --- taken up again -------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["PENDING", "APPROVED"])
def test_a_restart_takes_up_what_was_open(home: HomeUnderTest, state: str) -> None:
    ready_at_100(home)
    hold(home)
    if state == "APPROVED":
        assert decided(home, ExitCause.MANUAL) is None
    else:
        desk = outside(home)
        ask_to_leave(desk, wish(home, desk, ExitCause.MANUAL))
        desk.close_book()
    assert [row["state"] for row in exits(home)] == [state]

    async def carry_out(running: Running) -> None:
        await left(running, home)

    with_service(home, carry_out)
    assert [row["state"] for row in exits(home)] == ["FILLED"]
    assert sides(home) == ["buy", "sell"]
    assert life(home)["exit_reason"] == "manual"


# --- gates ----------------------------------------------------------------------------------------


def test_not_armed_it_waits_for_a_person_who_carries_it_out_once(home: HomeUnderTest) -> None:
    ready_at_100(home)
    hold(home)
    assert decided(home, ExitCause.MANUAL) is None
    (proposed,) = home.json("plan")["plan"]["broker_actions"]
    assert (proposed["kind"], proposed["reason"]) == ("place_exit", "manual")
    home.must("stage", "--quiet")
    home.must("review", "--approve", "place_exit", "--seal", "--quiet")
    home.must("apply", "--confirm", home.plan_id())
    assert [row["state"] for row in exits(home)] == ["FILLED"]
    assert sides(home) == ["buy", "sell"]
