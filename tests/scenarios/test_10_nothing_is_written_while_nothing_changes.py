"""Elsewhere the stop of a position that did not move was cancelled and created 175 times in 14
minutes, because each round wanted it once more.

Here a round that finds everything as it should be writes nothing: not at the venue, not in the
book, however often it comes.
"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from core.domain.moment import moment_text
from core.operate.managing import Service
from tests.home import HomeUnderTest
from tests.scenarios.lives import life
from tests.scenarios.looking import look
from tests.scenarios.other_side import OtherSide, PaperSide, every_stop, is_guarded, wish
from tests.scenarios.unchanged import nothing_written
from tests.scenarios.virtual import in_virtual_time, until
from tests.service.records import told
from tests.service.running import Running, one_round, submit, with_service

ROUNDS = 100
FOURTEEN_MINUTES = 14 * 60
# How the position stands, and the telling of it.
RECORDS = ("position_snapshots", "outbox", "relay_cursors")


async def settled(running: Running, other: OtherSide) -> None:
    """In a position with its stop, and all of it booked."""
    await told(running, wish(other))
    await running.until(lambda: is_guarded(other), "its stop")
    await running.until(lambda: life(running.home)["stop_order_id"], "its stop in the book")
    await running.until(lambda: not running.service.lanes.waiting, "nothing waits")


def is_told(home: HomeUnderTest) -> bool:
    last = home.rows("SELECT max(sequence) AS sequence FROM outbox")
    return home.rows("SELECT sequence FROM relay_cursors") == last


def test_10_a_hundred_rounds_of_a_running_service(other: OtherSide) -> None:
    """Streams, lanes, quotes and heartbeats go on meanwhile."""

    async def enter(running: Running) -> None:
        await settled(running, other)

    async def look_on(running: Running) -> None:
        # What is written down at the start, and every five minutes.
        recorded = "SELECT 1 FROM position_snapshots"
        await running.until(lambda: other.home.rows(recorded), "how the position stands")
        await one_round(running.service)
        # The first quotes are the highest and the lowest that the position has seen.
        await running.service.prices.look()
        await running.until(lambda: is_told(running.home), "the logs of trades are written")
        with nothing_written(other):
            for _ in range(ROUNDS):
                await one_round(running.service)
                await running.service.prices.look()

    with_service(other.home, enter)
    other.home.execute("DELETE FROM position_snapshots")
    with_service(other.home, look_on)
    assert is_guarded(other)


def test_10_a_hundred_rounds_after_a_restart(other: OtherSide) -> None:
    async def story(running: Running) -> None:
        await settled(running, other)

    with_service(other.home, story)
    look(other.home, times=2)
    with nothing_written(other):
        look(other.home, times=ROUNDS)


def test_10_a_hundred_rounds_with_nothing_held(other: OtherSide) -> None:
    """Bought, protected, and sold by hand: what is over is not looked into again."""

    async def story(running: Running) -> None:
        await settled(running, other)
        other.trade("sell", str(other.held()))
        await running.until(lambda: life(running.home)["state"] == "closed", "its life is over")

    with_service(other.home, story)
    look(other.home, times=2)
    with nothing_written(other):
        look(other.home, times=ROUNDS)


def test_10_fourteen_minutes_at_their_own_pace(tmp_path: Path) -> None:
    """Every part of the service as often as it likes. How the position stands is recorded every
    five minutes, because that is asked for."""
    start = datetime.now(UTC)
    other = PaperSide(tmp_path / "home")
    other.home.set_in("EXECUTION", reconcile_interval="5")
    submit(other.home, wish(other, timestamp=moment_text(start)))

    async def story(service: Service) -> None:
        await until(lambda: is_guarded(other))
        await asyncio.sleep(60)
        with nothing_written(other, apart_from=RECORDS):
            await asyncio.sleep(FOURTEEN_MINUTES)

    in_virtual_time(other.home, start, story)
    (stop,) = every_stop(other)
    assert stop.live
    told = other.home.rows("SELECT event_type FROM outbox ORDER BY sequence DESC LIMIT 2")
    assert [row["event_type"] for row in told] == ["position.snapshot"] * 2
