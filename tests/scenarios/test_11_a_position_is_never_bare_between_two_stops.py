"""Elsewhere a stop was moved by cancelling it and creating another one, and when the create failed
the position stood there without any.

Here the old stop stays until the new one stands, and where the venue can, it is changed in place.
What fails is tried again, or a person is asked; in the end there is one stop, of the right size.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.home import HomeUnderTest
from tests.rounds.bybit_round import BybitRound
from tests.rounds.mexc_round import MexcRound
from tests.scenarios.lives import life, states
from tests.scenarios.other_side import (
    BybitSide,
    MexcSide,
    OtherSide,
    PaperSide,
    Shown,
    every_stop,
    is_guarded,
    other_side,
    stops,
    wish,
)
from tests.service.records import alerts, market, told
from tests.service.running import Running, with_service
from tests.venues.exchange import Event
from tests.venues.faults import Fault
from tests.venues.server import Venue

CREATE = "planorder/place"
DAY_MS = 86_400_000


@pytest.fixture
def mexc(tmp_path: Path) -> Iterator[MexcSide]:
    """Cannot change a stop; not patient, and looked at every second."""
    with other_side("mexc", tmp_path / "home", timeout_seconds="0.4", retry="1") as mexc:
        assert isinstance(mexc, MexcSide)
        mexc.home.set_in("EXECUTION", reconcile_interval="1")
        mexc.home.set_in("POSITIONS", min_stop_modify_interval_ms="100")
        yield mexc


@pytest.fixture
def bybit(tmp_path: Path) -> Iterator[BybitSide]:
    with other_side("bybit", tmp_path / "home", timeout_seconds="0.4", retry="1") as bybit:
        assert isinstance(bybit, BybitSide)
        bybit.home.set_in("EXECUTION", reconcile_interval="1")
        bybit.home.set_in("POSITIONS", min_stop_modify_interval_ms="100")
        yield bybit


def bare_moments(other: MexcSide | BybitSide) -> list[Event]:
    """From now on every event of the venue at which the position is held without a live stop."""
    found: list[Event] = []

    def listen(venue: Venue) -> None:
        def hear(event: Event) -> None:
            guards = [each for each in venue.exchange.register.open_orders() if each.trigger]
            if venue.exchange.position(other.symbol).quantity and not guards:
                found.append(event)

        venue.exchange.listen(hear)

    other.round.do(listen)
    return found


# --- why a new one is wanted ----------------------------------------------------------------------


def it_is_moved(other: OtherSide) -> None:
    other.move("61200")


def it_is_too_small(other: OtherSide) -> None:
    other.trade("buy", "0.003")


def it_is_too_large(other: OtherSide) -> None:
    other.trade("sell", "0.002")


def it_is_about_to_end(other: OtherSide) -> None:
    """Placed six days ago."""
    assert isinstance(other, MexcSide)

    def older(venue: Venue) -> None:
        for order in venue.exchange.register.open_orders():
            order.created_ms -= 6 * DAY_MS

    other.round.do(older)


WHY: dict[str, Callable[[OtherSide], None]] = {
    "moved": it_is_moved,
    "too small": it_is_too_small,
    "too large": it_is_too_large,
    "about to end": it_is_about_to_end,
}
FAILS = {
    "refused": Fault.refused(2005, "Balance insufficient"),
    "the venue is ill": Fault.http(503),
    "never arrived": Fault.HANG,
    "reset": Fault.RESET,
    # A stop at MEXC bears no name of ours; it is known by its terms.
    "arrived, unheard": Fault.LOST_REPLY,
    "arrived late": Fault.LATE_ACCEPT,
}


async def entered(running: Running, other: OtherSide) -> None:
    await told(running, wish(other))
    await running.until(lambda: is_guarded(other), "its stop")


def check_true(venue: BybitRound | MexcRound) -> None:
    """Whoever only looks is given time for it."""
    name = "mx1" if isinstance(venue, MexcRound) else "by1"
    venue.home.configure(name, timeout_seconds="10")
    venue.check_true()


def is_gone(stop: Shown, other: OtherSide) -> bool:
    return stop.order_id not in [each.order_id for each in stops(other)]


@pytest.mark.parametrize("fails", FAILS)
@pytest.mark.parametrize("why", WHY)
def test_11_the_old_stop_survives(mexc: MexcSide, why: str, fails: str) -> None:
    venue, home = mexc.round, mexc.home

    async def story(running: Running) -> None:
        await entered(running, mexc)
        (old,) = stops(mexc)
        bare = bare_moments(mexc)
        venue.fault(CREATE, FAILS[fails])
        WHY[why](mexc)
        await running.until(lambda: tried(home), "the first try came to nothing")
        assert not is_gone(old, mexc)
        venue.do(lambda v: v.release())
        venue.let_pass(seconds=25)
        await running.until(lambda: is_guarded(mexc) and is_gone(old, mexc), "another one alone")
        (new,) = stops(mexc)
        assert (new.trigger > old.trigger) is (why == "moved")
        await running.until(lambda: stop_price(home) == new.trigger, "its life knows")
        assert bare == []

    with_service(home, story)
    assert states(home)[3:] == (["trailing"] if why == "moved" else [])
    check_true(venue)


@pytest.mark.parametrize("why", WHY)
def test_11_however_often_it_is_refused(mexc: MexcSide, why: str) -> None:
    """Tried again and again at a measured pace; nobody leaves a position that has its stop."""
    home, venue = mexc.home, mexc.round

    async def story(running: Running) -> None:
        await entered(running, mexc)
        (old,) = stops(mexc)
        bare = bare_moments(mexc)
        venue.always(CREATE, Fault.refused(2005, "Balance insufficient"))
        WHY[why](mexc)
        await running.until(lambda: len(venue.requests(CREATE)) > 4, "tried again")
        assert [each.order_id for each in stops(mexc)] == [old.order_id]
        venue.heal()
        await running.until(lambda: is_guarded(mexc) and is_gone(old, mexc), "another one alone")
        assert bare == []

    with_service(home, story)
    assert alerts(home, "emergency_close") == []
    # What only follows the price is tried with the next quote; the rest is told, and told once.
    assert len(alerts(home, "change_refused")) == (why != "moved")
    assert alerts(home, "order_outcome_unknown") == []
    check_true(venue)


CANCELS = {
    "refused": Fault.refused(9999, "system busy"),
    "never arrived": Fault.HANG,
    "carried out, unheard": Fault.LOST_REPLY,
    "reset": Fault.RESET,
}


@pytest.mark.parametrize("fails", CANCELS)
@pytest.mark.parametrize("why", WHY)
def test_11_the_old_one_that_does_not_go_goes_later(mexc: MexcSide, why: str, fails: str) -> None:
    """The new stop stands beside it, and both only reduce."""
    home, venue = mexc.home, mexc.round

    async def story(running: Running) -> None:
        await entered(running, mexc)
        (old,) = stops(mexc)
        bare = bare_moments(mexc)
        venue.fault("planorder/cancel", CANCELS[fails])
        WHY[why](mexc)
        await running.until(lambda: given_up(home), "the first cancel came to nothing")
        venue.let_pass(seconds=25)
        await running.until(lambda: is_guarded(mexc) and is_gone(old, mexc), "the new one alone")
        assert bare == []

    with_service(home, story)
    check_true(venue)
    assert len(every_stop(mexc)) == 2


def given_up(home: HomeUnderTest) -> bool:
    """It may have been asked for, and found, before anybody looks."""
    rows = home.rows("SELECT * FROM journal WHERE kind = 'cancel_duplicate_stop'")
    return any(row["state"] in ("failed", "unknown") or row["outcome"] for row in rows)


AMENDS = {
    "refused": Fault.refused(10001, "params error"),
    "never arrived": Fault.HANG,
    "arrived, unheard": Fault.LOST_REPLY,
    "arrived late": Fault.LATE_ACCEPT,
    "reset": Fault.RESET,
}


@pytest.mark.parametrize("fails", AMENDS)
@pytest.mark.parametrize("why", ["moved", "too small", "too large"])
def test_11_where_a_stop_is_changed_in_place(bybit: BybitSide, why: str, fails: str) -> None:
    home, venue = bybit.home, bybit.round

    async def story(running: Running) -> None:
        await entered(running, bybit)
        (old,) = stops(bybit)
        bare = bare_moments(bybit)
        venue.fault("order/amend", AMENDS[fails])
        WHY[why](bybit)
        await running.until(lambda: not_amended(home), "the first amendment came to nothing")
        venue.do(lambda v: v.release())
        venue.let_pass(seconds=25)
        await running.until(lambda: is_as_wanted(bybit, old, why), "as it should be")
        assert bare == []

    with_service(home, story)
    assert len(every_stop(bybit)) == 1
    check_true(venue)


def not_amended(home: HomeUnderTest) -> bool:
    """It may have been asked for, and found, before anybody looks."""
    rows = home.rows("SELECT * FROM journal WHERE kind IN ('resize_stop', 'move_stop')")
    return any(row["state"] in ("failed", "unknown") or row["outcome"] for row in rows)


def is_as_wanted(other: OtherSide, old: Shown, why: str) -> bool:
    """The same stop, changed."""
    (stop,) = stops(other)
    assert stop.order_id == old.order_id
    return is_guarded(other) and (stop.trigger > old.trigger) is (why == "moved")


def stop_price(home: HomeUnderTest) -> Decimal:
    return Decimal(life(home)["stop_price"])


def tried(home: HomeUnderTest) -> bool:
    """A second stop was begun, and did not become one."""
    rows = home.rows("SELECT state FROM journal WHERE kind = 'place_stop' ORDER BY sequence")
    return len(rows) > 1 and rows[1]["state"] in ("failed", "unknown")


@pytest.fixture
def one_stop(tmp_path: Path) -> PaperSide:
    """A venue that can neither change a stop nor take a second one."""
    paper = PaperSide(tmp_path / "home")
    paper.home.set_in("EXECUTION", reconcile_interval="1")
    market(paper.home).simulate(amends=False, one_stop=True)
    return paper


@pytest.mark.parametrize("why", ["too small", "too large"])
def test_11_where_only_one_stop_can_stand_the_old_one_makes_way(
    one_stop: PaperSide, why: str
) -> None:
    async def story(running: Running) -> None:
        await entered(running, one_stop)
        WHY[why](one_stop)
        await running.until(lambda: is_guarded(one_stop), "one stop of the right size")

    with_service(one_stop.home, story)
    one_stop.home.must("verify")


def test_11_where_only_one_stop_can_stand_and_the_new_one_is_refused(one_stop: PaperSide) -> None:
    """Bare, it is left at once and somebody is woken."""
    home = one_stop.home

    async def story(running: Running) -> None:
        await entered(running, one_stop)
        refused = {"on": "place", "kind": "reject", "times": 1}
        market(home).simulate(faults=[refused])
        it_is_too_large(one_stop)
        await running.until(lambda: life(home)["state"] == "closed", "left")

    with_service(home, story)
    assert one_stop.held() == 0
    assert stops(one_stop) == []
    (told_of,) = home.rows("SELECT * FROM alerts WHERE severity = 'CRITICAL'")
    assert told_of["type"] == "emergency_close"
    assert states(home)[3:] == ["closing", "closed"]
    assert life(home)["exit_reason"] == "stop_loss"
    home.must("verify")
