"""R1: the power fails at every moment of a running service; the next one makes it whole.

spool:  BTC bought at the market; ETH limit, then another price for it (amended); SOL limit, then
        at the market (cancelled first); XRP bought, then sold for more (closed and reversed)
then:   fills, a stop for every position, and the service is told to stop

Every moment around a transaction or a call, and a seeded choice of the others and of those of
the recoveries; all of them with TRUEUP_TEST_ALL=1.
"""

import asyncio
import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.assembly import Caller, Wiring, intakes, listeners
from core.config.effective import load
from core.config.watch import GateWatch
from core.operate.desk import Desk
from core.operate.managing import Service
from tests.build import instrument, quote, snapshot
from tests.crash.power import FragileBook, FragileBroker, FragileFiles, Power, PowerCut
from tests.home import HomeUnderTest, is_live, make_home
from tests.service.running import signal, submit
from tests.virtual_time import LoopClock, run_to_its_end

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")
SEED = 20260105
SHARDS = 4
# How many moments of each recovery, and which of the first run's stand for others of their kind.
SECOND_CUTS = 8
ONE_IN = 6
HARMLESS = ("status.json", "manage.json", "lock.json", ".log", "staged", "matches", "spool", "p-")
ALL = os.environ.get("TRUEUP_TEST_ALL") == "1"
# Virtual seconds; a quarantine is ten.
PATIENCE = 300.0
START = datetime.now(UTC)
# Between the cut and the next start.
PAUSE = timedelta(seconds=5)


def the_signals() -> list[dict[str, Any]]:
    def one(asset: str, way: str = "buy", **given: Any) -> dict[str, Any]:
        at = START.isoformat()
        return signal(asset=asset, signal_type=way, timestamp=at, amount=40, **given)

    def limit(asset: str, price: float) -> dict[str, Any]:
        about = {"price": price, "spread": 0.2}
        return one(asset, order_type="limit", market_data_snapshot=about)

    return [
        one("BTCUSDT"),
        limit("ETHUSDT", 90),
        limit("ETHUSDT", 91),
        limit("SOLUSDT", 90),
        one("SOLUSDT"),
        one("XRPUSDT"),
        one("XRPUSDT", "sell", intent="open"),
    ]


SIGNALS = the_signals()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> HomeUnderTest:
    """An armed home with its book made, and seven signals in the spool."""
    home = make_home(tmp_path_factory.mktemp("manage") / "home")
    home.arm()
    home.set_in("EXECUTION", allow_reverse="true")
    rows = [instrument(name, base=name[:3]) for name in SYMBOLS]
    quotes = [quote(name, bid="99.9", ask="100.1", last=100, at=START) for name in SYMBOLS]
    home.tell(snapshot(*rows, *quotes, taken_at=START))
    document = home.account
    document["balances"] = [{"currency": "USDT", "total": "1000000", "available": "1000000"}]
    home.rewrite_account(document)
    home.must("plan")
    home.must("stage")
    submit(home, *SIGNALS)
    return home


def copy_of(home: HomeUnderTest, to: Path) -> HomeUnderTest:
    shutil.copytree(home.root, to)
    return HomeUnderTest(to)


# --- the service on a machine whose power may fail ------------------------------------------------


def desk_with(home: HomeUnderTest, power: Power, start: datetime) -> Desk:
    watch = GateWatch(home.root, {})
    wiring = Wiring(load(home.root, {}), watch.now, Caller(actor="tester", command="manage"))
    wiring.clock = LoopClock(start)
    wiring.files = FragileFiles(wiring.files, power)
    desk = wiring.desk()
    open_book, open_broker = desk.open_book, desk.open_broker
    desk.open_book = lambda: FragileBook(open_book(), power)
    desk.open_broker = lambda account: FragileBroker(open_broker(account), power)
    return desk


