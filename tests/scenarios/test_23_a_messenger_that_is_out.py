"""Elsewhere trading stopped because nobody could be told of it, and the token of the messenger
stood in the traceback.

Here what tells people may be broken in any way: signals become positions with their stops, and no
secret is written anywhere.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.operate.turn import Turn
from tests.full_disk import disk_full_after
from tests.home import HomeUnderTest
from tests.scenarios.lives import exit_of, life
from tests.scenarios.other_side import (
    BYBIT,
    MEXC,
    BybitSide,
    MexcSide,
    OtherSide,
    PaperSide,
    close,
    is_guarded,
    other_side,
    stops,
    wish,
)
from tests.service.records import alerts, held, reasons, told
from tests.service.running import Running, submit, with_service
from tests.service.test_exits import refusing_stops
from tests.venues.faults import Fault

# More than the book of such a story ever becomes, and less than a log grows to by itself.
FULL_AT_BYTES = 9 * 1024 * 1024


def logs(home: HomeUnderTest) -> Path:
    return home.root / "logs"


@contextmanager
def alerts_not_writable(home: HomeUnderTest) -> Iterator[None]:
    """A folder stands where the alerts should go."""
    file = logs(home) / "alerts.jsonl"
    file.unlink(missing_ok=True)
    file.mkdir(parents=True)
    yield


@contextmanager
def no_log_folder(home: HomeUnderTest) -> Iterator[None]:
    """Gone, and a file stands in its place."""
    shutil.rmtree(logs(home), ignore_errors=True)
    logs(home).write_text("in the way\n")
    yield


@contextmanager
def trades_not_writable(home: HomeUnderTest) -> Iterator[None]:
    folder = logs(home) / "trades"
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("in the way\n")
    yield


@contextmanager
def logs_full(home: HomeUnderTest) -> Iterator[None]:
    """Whatever is told lies at the end of what fits; the book is smaller."""
    for name in ("alerts.jsonl", "reconcile.log"):
        with (logs(home) / name).open("ab") as file:
            file.truncate(FULL_AT_BYTES)
    with disk_full_after(FULL_AT_BYTES):
        yield


BROKEN = {
    "alerts are a folder": alerts_not_writable,
    "the log folder is a file": no_log_folder,
    "the trade logs are a file": trades_not_writable,
    "the logs are full": logs_full,
}


@pytest.mark.parametrize("broken", BROKEN)
def test_23_a_signal_becomes_a_protected_position_all_the_same(
    other: OtherSide, broken: str
) -> None:
    home, refused = other.home, wish(other, amount=10_000_000)

    async def story(running: Running) -> None:
        await running.ready()
        with BROKEN[broken](home):
            # Refused for its size, which people should hear of.
            await told(running, refused)
            await told(running, wish(other))
            await running.until(lambda: is_guarded(other), "its stop")
            # Somebody adds to it, which people should hear of as well.
            other.trade("buy", "0.003")
            await running.until(lambda: is_guarded(other), "its stop grown")
            submit(home, close(other))
            await held(running, "0", other.symbol)
            await running.until(lambda: not stops(other), "no stop left")
            await running.until(lambda: life(home)["state"] == "closed", "its life is over")

    with_service(home, story)
    breaches = [code for code in reasons(home, refused) if code.startswith("risk_")]
    assert len(alerts(home, "risk_limit_violated")) == len(breaches) > 0
    assert exit_of(home) == "signal"
    assert len(alerts(home, "manual_dca")) == 1


# --- what has to happen although nobody hears of it -----------------------------------------------


@pytest.mark.parametrize("broken", BROKEN)
def test_23_a_liquidation_halts_entries_although_nobody_hears_of_it(
    other: OtherSide, broken: str
) -> None:
    home, refused = other.home, wish(other)

    async def story(running: Running) -> None:
        await told(running, wish(other))
        await running.until(lambda: is_guarded(other), "its stop")
        with BROKEN[broken](home):
            other.liquidate()
            await held(running, "0", other.symbol)
            await running.until(lambda: home.rows("SELECT * FROM halts"), "entries halted")
            await told(running, refused)
            await running.until(lambda: not stops(other), "no stop left")

    with_service(home, story)
    assert reasons(home, refused) == ["entries_halted"]
    assert len(alerts(home, "liquidation")) == 1


@pytest.mark.parametrize("broken", BROKEN)
def test_23_a_position_that_cannot_be_protected_is_left_although_nobody_hears_of_it(
    tmp_path: Path, broken: str
) -> None:
    other = PaperSide(tmp_path / "home")
    home = other.home

    async def story(running: Running) -> None:
        await running.ready()
        with BROKEN[broken](home):
            submit(home, wish(other))
            await running.until(other.held, "bought")
            await running.until(lambda: life(home)["state"] == "closed", "left")

    with_service(home, story, refusing_stops)
    assert exit_of(home) == "stop_loss"
    assert len(alerts(home, "emergency_close")) == 1


# --- secrets --------------------------------------------------------------------------------------


@pytest.fixture(params=[BYBIT, MEXC])
def venue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BybitSide | MexcSide]:
    with other_side(request.param, tmp_path / "home", timeout_seconds="1", retry="1") as other:
        assert isinstance(other, BybitSide | MexcSide)
        yield other


READS = {BYBIT: "position/list", MEXC: "position/open_positions"}
WRITES = {BYBIT: "order/create", MEXC: "order/create"}


def test_23_no_secret_stands_in_anything_that_is_written(
    venue: BybitSide | MexcSide,
    request: pytest.FixtureRequest,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The venue repeats them in its errors, and a part of the program breaks with one in hand."""
    home, name = venue.home, request.node.callspec.params["venue"]
    secret, log = venue.round.venue.api_secret, logs(home) / "reconcile.log"
    leak = Fault.http(502, text=f"denied: {venue.round.venue.api_key} {secret}")
    lost = wish(venue)
    home.set_in("EXECUTION", reconcile_interval="1")

    def broken(running: Running) -> None:
        """Once, a lane breaks with the secret in its traceback."""
        turn, tries = running.service.lanes.turn, list[str]()

        async def defective(account: str, symbol: str) -> Turn:
            if not tries:
                tries.append(symbol)
                raise RuntimeError(f"signing with {secret} failed")
            return await turn(account, symbol)

        running.service.lanes.turn = defective

    async def story(running: Running) -> None:
        await running.ready()
        broken(running)
        venue.round.always(READS[name], leak)
        submit(home, lost)
        await running.until(lambda: "lane_trouble" in log.read_text(), "the lane broke")
        await running.service.prices.look()
        await running.until(
            lambda: any(map(running.service.rounds.is_late, running.service.accounts)),
            "a round could not look",
        )
        venue.round.heal()
        venue.round.fault(WRITES[name], leak)
        unknown = "SELECT 1 FROM journal WHERE state = 'unknown'"
        await running.until(lambda: home.rows(unknown), "nobody knows what became of it")
        venue.round.let_pass(seconds=30)
        await running.settled(lost["signal_id"])
        await told(running, wish(venue))
        await running.until(lambda: is_guarded(venue), "its stop")

    with_service(home, story)
    for command in ("status", "alerts", "plan", "verify", "history"):
        home.trueup(command)
    assert "RuntimeError" in log.read_text()
    assert venue.round.home.kept_from(secret) == []
    said = capfd.readouterr()
    assert secret not in said.out + said.err
