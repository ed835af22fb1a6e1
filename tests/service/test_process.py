"""R4: the real `trueup manage`, killed at random moments, stopped, started twice, worked beside.

How many kills: TRUEUP_TEST_KILLS // 3 (20 unless told).
"""

import os
import random
import signal as signals
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from tests.build import instrument, quote, snapshot
from tests.home import HomeUnderTest, is_live
from tests.service.process import (
    PATIENCE_SECONDS,
    is_carried_out_once,
    managed,
    open_signals,
    service_of,
    start_manage,
    until,
)
from tests.service.running import signal, submit

KILLS = int(os.environ.get("TRUEUP_TEST_KILLS", "60")) // 3
SEED = 20260105
SYMBOLS = [f"K{number}USDT" for number in range(5)]
EVERY_SECONDS = 0.05


def a_market(home: HomeUnderTest, **simulation: Any) -> None:
    now = datetime.now(UTC)
    rows = [instrument(name, base=name[:2]) for name in SYMBOLS]
    quotes = [quote(name, bid="99.9", ask="100.1", last=100, at=now) for name in SYMBOLS]
    home.tell(snapshot(*rows, *quotes, taken_at=now), **simulation)
    document = home.account
    document["balances"] = [{"currency": "USDT", "total": "1000000", "available": "1000000"}]
    home.rewrite_account(document)


class Producer(threading.Thread):
    """Appends one signal after the other, purchases and sales in turn for each symbol."""

    def __init__(self, home: HomeUnderTest):
        super().__init__()
        self.home = home
        self.ids: list[str] = []
        self._enough = threading.Event()

    def run(self) -> None:
        while not self._enough.wait(EVERY_SECONDS):
            number = len(self.ids)
            way = "sell" if number // len(SYMBOLS) % 2 else "buy"
            wanted = signal(asset=SYMBOLS[number % len(SYMBOLS)], signal_type=way, amount=40)
            submit(self.home, wanted)
            self.ids.append(wanted["signal_id"])

    def stop(self) -> None:
        self._enough.set()
        self.join()


def check_whole(home: HomeUnderTest, ids: list[str]) -> None:
    rows = home.rows("SELECT signal_id, request_status FROM signals ORDER BY sequence")
    assert [row["signal_id"] for row in rows] == ids, "signals were lost, doubled or swapped"
    assert {row["request_status"] for row in rows} <= {"done", "failed"}
    keys = Counter(row["client_order_id"] for row in home.broker_orders())
    assert set(keys.values()) == {1}, "an order was placed twice"
    related = home.rows("SELECT signal_id, order_id FROM signal_order_relationships")
    assert len({row["signal_id"] for row in related}) == len(related), "a signal ordered twice"
    by_signal = {row["signal_id"]: row["order_id"] for row in related}
    for row in rows:
        at_venue = keys[by_signal.get(row["signal_id"], "")]
        assert at_venue == (row["request_status"] == "done"), row
    booked = Counter(row["execution_id"] for row in home.rows("SELECT * FROM executions"))
    assert booked == Counter(row["execution_id"] for row in home.account["executions"])
    assert home.rows("SELECT 1 FROM journal WHERE state IN ('begun', 'unknown')") == []
    home.must("verify", "--quiet")


def all_is_booked(home: HomeUnderTest) -> bool:
    return len(home.rows("SELECT 1 FROM executions")) == len(home.account["executions"])


def stops_are_right(home: HomeUnderTest) -> bool:
    held = {row["symbol"]: row["quantity"] for row in home.account["positions"]}
    held = {symbol: each.lstrip("-") for symbol, each in held.items() if float(each)}
    stops = [
        (row["symbol"], row["quantity"])
        for row in home.broker_orders()
        if row["type"] == "stop" and is_live(row)
    ]
    return sorted(stops) == sorted(held.items())