async def manage(
    home: HomeUnderTest, power: Power, start: datetime, is_over: Callable[[HomeUnderTest], bool]
) -> None:
    desk = desk_with(home, power, start)
    service = Service(
        desk=desk, accounts=["main"], intakes=intakes(desk), listeners=listeners(desk)
    )
    stop = asyncio.Event()
    try:
        running = asyncio.create_task(service.run(stop))
        async with asyncio.timeout(PATIENCE):
            while True:
                if running.done() or is_over(home):
                    break
                await asyncio.sleep(0.25)
        stop.set()
        await running
    finally:
        await desk.close()


def run_service(home: HomeUnderTest, power: Power, start: datetime = START) -> None:
    run_to_its_end(manage(home, power, start, is_settled), PowerCut)


def is_settled(home: HomeUnderTest) -> bool:
    """Everything is answered; the market comes to the one limit order that rests."""
    intents = [row["state"] for row in home.rows("SELECT state FROM trade_intents")]
    if len(intents) < len(SIGNALS) or "APPROVED" in intents:
        return False
    if "PLACED" in intents:
        the_market_falls(home, "ETHUSDT", "90.4")
        return False
    return not wrong(home)


def the_market_falls(home: HomeUnderTest, symbol: str, price: str) -> None:
    document = home.account
    for row in document["quotes"]:
        if row["symbol"] == symbol:
            row |= {"bid": price, "ask": price, "last": price}
    home.rewrite_account(document)


def stops_of(home: HomeUnderTest, symbol: str) -> list[str]:
    return [
        row["quantity"]
        for row in home.broker_orders()
        if row["symbol"] == symbol and row["type"] == "stop" and is_live(row)
    ]


def wrong(home: HomeUnderTest) -> list[str]:
    """What is not as it should be in the end."""
    found = []
    positions = {row["symbol"]: row for row in home.account["positions"]}
    for symbol in SYMBOLS:
        held = abs(Decimal(positions[symbol]["quantity"])) if symbol in positions else Decimal(0)
        stops = [Decimal(each) for each in stops_of(home, symbol)]
        if stops != ([held] if held else []):
            found.append(f"{symbol} has stops {stops} for a position of {held}")
    booked = Counter(row["execution_id"] for row in home.rows("SELECT * FROM executions"))
    if booked != Counter(row["execution_id"] for row in home.account["executions"]):
        found.append(f"the book has the executions {booked}")
    if steps := home.rows("SELECT kind FROM journal WHERE state IN ('begun', 'unknown')"):
        found.append(f"nobody knows what came of {steps}")
    return found


# --- what has to be so in the end -----------------------------------------------------------------


def check_whole(home: HomeUnderTest, cuts: int) -> None:
    assert wrong(home) == []
    keys = Counter(row["client_order_id"] for row in home.broker_orders())
    assert all(count == 1 for count in keys.values()), f"an order was placed twice: {keys}"
    assert not orders_of(home) - WANTED, orders_of(home) - WANTED
    check_signals(home, cuts)
    check_book(home)
    home.must("verify", "--quiet")


# What seven signals come to at most; stops and their sizes are in `wrong`.
WANTED = Counter(
    [
        ("BTCUSDT", "market", "buy", "filled"),
        ("ETHUSDT", "limit", "buy", "filled"),
        # In the place of an amendment that never arrived.
        ("ETHUSDT", "limit", "buy", "cancelled"),
        ("SOLUSDT", "limit", "buy", "cancelled"),
        ("SOLUSDT", "market", "buy", "filled"),
        ("XRPUSDT", "market", "buy", "filled"),
        ("XRPUSDT", "market", "sell", "filled"),
        ("XRPUSDT", "market", "sell", "filled"),
    ]
)


def orders_of(home: HomeUnderTest) -> Counter[tuple[str, ...]]:
    rows = [row for row in home.broker_orders() if row["type"] != "stop"]
    names = ("symbol", "type", "side", "status")
    return Counter(tuple(row[name] for name in names) for row in rows)


