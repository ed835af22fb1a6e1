"""Whatever happens to an account, once it is at rest its positions are protected and agreed upon.

Random fills, partial exits, restarts, deaths, lost replies and price paths: on the paper broker in
virtual time, in-process, with the power cut at any moment; on emulated Bybit and MEXC with the real
client library and the service as a process of its own, killed with -9. A failure names its seed
and tells the story. Many more seeds with TRUEUP_TEST_ALL=1.
"""

import asyncio
import os
import random
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.assembly import intakes, listeners
from core.brokers.paper.desk import PaperAccount
from core.domain.order import Side
from core.host.disk import DiskFiles
from core.operate.managing import Service
from tests.build import instrument, quote, snapshot
from tests.crash.power import Power, PowerCut
from tests.crash.test_manage import desk_with
from tests.home import HomeUnderTest
from tests.properties.stories import Stage
from tests.properties.whole import check_history, untrue, wrong
from tests.scenarios.other_side import BYBIT, MEXC, PaperSide, VenueSideOf, other_side
from tests.service.process import start_manage
from tests.virtual_time import run_to_its_end

ALL = os.environ.get("TRUEUP_TEST_ALL") == "1"
# What failed once is told again.
FOUND = (388,)
ON_PAPER = range(400) if ALL else (*range(16), *FOUND)
AT_VENUES = range(20 if ALL else 2)
SESSIONS = 3
# Virtual ones.
REST_SECONDS = 500
PATIENCE = 90
# So long after its beginning no call can still be on its way.
QUARANTINES_OVER = 300.0


def settings_of(home: HomeUnderTest, chance: random.Random) -> None:
    """Nothing but time is made short; what is drawn are the choices an operator has."""
    home.set_in(
        "EXECUTION",
        scale_in="true",
        max_scale_ins="20",
        allow_reverse=chance.choice(["true", "false"]),
    )
    home.set_in("EXITS", max_holding_minutes=chance.choice(["0", "5"]))
    home.set_in("RISK", max_position_size="0", max_order_size_ratio="0")


# --- on paper, in virtual time --------------------------------------------------------------------


class PaperInVirtualTime(PaperSide):
    """The market's clock is the service's."""

    def __init__(self, root: Path, start: datetime):
        super().__init__(root)
        self.start = start

    def now(self) -> datetime:
        try:
            passed = asyncio.get_running_loop().time()
        except RuntimeError:
            passed = 0.0
        return self.start + timedelta(seconds=passed)

    def _market(self) -> PaperAccount:
        return PaperAccount(self.home.paper_file, "main", files=DiskFiles(), now=self.now)

    def trade(self, side: str, quantity: str) -> None:
        self._market().trade(self.symbol, Side(side), Decimal(quantity))

    def move(self, price: str) -> None:
        at = Decimal(price)
        self._market().move_quote(self.symbol, at, bid=at, ask=at)

    def cancel(self, order_id: str) -> None:
        self._market().cancel(order_id)

    def heal(self) -> None:
        """What is smaller than a step at that share would never fill."""
        self._market().simulate(faults=[], fill_ratio="1")


def on_paper(root: Path, seed: int) -> Stage:
    start, chance = datetime.now(UTC), random.Random(seed)
    side = PaperInVirtualTime(root, start)
    told = quote("BTCUSDT", bid="60000", ask="60000", last=60000, at=start)
    side.home.tell(snapshot(instrument("BTCUSDT", base="BTC"), told, taken_at=start))
    document = side.home.account
    document["balances"] = [{"currency": "USDT", "total": "1000000", "available": "1000000"}]
    document["simulation"] = {
        "leverage": {"BTCUSDT": "10"},
        "amends": chance.random() < 0.7,
        "fill_ratio": chance.choice(["1", "0.4"]),
        "fee_rate": chance.choice(["0", "0.0005"]),
    }
    side.home.rewrite_account(document)
    settings_of(side.home, chance)
    side.home.must("plan")
    return Stage(side=side, chance=chance, price=Decimal(60000), now=side.now)


