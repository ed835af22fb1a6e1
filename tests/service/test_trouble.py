"""What goes wrong around a running service: it stays up, says so, and makes it good afterwards."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from core.operate.turn import Turn
from tests.full_disk import disk_full_after
from tests.home import HomeUnderTest
from tests.service.running import Running, signal, submit, with_service


def state(home: HomeUnderTest) -> str:
    return str(home.json("status")["service"]["state"])


def market_orders(home: HomeUnderTest) -> list[dict[str, Any]]:
    return [row for row in home.broker_orders() if row["type"] == "market"]


async def is_well(running: Running, *signals: dict[str, Any]) -> None:
    """Every signal has become one filled order, and nothing is the matter any more."""
    for each in signals:
        row = await running.settled(each["signal_id"])
        assert row["request_status"] == "done", row
    home = running.home
    await running.until(lambda: booked(home) == len(home.account["executions"]), "fills booked")
    await running.until(lambda: is_protected(home), "a stop for every position")
    await running.until(lambda: state(home) == "running", "well again")


def is_protected(home: HomeUnderTest) -> bool:
    held = {row["symbol"] for row in home.account["positions"] if float(row["quantity"])}
    stops = [row["symbol"] for row in home.broker_orders() if row["type"] == "stop"]
    unsettled = home.rows("SELECT 1 FROM journal WHERE state IN ('begun', 'unknown')")
    return sorted(stops) == sorted(held) and not unsettled


def booked(home: HomeUnderTest) -> int:
    return len(home.rows("SELECT 1 FROM executions"))


def check_whole(home: HomeUnderTest, count: int) -> None:
    assert [row["status"] for row in market_orders(home)] == ["filled"] * count
    assert booked(home) == len(home.account["executions"])
    home.must("verify", "--quiet")


@contextmanager
def write_locked(home: HomeUnderTest) -> Iterator[None]:
    other = sqlite3.connect(home.book_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


def test_somebody_else_holds_the_books_write_lock(home: HomeUnderTest) -> None:
    home.set_in("DATABASE", busy_timeout_seconds="0.2")
    first, second = signal(), signal(asset="ETHUSDT")

    async def story(running: Running) -> None:
        await running.ready()
        with write_locked(home):
            submit(home, first, second)
            await running.until(lambda: state(home) == "in trouble", "told")
            told = home.json("status")["service"]["troubles"]
            assert "write lock" in told["intake spool"]
        await is_well(running, first, second)

    with_service(home, story)
    check_whole(home, 2)


def test_the_lock_is_taken_while_orders_are_under_way(home: HomeUnderTest) -> None:
    """The call is on its way when the book can no longer be written: asked for, not sent again."""
    home.set_in("DATABASE", busy_timeout_seconds="0.2")
    simulate(home, latency_ms=600)
    wanted = signal()

    async def story(running: Running) -> None:
        await running.ready()
        submit(home, wanted)
        begun = "SELECT 1 FROM journal WHERE state = 'begun' AND kind = 'place_order'"
        await running.until(lambda: home.rows(begun), "begun")
        with write_locked(home):
            await running.until(lambda: state(home) == "in trouble", "told")
            await running.until(lambda: market_orders(home), "placed")
        simulate(home)
        await is_well(running, wanted)

    with_service(home, story)
    check_whole(home, 1)


def test_a_full_disk(home: HomeUnderTest) -> None:
    wanted = signal()

    async def story(running: Running) -> None:
        await running.ready()
        submit(home, wanted)
        with disk_full_after(0):
            await running.until(lambda: running.service.troubles, "noticed")
        await is_well(running, wanted)

    with_service(home, story)
    check_whole(home, 1)


def simulate(home: HomeUnderTest, **simulation: Any) -> None:
    document = home.account
    document["simulation"] = simulation
    home.rewrite_account(document)


def test_the_venue_cannot_be_reached_for_a_while(home: HomeUnderTest) -> None:
    wanted = signal()
    gone = [{"on": name, "kind": "unavailable", "times": 100_000} for name in ("any", "events")]

    async def story(running: Running) -> None:
        await running.ready()
        simulate(home, faults=gone)
        await running.until(lambda: state(home) == "in trouble", "told")
        simulate(home)
        submit(home, wanted)
        await running.until(lambda: state(home) == "running", "well again")
        await is_well(running)

    with_service(home, story)
    home.must("plan", "--detailed-exitcode")


def test_a_venue_that_is_gone_at_the_start(home: HomeUnderTest) -> None:
    """Signals wait for the first whole look; the lanes open once the venue answers."""
    wanted = signal()
    simulate(home, faults=[{"on": "snapshot", "kind": "unavailable", "times": 2}])

    async def story(running: Running) -> None:
        submit(home, wanted)
        await is_well(running, wanted)

    with_service(home, story)
    check_whole(home, 1)


@pytest.mark.parametrize("damage", ["broken", "unreadable", "gone"])
def test_the_configuration_is_damaged_while_it_runs(home: HomeUnderTest, damage: str) -> None:
    """What cannot be read allows nothing; mended, everything that waited is carried out."""
    wanted = signal()

    async def story(running: Running) -> None:
        await running.ready()
        content = home.config_file.read_bytes()
        if damage == "broken":
            home.config_file.write_text("DRY_RUN: [\n")
        elif damage == "unreadable":
            home.config_file.unlink()
            home.config_file.mkdir()
        else:
            home.config_file.unlink()
        submit(home, wanted)
        asked = "SELECT 1 FROM trade_intents WHERE state = 'APPROVED'"
        await running.until(lambda: home.rows(asked), "waits")
        await running.until(lambda: running.service.lanes.waiting, "says why")
        assert market_orders(home) == []
        if home.config_file.is_dir():
            home.config_file.rmdir()
        home.config_file.write_bytes(content)
        await is_well(running, wanted)

    with_service(home, story)
    check_whole(home, 1)


def test_the_stop_button_is_pressed_and_let_go(home: HomeUnderTest) -> None:
    wanted = signal()

    async def story(running: Running) -> None:
        await running.ready()
        home.must("safe-mode", "on", "--reason", "a test")
        submit(home, wanted)
        await running.until(
            lambda: "SAFE_MODE" in str(home.json("status")["service"]["lanes_waiting"]), "told"
        )
        assert market_orders(home) == []
        home.must("safe-mode", "off", "--reason", "tested", "--confirm", "off")
        await is_well(running, wanted)

    with_service(home, story)
    check_whole(home, 1)


def test_gates_are_changed_in_the_file_while_it_runs(home: HomeUnderTest) -> None:
    waits, simulated, sent = signal(), signal(asset="ETHUSDT"), signal(asset="ETHUSDT")

    async def story(running: Running) -> None:
        await running.ready()
        home.set(SAFE_MODE="true")
        submit(home, waits)
        await running.until(lambda: running.service.lanes.waiting, "waits")
        home.set(SAFE_MODE="false")
        await is_well(running, waits)
        home.set(DRY_RUN="true")
        submit(home, simulated)
        row = await running.settled(simulated["signal_id"])
        assert row["request_status"] == "done"
        assert running.intent(simulated["signal_id"])["state"] == "SIMULATED"
        home.set(DRY_RUN="false")
        submit(home, sent)
        await is_well(running, sent)

    with_service(home, story)
    check_whole(home, 2)


def test_what_the_venue_did_behind_shut_gates_is_booked_when_they_open(
    home: HomeUnderTest,
) -> None:
    """The stream told of it while nothing might be written, and says nothing more."""
    wanted = signal(order_type="limit", market_data_snapshot={"price": 59000, "spread": 0})

    async def story(running: Running) -> None:
        await running.ready()
        submit(home, wanted)
        placed = "SELECT 1 FROM trade_intents WHERE state = 'PLACED'"
        await running.until(lambda: home.rows(placed), "placed")
        home.must("safe-mode", "on", "--reason", "a test")
        the_market_falls(home)
        await running.until(lambda: home.account["executions"], "filled")
        await running.until(
            lambda: home.json("status")["service"]["accounts"]["main"]["behind"], "behind"
        )
        home.must("safe-mode", "off", "--reason", "tested", "--confirm", "off")
        await is_well(running, wanted)

    with_service(home, story)
    home.must("verify", "--quiet")


def the_market_falls(home: HomeUnderTest) -> None:
    document = home.account
    for row in document["quotes"]:
        if row["symbol"] == "BTCUSDT":
            row |= {"bid": "58989", "ask": "58990", "last": "58990"}
    home.rewrite_account(document)


@pytest.mark.parametrize("how", ["deleted", "replaced", "folder"])
def test_the_spool_is_taken_away(home: HomeUnderTest, how: str) -> None:
    first, second = signal(), signal(asset="ETHUSDT")
    spool = home.root / "data" / "spool" / "signals.jsonl"

    async def story(running: Running) -> None:
        await running.ready()
        submit(home, first)
        await running.settled(first["signal_id"])
        if how == "folder":
            spool.parent.rename(home.root / "elsewhere")
        elif how == "deleted":
            spool.unlink()
        else:
            other = spool.with_name("other")
            other.write_text("")
            other.replace(spool)
        submit(home, second)
        await is_well(running, second)

    with_service(home, story)
    check_whole(home, 2)


def test_a_defect_in_one_lane_is_told_once_and_ends_no_other(home: HomeUnderTest) -> None:
    broken, whole = signal(), signal(asset="ETHUSDT")

    async def story(running: Running) -> None:
        await running.ready()
        turn, tries = running.service.lanes.turn, []

        async def defective(account: str, symbol: str) -> Turn:
            if symbol == "BTCUSDT" and len(tries) < 3:
                tries.append(symbol)
                raise ZeroDivisionError("a defect")
            return await turn(account, symbol)

        running.service.lanes.turn = defective
        submit(home, broken, whole)
        row = await running.settled(whole["signal_id"])
        assert row["request_status"] == "done"
        await running.until(lambda: state(home) == "in trouble", "told")
        await is_well(running, broken, whole)

    with_service(home, story)
    alerts = home.rows("SELECT message FROM alerts WHERE type = 'service_stalled'")
    assert len(alerts) == 1
    check_whole(home, 2)