def check_signals(home: HomeUnderTest, cuts: int) -> None:
    """Each is done, or it has failed because an order that was begun never reached the venue.

    Such an order is not sent again: one in each lane for each cut at the most.
    """
    rows = home.rows("SELECT signal_id, request_status, reason FROM signals")
    assert {row["signal_id"] for row in rows} == {each["signal_id"] for each in SIGNALS}
    assert {row["request_status"] for row in rows} <= {"done", "failed"}, rows
    lost = home.rows("SELECT signal_id FROM orders WHERE status = 'rejected' AND signal_id > ''")
    failed = [row["signal_id"] for row in rows if row["request_status"] == "failed"]
    halves = home.rows("SELECT signal_id FROM orders WHERE status = 'filled' AND signal_id > ''")
    gone = {row["signal_id"] for row in lost} - {row["signal_id"] for row in halves}
    assert set(failed) == gone, rows
    assert len(lost) <= cuts * len(SYMBOLS), rows
    assert home.rows("SELECT 1 FROM signal_deliveries WHERE state <> 'QUALIFIED'") == []
    at_venue = {row["client_order_id"] for row in home.broker_orders()}
    for row in home.rows("SELECT status, client_order_id FROM orders"):
        assert (row["status"] == "rejected") == (row["client_order_id"] not in at_venue), row


def check_book(home: HomeUnderTest) -> None:
    """The outbox tells each thing once, and all of it."""
    told = Counter(row["event_type"] for row in home.rows("SELECT event_type FROM outbox"))
    wanted = {
        "signal.published": len(SIGNALS),
        "signal.delivery_created": len(SIGNALS),
        "intent.approved": len(SIGNALS),
        "execution.recorded": len(home.account["executions"]),
    }
    assert {name: told[name] for name in wanted} == wanted
    for row in home.rows("SELECT order_id, status, client_order_id FROM orders"):
        events = home.rows(
            "SELECT event_id, event_type, correlation_id, payload FROM outbox"
            " WHERE json_extract(payload, '$.order_id') = ? AND event_type LIKE 'order.%'"
            " ORDER BY sequence",
            row["order_id"],
        )
        names = [each["event_type"] for each in events]
        assert names[-1] == f"order.{row['status']}", (row, names)
        told_twice = [each for each, times in Counter(map(_substance, events)).items() if times > 1]
        assert told_twice == [], (row, names)


def _substance(event: dict[str, Any]) -> tuple[str, ...]:
    """Each step tells where its order stands; what was merely heard is told when it is new."""
    payload = json.loads(event["payload"])
    names = ("status", "quantity", "price", "filled_quantity", "broker_order_id")
    step = "" if event["correlation_id"].startswith("r-") else event["event_id"]
    return (step, *(str(payload[name]) for name in names))


# --- the cuts -------------------------------------------------------------------------------------


def whole_run(prepared: HomeUnderTest, path: Path) -> list[str]:
    """Every moment of a run that goes well."""
    home, power = copy_of(prepared, path), Power()
    run_service(home, power)
    check_whole(home, cuts=0)
    return power.moments


def die(home: HomeUnderTest, cut_at: int, start: datetime = START) -> bool:
    """False when the run was over before."""
    try:
        run_service(home, Power(cut_at), start)
    except PowerCut:
        return True
    return False


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_cut_at_every_moment_is_made_whole(
    prepared: HomeUnderTest, tmp_path: Path, shard: int
) -> None:
    moments = whole_run(prepared, tmp_path / "whole")
    assert {"after placing", "after amending", "after cancelling"} <= set(moments)
    for number, name in enumerate(moments, start=1):
        if number % SHARDS != shard or is_left_out(number, name):
            continue
        home = copy_of(prepared, tmp_path / str(number))
        assert die(home, number), name
        run_service(home, Power(), START + PAUSE)
        try:
            check_whole(home, cuts=1)
        except AssertionError as error:
            raise AssertionError(f"cut {number}, {name}: {error}") from error
        shutil.rmtree(home.root)


DANGEROUS = ("before placing", "after placing", "after amending", "after cancelling")