async def session(stage: Stage, start: datetime, power: Power, *, moves: int) -> list[str]:
    """The service runs, the moves happen, and then nothing more does."""
    assert isinstance(stage.side, PaperInVirtualTime)
    stage.side.start = start
    desk = desk_with(stage.side.home, power, start)
    service = Service(
        desk=desk, accounts=["main"], intakes=intakes(desk), listeners=listeners(desk)
    )
    stop = asyncio.Event()
    try:
        running = asyncio.create_task(service.run(stop))
        await asyncio.sleep(2)
        for _ in range(moves):
            stage.play()
            await asyncio.sleep(stage.chance.choice([0, 0, 0.3, 1, 3, 40]))
            if running.done():
                await running
        stage.side.heal()
        found = await rest(stage)
        stop.set()
        await running
        return found
    finally:
        await desk.close()


async def rest(stage: Stage) -> list[str]:
    for _ in range(REST_SECONDS):
        if not wrong(stage.side):
            return []
        await asyncio.sleep(1)
    return wrong(stage.side)


@pytest.mark.parametrize("seed", ON_PAPER)
def test_on_paper_all_is_well_in_the_end(tmp_path: Path, seed: int) -> None:
    stage = on_paper(tmp_path / "home", seed)
    start = stage.now()
    for number in range(SESSIONS):
        start += timedelta(minutes=20)
        last = number == SESSIONS - 1
        dies = stage.chance.random() < 0.5 and not last
        power = Power(stage.chance.randrange(50, 600) if dies else None)
        moves = 0 if last else stage.chance.randrange(5, 14)
        try:
            found = run_to_its_end(session(stage, start, power, moves=moves), PowerCut)
        except PowerCut:
            stage.told.append("--- the power failed")
        else:
            assert found == [], told_of(stage, seed, found)
            stage.told.append("--- all is well, and the service stops")
    check_end(stage, seed)


# --- at venues, in real time ----------------------------------------------------------------------


@pytest.mark.parametrize("seed", AT_VENUES)
@pytest.mark.parametrize("venue", [BYBIT, MEXC])
def test_at_a_venue_all_is_well_in_the_end(tmp_path: Path, venue: str, seed: int) -> None:
    with other_side(venue, tmp_path / "home", timeout_seconds="0.5", retry="1") as side:
        chance = random.Random(f"{venue} {seed}")
        settings_of(side.home, chance)
        side.home.set_in("POSITIONS", min_stop_modify_interval_ms="200", close_grace_ms="3000")
        side.home.set_in("EXECUTION", reconcile_interval="2")
        side.home.set_in("EXITS", exit_cooldown_seconds="1", limit_timeout_seconds="2")
        stage = Stage(side=side, chance=chance, price=Decimal(60000))
        for number in range(SESSIONS):
            last = number == SESSIONS - 1
            run_for_a_while(stage, moves=0 if last else chance.randrange(4, 9), to_rest=last)
        check_end(stage, seed)


def run_for_a_while(stage: Stage, *, moves: int, to_rest: bool) -> None:
    process = start_manage(stage.side.home)
    try:
        time.sleep(stage.chance.uniform(1.0, 2.0))
        for _ in range(moves):
            stage.play()
            time.sleep(stage.chance.choice([0, 0.1, 0.4, 1]))
        if to_rest:
            stage.side.heal()
            come_to_rest(stage)
            process.terminate()
            process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)
    stage.told.append("--- all is well" if to_rest else "--- killed")


def come_to_rest(stage: Stage) -> None:
    assert isinstance(stage.side, VenueSideOf)
    end = time.monotonic() + PATIENCE
    while found := wrong(stage.side):
        assert time.monotonic() < end, told_of(stage, 0, found)
        stage.side.round.let_pass(QUARANTINES_OVER)
        time.sleep(0.5)


# --- in the end -----------------------------------------------------------------------------------


def check_end(stage: Stage, seed: int) -> None:
    home = stage.side.home
    found = untrue(stage.side)
    assert found == [], told_of(stage, seed, found)
    try:
        check_history(home)
        home.must("verify")
    except AssertionError as error:
        raise AssertionError(told_of(stage, seed, [str(error)])) from error


def told_of(stage: Stage, seed: int, found: list[str]) -> str:
    return "\n".join([f"seed {seed}", *stage.told, "wrong:", *found])
