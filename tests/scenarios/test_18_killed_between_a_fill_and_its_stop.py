"""Elsewhere a restart lost the stop of a position that had just been bought, or took an order that
rested for a position.

Here the next plan after a kill is exactly one stop, the service places exactly that, and an entry
that has not filled stays open without one.
"""

import asyncio
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.domain.moment import moment_text
from core.operate.managing import Service
from tests.crash.power import Power, PowerCut
from tests.home import HomeUnderTest
from tests.scenarios import virtual
from tests.scenarios.lives import ENTERED, life, states
from tests.scenarios.other_side import (
    BYBIT,
    MEXC,
    BybitSide,
    MexcSide,
    OtherSide,
    PaperSide,
    every_stop,
    is_guarded,
    other_side,
    stops,
    wish,
)
from tests.service.process import managed, until
from tests.service.records import held, holding, resting
from tests.service.running import Running, one_round, submit, with_service
from tests.venues.exchange import Event, Executed
from tests.venues.faults import Fault
from tests.venues.server import Venue

START = datetime.now(UTC)
PAUSE = timedelta(seconds=5)


# --- the power fails ------------------------------------------------------------------------------


def with_a_signal(root: Path) -> PaperSide:
    other = PaperSide(root)
    submit(other.home, wish(other, timestamp=moment_text(START)))
    return other


async def guarded(other: OtherSide) -> None:
    await virtual.until(lambda: is_guarded(other))


def between(root: Path) -> range:
    """The moments from the fill at the venue to the last at which no stop has been begun."""
    other, power = with_a_signal(root), Power()

    async def story(service: Service) -> None:
        await guarded(other)

    virtual.in_virtual_time(other.home, START, story, power)
    entry, stop = [at for at, name in enumerate(power.moments) if name == "before placing"]
    return range(power.moments.index("after placing", entry), stop - 1)


def what_is_proposed(home: HomeUnderTest) -> list[str]:
    return [each["kind"] for each in home.json("plan")["plan"]["broker_actions"]]


def die(other: OtherSide, moment: int) -> None:
    async def story(service: Service) -> None:
        await guarded(other)

    with pytest.raises(PowerCut):
        virtual.in_virtual_time(other.home, START, story, Power(moment + 1))


def live_on(other: OtherSide) -> None:
    async def story(service: Service) -> None:
        await guarded(other)
        await asyncio.sleep(60)

    virtual.in_virtual_time(other.home, START + PAUSE, story)


SHARDS = 4


@pytest.mark.parametrize("shard", range(SHARDS))
def test_18_whenever_the_power_fails_the_next_plan_is_one_stop(tmp_path: Path, shard: int) -> None:
    moments = between(tmp_path / "whole")
    assert len(moments) > 20
    for moment in moments[shard::SHARDS]:
        other = with_a_signal(tmp_path / str(moment))
        die(other, moment)
        assert every_stop(other) == []
        # What became of the entry is asked for first, if the program had not heard of it.
        other.home.must("apply", "--resume")
        assert what_is_proposed(other.home) == ["place_stop"]
        live_on(other)
        check_one_stop(other)
        shutil.rmtree(other.home.root)


def check_one_stop(other: OtherSide) -> None:
    (stop,) = every_stop(other)
    assert (stop.live, stop.left, stop.reduce_only) == (True, abs(other.held()), True)
    assert states(other.home) == ENTERED
    other.home.must("plan", "--detailed-exitcode")
    other.home.must("verify")


# --- kill -9 --------------------------------------------------------------------------------------

PLACE = {BYBIT: "order/create", MEXC: "planorder/place"}
# Longer than anything that was sent can still be on its way.
QUARANTINE = 30


@pytest.fixture(params=[BYBIT, MEXC])
def venue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BybitSide | MexcSide]:
    with other_side(request.param, tmp_path / "home", timeout_seconds="1", retry="1") as other:
        assert isinstance(other, BybitSide | MexcSide)
        yield other


def deaf_once_bought(venue: BybitSide | MexcSide, endpoint: str) -> None:
    """From the first execution on nothing that is placed arrives."""

    def listen(at: Venue) -> None:
        def hear(event: Event) -> None:
            if isinstance(event, Executed):
                at.faults.always(endpoint, Fault.HANG)

        at.exchange.listen(hear)

    venue.round.do(listen)


def test_18_killed_while_the_stop_is_on_its_way(
    venue: BybitSide | MexcSide, request: pytest.FixtureRequest
) -> None:
    """It never arrives: the next service finds that out and places exactly one."""
    home, name = venue.home, request.node.callspec.params["venue"]
    with managed(home) as service:
        deaf_once_bought(venue, PLACE[name])
        submit(home, wish(venue))
        sent = "SELECT 1 FROM journal WHERE kind = 'place_stop'"
        until(lambda: home.rows(sent), "its stop is on its way")
        service.kill()
        service.wait()
    assert holding(home, venue.symbol) > 0
    assert every_stop(venue) == []
    venue.heal()
    venue.round.let_pass(seconds=QUARANTINE)

    async def story(running: Running) -> None:
        await running.until(lambda: is_guarded(venue), "its stop")

    with_service(home, story)
    check_one_stop(venue)


# --- an order that rests --------------------------------------------------------------------------


def test_18_an_entry_that_has_not_filled_stays_open_without_a_stop(other: OtherSide) -> None:
    home, asked = other.home, resting(59_000, asset=other.symbol)
    with managed(home) as service:
        submit(home, asked)
        until(lambda: [each for each in other.orders() if each.live], "it rests")
        service.kill()
        service.wait()
    if home.rows("SELECT 1 FROM journal WHERE state = 'begun'"):
        home.must("apply", "--resume")
    assert what_is_proposed(home) == []

    async def look_on(running: Running) -> None:
        await running.ready()
        await one_round(running.service)
        assert [each.live for each in other.orders()] == [True]

    with_service(home, look_on)
    assert every_stop(other) == []
    assert holding(home, other.symbol) == 0
    assert states(home) == ENTERED[:2]
    (row,) = home.rows("SELECT status, filled_quantity FROM orders")
    assert row == {"status": "open", "filled_quantity": "0"}

    async def it_fills(running: Running) -> None:
        await running.ready()
        (order,) = other.orders()
        other.fill(order.order_id, str(order.quantity), "59000")
        await running.until(lambda: is_guarded(other), "its stop")
        await held(running, str(order.quantity), other.symbol)

    with_service(home, it_fills)
    assert stops(other) == every_stop(other)
    assert life(home)["state"] == "open"
