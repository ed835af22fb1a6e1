"""R1: the power fails at every single moment of an apply; whoever comes back makes it whole.

book:   V-1 open, V-2 open; nothing else
broker: V-1 4 filled and cancelled, V-2 gone, V-3 new; BTC held with two stops, ETH with a stop of
        the wrong size, SPY with none
apply:  insert, update, delete, executions; place, resize and cancel stops
"""

import asyncio
import shutil
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core.apply.ledger import Ledger
from core.assembly import Caller, Wiring
from core.config.effective import load
from core.config.watch import GateWatch
from core.operate.applying import Selection, apply_staged
from core.operate.desk import Desk
from core.operate.planning import make_plan
from core.operate.resuming import resume
from core.operate.reviewing import Decisions, review
from core.operate.staging import stage
from core.operate.verifying import verify
from tests.build import execution, instrument, order, position, snapshot, stop
from tests.crash.power import FragileBook, FragileBroker, FragileFiles, Power, PowerCut
from tests.home import HomeUnderTest, is_live, make_home

EVENING = snapshot(
    order("V-1"), order("V-2", price=90), instrument(), instrument("ETHUSDT"), instrument("SPY")
)
MORNING = snapshot(
    order("V-1", status="cancelled", filled_quantity=4, average_price=100),
    order("V-3", price=95),
    execution("T-1", 4),
    execution("T-2", 2, symbol="ETHUSDT", broker_order_id="V-8"),
    execution("T-3", 3, symbol="SPY", broker_order_id="V-9"),
    position(4),
    position(2, symbol="ETHUSDT"),
    position(3, symbol="SPY"),
    stop("S-1", 4),
    stop("S-2", 4, trigger_price=89),
    stop("S-3", 5, symbol="ETHUSDT"),
    instrument(),
    instrument("ETHUSDT"),
    instrument("SPY"),
)


