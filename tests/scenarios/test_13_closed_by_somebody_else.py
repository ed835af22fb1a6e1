"""Elsewhere a position was closed by hand, and the program went on placing stops for it that failed
without end.

Here the position is over: its stop is cancelled, nothing is sent any more, and it is told once.
When nothing explains where it went, a person says so; until then nothing is sent either.
"""

import pytest

from tests.home import HomeUnderTest
from tests.scenarios.lives import ENTERED, exit_of, left_at, life, states
from tests.scenarios.looking import look
from tests.scenarios.other_side import OtherSide, every_stop, is_guarded, stops, wish
from tests.scenarios.test_single_round import kinds
from tests.scenarios.unchanged import nothing_written
from tests.service.records import alerts, held, told
from tests.service.running import Running, with_service


async def entered(running: Running, other: OtherSide) -> None:
    await told(running, wish(other))
    await running.until(lambda: is_guarded(other), "its stop")


def sell_all(other: OtherSide) -> None:
    other.trade("sell", str(other.held()))


def only_alert(home: HomeUnderTest) -> str:
    rows = home.rows("SELECT * FROM alerts")
    assert len(rows) == 1, rows
    (row,) = rows
    return str(row["type"])


@pytest.mark.parametrize("listens", [True, False], ids=["heard of", "found later"])
def test_13_closed_by_hand(other: OtherSide, listens: bool) -> None:
    home = other.home

    async def story(running: Running) -> None:
        await entered(running, other)
        if listens:
            sell_all(other)
            await held(running, "0", other.symbol)
            await running.until(lambda: not stops(other), "no stop left")
            await running.until(lambda: life(home)["state"] == "closed", "its life is over")

    with_service(home, story)
    if not listens:
        sell_all(other)
    look(home)
    assert stops(other) == []
    with nothing_written(other):
        look(home, times=20)
    assert len(every_stop(other)) == 1
    assert [each for each in other.orders() if each.live] == []
    assert only_alert(home) == "manual_exit"
    assert states(home)[:3] == ENTERED and states(home)[-1] == "closed"
    assert (exit_of(home), life(home)["exit_price"]) == ("external", str(left_at(home)))
    (trade,) = home.rows("SELECT * FROM trades")
    assert (trade["status"], trade["exit_reason"]) == ("CLOSED", "external")
    home.must("plan", "--detailed-exitcode")
    home.must("verify")


def test_13_gone_and_nothing_explains_it(other: OtherSide) -> None:
    """Its life waits where it is; what a person approves is written down, its price unknown."""
    home = other.home
    home.set_in("POSITIONS", close_grace_ms="0")
    home.set_in("EXECUTION", reconcile_interval="1")

    async def story(running: Running) -> None:
        await entered(running, other)
        other.vanish()
        await running.until(lambda: alerts(home, "closed_externally"), "told")
        await running.until(lambda: not stops(other), "no stop left")

    with_service(home, story)
    look(home, times=2)
    with nothing_written(other):
        look(home, times=20)
    assert len(every_stop(other)) == 1
    assert len(alerts(home, "closed_externally")) == 1
    assert (states(home), life(home)["exit_price"]) == ([*ENTERED, "closing"], None)
    assert kinds(home) == ["adopt_position"]
    home.must("stage", "--quiet")
    home.must("review", "--approve", "adopt_position", "--seal", "--quiet")
    home.must("apply", "--confirm", home.plan_id())
    assert states(home) == [*ENTERED, "closing", "closed"]
    assert (exit_of(home), life(home)["exit_price"]) == ("external", None)
    look(home)
    with nothing_written(other):
        look(home, times=20)
    home.must("plan", "--detailed-exitcode")
    home.must("verify")


def test_13_a_position_that_is_not_listed_yet_is_not_taken_for_gone(other: OtherSide) -> None:
    """Entered within POSITIONS.close_grace_ms: it may well be there, and keeps its stop."""
    home = other.home

    async def story(running: Running) -> None:
        await entered(running, other)

    with_service(home, story)
    other.vanish()
    look(home, times=3)
    assert alerts(home, "closed_externally") == []
    assert states(home) == ENTERED
    assert [each.order_id for each in stops(other)] == [each.order_id for each in every_stop(other)]