def test_killed_at_any_moment_while_signals_keep_coming(home: HomeUnderTest) -> None:
    chance = random.Random(SEED)
    a_market(home, quarantine_seconds=0.5, latency_ms=4)
    home.must("plan")
    producer = Producer(home)
    producer.start()
    try:
        for _ in range(KILLS):
            process = start_manage(home)
            time.sleep(chance.uniform(0.3, 1.6))
            assert process.poll() is None, process.communicate()
            process.send_signal(signals.SIGKILL)
            process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        producer.stop()
    with managed(home):
        until(lambda: len(home.rows("SELECT 1 FROM signals")) == len(producer.ids), "taken in")
        until(lambda: not open_signals(home), "settled")
        until(lambda: all_is_booked(home), "booked")
        until(lambda: stops_are_right(home), "stops")
    check_whole(home, producer.ids)
    done = home.rows("SELECT 1 FROM signals WHERE request_status = 'done'")
    assert len(done) > len(producer.ids) / 2


def test_one_signal_five_times_with_kills_in_between(home: HomeUnderTest) -> None:
    a_market(home, quarantine_seconds=0.5)
    wanted = signal(asset=SYMBOLS[0], amount=40)
    for _ in range(5):
        submit(home, wanted)
        with managed(home) as process:
            until(lambda: not home.rows("SELECT 1 FROM signals") or not open_signals(home), "done")
            process.kill()
    with managed(home):
        until(lambda: is_carried_out_once(home, copies=5), "once")


# --- stopping and starting ------------------------------------------------------------------------


def test_sigterm_ends_it_in_order(home: HomeUnderTest) -> None:
    a_market(home, latency_ms=400)
    with managed(home) as process:
        submit(home, *(signal(asset=name, amount=40) for name in SYMBOLS))
        begun = "SELECT 1 FROM journal WHERE state = 'begun'"
        until(lambda: home.rows(begun), "a call under way")
        process.terminate()
        said, _ = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, said
        assert "stopped; nothing is under way" in said
    # What was on its way has been settled, not cut off.
    assert home.rows("SELECT 1 FROM journal WHERE state IN ('begun', 'unknown')") == []
    assert service_of(home)["state"] == "stopped"


def test_a_second_one_is_told_who_is_there(home: HomeUnderTest) -> None:
    with managed(home) as first:
        second = start_manage(home)
        said, _ = second.communicate(timeout=PATIENCE_SECONDS)
        assert second.returncode == 8
        assert "`trueup manage` holds the lock" in said
        assert f"process {first.pid}" in said
        assert first.poll() is None


def test_a_killed_one_is_told_from_an_idle_one(home: HomeUnderTest) -> None:
    with managed(home) as process:
        assert service_of(home)["state"] == "running"
        process.kill()
        process.wait(timeout=PATIENCE_SECONDS)
        until(lambda: service_of(home)["state"] == "dead", "told dead")


def test_an_operator_applies_a_plan_while_signals_are_carried_out(home: HomeUnderTest) -> None:
    """The lock is shared in turns: nobody is locked out (8), though the world moves meanwhile.

    The plan may be stale (5), or the service has staged a newer one that was not confirmed (7).
    """
    a_market(home, latency_ms=20)
    home.set_in("EXECUTION", standing_policy="[record, trade]")
    producer = Producer(home)
    with managed(home):
        submit(home, signal(asset="K0USDT", amount=40))
        until(lambda: home.rows("SELECT 1 FROM positions"), "a position")
        producer.start()
        try:
            until(lambda: len(home.rows("SELECT 1 FROM executions")) > 5, "trading")
            assert applied(home) in (0, 5, 7)
        finally:
            producer.stop()
        total = len(producer.ids) + 1
        until(lambda: len(home.rows("SELECT 1 FROM signals")) == total, "taken in")
        until(lambda: not open_signals(home), "settled")
        until(lambda: applied(home) == 0, "applied while the service runs")
        assert stops_are_right(home)
        until(lambda: service_of(home)["state"] == "running", "still running")


def applied(home: HomeUnderTest) -> int:
    """The exit code of an operator's afternoon: stage, approve everything, apply."""
    home.must("stage", "--quiet")
    plan_id = home.plan_id()
    if code := home.trueup("review", "--approve", "all", "--quiet").code:
        return code
    return home.trueup("apply", "--confirm", plan_id, "--no-input", "--lock-timeout", "30").code


def test_it_settles_in_once_everything_has_been_looked_at(home: HomeUnderTest) -> None:
    log = home.root / "logs" / "reconcile.log"
    with managed(home):
        until(lambda: '"manage_settled"' in log.read_text(), "settled in")