@pytest.mark.parametrize("first", DANGEROUS)
def test_a_second_cut_while_recovering_is_made_whole_too(
    prepared: HomeUnderTest, tmp_path: Path, first: str
) -> None:
    """What was under way in one lane or another is cut once more while it is asked for."""
    at = whole_run(prepared, tmp_path / "whole").index(first) + 1
    recovery = moments_of_recovery(prepared, tmp_path / "recovery", at)
    assert "after asking for an order" in recovery
    for second in chosen(range(1, len(recovery) + 1), first):
        home = copy_of(prepared, tmp_path / str(second))
        assert die(home, at)
        # A recovery may be a few moments shorter than the one before it.
        assert die(home, second, START + PAUSE) or second > len(recovery) - 20
        run_service(home, Power(), START + 2 * PAUSE)
        try:
            check_whole(home, cuts=2)
        except AssertionError as error:
            where = f"cut {at}, {first}, then {second}, {recovery[second - 1]}"
            raise AssertionError(f"{where}: {error}") from error
        shutil.rmtree(home.root)


def is_left_out(number: int, name: str) -> bool:
    """Some of the moments around files that nothing is decided by."""
    harmless = any(word in name for word in HARMLESS)
    return not ALL and harmless and random.Random(f"{SEED} {number}").randrange(ONE_IN) > 0


def moments_of_recovery(prepared: HomeUnderTest, path: Path, cut_at: int) -> list[str]:
    home = copy_of(prepared, path)
    assert die(home, cut_at)
    return moments_of_recovery_of(home, path.with_name("recovered"))


def chosen(moments: Sequence[int], why: str) -> Sequence[int]:
    if ALL or len(moments) <= SECOND_CUTS:
        return moments
    return sorted(random.Random(f"{SEED} {why}").sample(moments, SECOND_CUTS))


# --- while nobody looks ---------------------------------------------------------------------------


def is_eth(row: dict[str, Any]) -> bool:
    return bool(row["symbol"] == "ETHUSDT")


@pytest.mark.parametrize("moment", ["after amending", "after a commit"])
def test_an_amended_order_that_fills_meanwhile_stands_for_its_signal(
    prepared: HomeUnderTest, tmp_path: Path, moment: str
) -> None:
    moments = whole_run(prepared, tmp_path / "whole")
    at = moments.index(moment, moments.index("after amending")) + 1
    home = copy_of(prepared, tmp_path / "home")
    assert die(home, at)
    the_market_falls(home, "ETHUSDT", "90.4")
    run_service(home, Power(), START + PAUSE)
    check_whole(home, cuts=1)
    (bought,) = [row for row in home.account["executions"] if is_eth(row)]
    (amended,) = [row for row in home.broker_orders() if row["type"] == "limit" and is_eth(row)]
    assert bought["quantity"] == amended["quantity"]
    rows = home.rows("SELECT state FROM trade_intents WHERE symbol = 'ETHUSDT'")
    assert [row["state"] for row in rows] == ["FILLED", "FILLED"]


@pytest.mark.parametrize("moment", ["before cancelling", "after a commit"])
def test_an_order_that_filled_before_its_cancel_arrived_is_not_bought_again(
    prepared: HomeUnderTest, tmp_path: Path, moment: str
) -> None:
    """The cancel is begun when the order fills, or refused for it with no conclusion drawn yet."""
    moments = whole_run(prepared, tmp_path / "whole")
    home = copy_of(prepared, tmp_path / "home")
    assert die(home, moments.index("before cancelling") + 1)
    the_market_falls(home, "SOLUSDT", "89")
    if moment == "after a commit":
        recovery = moments_of_recovery_of(home, tmp_path / "recovery")
        last = len(recovery) - 1 - recovery[::-1].index("after asking for an order")
        assert die(home, recovery.index(moment, last) + 1, START + PAUSE)
    run_service(home, Power(), START + 2 * PAUSE)
    (bought,) = [row for row in home.account["executions"] if row["symbol"] == "SOLUSDT"]
    assert bought["quantity"] == "0.444"
    assert wrong(home) == []


def moments_of_recovery_of(home: HomeUnderTest, path: Path) -> list[str]:
    power = Power()
    run_service(copy_of(home, path), power, START + PAUSE)
    return power.moments
