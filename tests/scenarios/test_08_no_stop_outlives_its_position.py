"""Elsewhere a stop was left behind, or placed once more, after its position had been closed; the
next time its price came it opened a position that nobody wanted.

Here a position that is gone has no stop within one round, and every stop only reduces.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rounds.bybit_round import BUY, SELL, BybitRound
from tests.scenarios.lives import ENTERED, exit_of, left_at, life, states
from tests.scenarios.looking import look
from tests.scenarios.other_side import OtherSide, every_stop, is_guarded, stops, wish
from tests.service.records import held, told
from tests.service.running import Running, submit, with_service
from tests.venues.exchange import Leg


def by_its_stop(other: OtherSide) -> None:
    other.move("50000" if other.held() > 0 else "70000")


def by_hand(other: OtherSide) -> None:
    other.trade(way_out(other), str(abs(other.held())))


def by_signal(other: OtherSide) -> None:
    submit(other.home, wish(other, signal_type=way_out(other), intent="close"))


def by_liquidation(other: OtherSide) -> None:
    other.liquidate()


ENDS: dict[str, tuple[Callable[[OtherSide], None], str]] = {
    "its stop": (by_its_stop, "stop_loss"),
    "by hand": (by_hand, "external"),
    "a signal": (by_signal, "signal"),
    "liquidation": (by_liquidation, "liquidation"),
}


def way_out(other: OtherSide) -> str:
    return "sell" if other.held() > 0 else "buy"


async def entered(running: Running, other: OtherSide, way: str = "buy") -> None:
    await told(running, wish(other, signal_type=way))
    await running.until(lambda: is_guarded(other), "its stop")


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("way", ["buy", "sell"], ids=["long", "short"])
def test_08_a_position_that_ended_has_no_stop(other: OtherSide, way: str, end: str) -> None:
    """Whoever ended it: its stop goes, none comes in its place, and its life tells why."""
    home, (ends, reason) = other.home, ENDS[end]

    async def story(running: Running) -> None:
        await entered(running, other, way)
        ends(other)
        await held(running, "0", other.symbol)
        await running.until(lambda: not stops(other), "no stop left")
        await running.until(lambda: life(home)["state"] == "closed", "its life is over")

    with_service(home, story)
    look(home, times=3)
    (stop,) = every_stop(other)
    assert (stop.live, stop.reduce_only) == (False, True)
    assert other.held() == 0
    assert states(home) == [*ENTERED, "closing", "closed"]
    assert (exit_of(home), life(home)["exit_price"]) == (reason, str(left_at(home)))
    home.must("plan", "--detailed-exitcode")
    home.must("verify")


@pytest.mark.parametrize("end", ["its stop", "by hand", "liquidation"])
def test_08_one_round_is_enough(other: OtherSide, end: str) -> None:
    """It ended while nobody was listening."""
    home, (ends, reason) = other.home, ENDS[end]

    async def story(running: Running) -> None:
        await entered(running, other)

    with_service(home, story)
    ends(other)
    look(home)
    assert stops(other) == []
    assert (life(home)["state"], exit_of(home)) == ("closed", reason)
    look(home, times=3)
    assert len(every_stop(other)) == 1


def test_08_a_plan_that_hears_of_the_end_takes_the_stop_away(other: OtherSide) -> None:
    """However young the position was: its end is told by an execution."""
    home = other.home

    async def story(running: Running) -> None:
        await entered(running, other)

    with_service(home, story)
    by_hand(other)
    proposed = home.json("plan")["plan"]["broker_actions"]
    assert [each["kind"] for each in proposed] == ["cancel_orphan_stop"]
    home.must("apply", "--confirm", home.stage_and_approve("all"))
    assert stops(other) == []
    home.must("plan", "--detailed-exitcode")
    home.must("verify")


def test_08_the_stops_of_a_position_that_changed_often_only_reduce(other: OtherSide) -> None:
    """Grown, shrunk and left by hand: none of all its stops could ever have opened anything."""
    home = other.home

    async def story(running: Running) -> None:
        await entered(running, other)
        for side in ("buy", "buy", "sell"):
            other.trade(side, "0.002")
            await running.until(lambda: is_guarded(other), "a stop of its size")
        by_hand(other)
        await running.until(lambda: not stops(other), "no stop left")
        await held(running, "0", other.symbol)

    with_service(home, story)
    look(home, times=3)
    assert stops(other) == []
    assert {each.reduce_only for each in every_stop(other)} == {True}
    rows = home.rows("SELECT reduce_only FROM orders WHERE order_type = 'stop'")
    assert {row["reduce_only"] for row in rows} == {1}


def test_08_a_leg_that_is_left_takes_only_its_own_stop_along(tmp_path: Path) -> None:
    """Long and short at once; the long is sold by hand, and later the short bought back."""
    with BybitRound(tmp_path / "home", hedged=True) as bybit:
        legs = {Leg.LONG: (BUY, SELL), Leg.SHORT: (SELL, BUY)}

        def guarded() -> dict[Leg, list[str]]:
            found = {leg: bybit.stops(leg=leg) for leg in legs}
            return {leg: [str(each.quantity) for each in found[leg]] for leg in legs}

        async def story(running: Running) -> None:
            await running.ready()
            for leg, (way_in, _) in legs.items():
                bybit.trade("BTCUSDT", way_in, "0.004", leg=leg)
            both = {Leg.LONG: ["0.004"], Leg.SHORT: ["0.004"]}
            await running.until(lambda: guarded() == both, "a stop for each")
            born = "SELECT 1 FROM position_lives WHERE state = 'open'"
            await running.until(lambda: len(bybit.home.rows(born)) == 2, "a life for each")
            bybit.trade("BTCUSDT", SELL, "0.004", leg=Leg.LONG)
            await running.until(lambda: guarded() == both | {Leg.LONG: []}, "the short's is left")
            bybit.trade("BTCUSDT", BUY, "0.004", leg=Leg.SHORT)
            await running.until(lambda: not any(guarded().values()), "none is left")

        with_service(bybit.home, story)
        look(bybit.home, times=3)
        assert len(bybit.ours()) == 2
        assert all(each.ticket.reduce_only for each in bybit.ours())
        rows = bybit.home.rows("SELECT side, state, exit_reason FROM position_lives ORDER BY side")
        assert [(row["side"], row["state"], row["exit_reason"]) for row in rows] == [
            ("long", "closed", "external"),
            ("short", "closed", "external"),
        ]
        bybit.check_true()