class MovableClock:
    """Wall-clock time plus what has been slept, so that no test waits for a quarantine."""

    def __init__(self, start: datetime):
        self._now = start

    def now(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


def desk_with(home: HomeUnderTest, power: Power, clock: MovableClock) -> Desk:
    """The program as it starts afresh, on a machine whose power may fail."""
    watch = GateWatch(home.root, {})
    wiring = Wiring(load(home.root, {}), watch.now, Caller(actor="operator", command="apply"))
    wiring.clock = clock
    wiring.files = FragileFiles(wiring.files, power)
    desk = wiring.desk()
    open_book, open_broker = desk.open_book, desk.open_broker
    desk.open_book = lambda: FragileBook(open_book(), power)
    desk.open_broker = lambda account: FragileBroker(open_broker(account), power)
    return desk


async def stage_all(desk: Desk) -> str:
    plan = await make_plan(desk, ["main"])
    stage(desk, plan)
    if plan.actions:
        review(desk, Decisions(approve=("all",)))
    return plan.plan_id


async def apply(desk: Desk, plan_id: str) -> Ledger:
    ledger = Ledger()
    try:
        await apply_staged(
            desk,
            confirmed=plan_id,
            ask=lambda name: None,
            selection=Selection(),
            interrupted=lambda: False,
            ledger=ledger,
        )
    finally:
        await desk.close()
    return ledger


async def recover(desk: Desk) -> None:
    """What the guide tells the operator to do, until the plan is clean."""
    try:
        await resume(desk)
        for _ in range(4):
            plan = await make_plan(desk, ["main"])
            if not plan.differs:
                return
            await apply_again(desk)
        raise AssertionError("the plan never became clean")
    finally:
        await desk.close()


async def apply_again(desk: Desk) -> None:
    plan_id = await stage_all(desk)
    await apply_staged(
        desk,
        confirmed=plan_id,
        ask=lambda name: None,
        selection=Selection(),
        interrupted=lambda: False,
        ledger=Ledger(),
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> HomeUnderTest:
    """A home in the morning, with the whole plan staged and approved."""
    home = make_home(tmp_path_factory.mktemp("crash") / "home")
    home.tell(EVENING)
    home.adopt_all()
    home.tell(MORNING)
    home.stage_and_approve("all")
    return home


def copy_of(home: HomeUnderTest, to: Path) -> HomeUnderTest:
    shutil.copytree(home.root, to)
    return HomeUnderTest(to)


def clock_now() -> MovableClock:
    from core.host.clock import SystemClock

    return MovableClock(SystemClock().now())


def moments_of(prepared: HomeUnderTest, tmp_path: Path) -> list[str]:
    """Every moment of one apply that goes well."""
    home = copy_of(prepared, tmp_path / "whole")
    power = Power()
    ledger = asyncio.run(apply(desk_with(home, power, clock_now()), home.plan_id()))
    assert ledger.whole
    return power.moments


def check_whole(home: HomeUnderTest) -> None:
    """The invariants that hold after things have settled."""
    orders = home.broker_orders()
    keys = Counter(row["client_order_id"] for row in orders if row["client_order_id"])
    assert all(count == 1 for count in keys.values()), f"an order was placed twice: {keys}"
    for symbol, held in (("BTCUSDT", "4"), ("ETHUSDT", "2"), ("SPY", "3")):
        stops = [row for row in orders if row["symbol"] == symbol and row["reduce_only"]]
        live = [row["quantity"] for row in stops if is_live(row)]
        assert live == [held], f"{symbol} has stops {live} for a position of {held}"
    executions = home.rows("SELECT execution_id FROM executions ORDER BY 1")
    assert [row["execution_id"] for row in executions] == ["T-1", "T-2", "T-3"]
    assert home.rows("SELECT 1 FROM journal WHERE state IN ('begun', 'unknown')") == []
    audited = home.rows("SELECT correlation_id, details FROM order_audit WHERE executed = 1")
    assert len(audited) == len({(row["correlation_id"], row["details"]) for row in audited})
    assert asyncio.run(holds(home))


async def holds(home: HomeUnderTest) -> bool:
    desk = desk_with(home, Power(), clock_now())
    try:
        return (await verify(desk, ["main"])).holds
    finally:
        await desk.close()


def die(home: HomeUnderTest, cut_at: int) -> None:
    power = Power(cut_at)
    with pytest.raises(PowerCut):
        asyncio.run(apply(desk_with(home, power, clock_now()), home.plan_id()))


SHARDS = 4


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_cut_at_every_moment_of_an_apply_is_made_whole(
    prepared: HomeUnderTest, tmp_path: Path, shard: int
) -> None:
    moments = moments_of(prepared, tmp_path)
    assert {"after placing", "after amending", "after cancelling"} <= set(moments)
    for number, name in enumerate(moments, start=1):
        if number % SHARDS != shard:
            continue
        home = copy_of(prepared, tmp_path / str(number))
        die(home, number)
        asyncio.run(recover(desk_with(home, Power(), clock_now())))
        try:
            check_whole(home)
        except AssertionError as error:
            raise AssertionError(f"cut {number}, {name}: {error}") from error
        shutil.rmtree(home.root)


@pytest.mark.parametrize("first", ["after placing", "after amending", "after cancelling"])
def test_a_second_cut_while_recovering_is_made_whole_too(
    prepared: HomeUnderTest, tmp_path: Path, first: str
) -> None:
    """Every moment of the recovery, after a cut at the most dangerous moments."""
    at = moments_of(prepared, tmp_path).index(first) + 1
    second = 1
    while recovery_dies(prepared, tmp_path / f"{at}-{second}", at, second):
        second += 1
    assert second > 10


def recovery_dies(prepared: HomeUnderTest, path: Path, first: int, second: int) -> bool:
    """Whether the recovery was long enough for a second cut; a third start makes it whole."""
    home = copy_of(prepared, path)
    die(home, first)
    clock = clock_now()
    try:
        asyncio.run(recover(desk_with(home, Power(second), clock)))
        died = False
    except PowerCut:
        died = True
        asyncio.run(recover(desk_with(home, Power(), clock)))
    check_whole(home)
    shutil.rmtree(path)
    return died
