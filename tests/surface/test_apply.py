"""What an apply does besides being refused: parts, stops in the middle, troubles, records."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.build import clock, execution, instrument, order, position, snapshot, stop
from tests.home import HomeUnderTest
from tests.trade_log import lines_of

BOUGHT = (order(status="filled", filled_quantity=5, quantity=5), execution("T-1", 5))
NAKED = (*BOUGHT, position(5), instrument())
THREE_NAKED = snapshot(
    *(position(5, symbol=symbol) for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT")),
    *(instrument(symbol) for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT")),
)


def outcomes(home: HomeUnderTest, *arguments: str, code: int = 0) -> dict[str, str]:
    ledger = home.json("apply", *arguments, code=code)
    return {row["id"]: row["outcome"] for row in ledger["actions"]}


def stops(home: HomeUnderTest) -> list[str]:
    return [row["symbol"] for row in home.broker_orders() if row["reduce_only"]]


# --- parts of a plan --------------------------------------------------------------------------


def test_skipping_an_order_also_skips_its_executions_visibly(home: HomeUnderTest) -> None:
    home.tell(snapshot(*BOUGHT, position(5), stop("S-1", 5)))
    home.arm()
    home.must("stage", "--quiet")
    inserts = home.json("review")["plan"]["to_insert"]
    (arrived,) = [action for action in inserts if action["kind"] == "insert_execution"]
    (needed,) = arrived["depends_on"]
    home.must("review", "--skip", needed, "--note", "later", "--quiet")
    ledger = home.json("apply", "--confirm", home.plan_id())
    told = {row["id"]: (row["outcome"], row["note"]) for row in ledger["actions"]}
    assert told[needed] == ("skipped", "decided: skip (later)")
    assert told[arrived["id"]] == ("skipped", f"depends on {needed}, which is skipped")


def test_only_and_exclude_take_ids_kinds_and_sections(home: HomeUnderTest) -> None:
    home.tell(snapshot(order("V-1"), order("V-2", price=90), position(5), instrument()))
    home.arm()
    home.must("stage", "--quiet")
    confirm = ("--confirm", home.plan_id())
    assert "done" in outcomes(home, *confirm, "--only", "insert_order").values()
    assert len(home.rows("SELECT * FROM orders")) == 2
    assert stops(home) == []
    home.must("stage", "--quiet")
    told = outcomes(home, "--confirm", home.plan_id(), "--exclude", "all")
    assert set(told.values()) == {"skipped"}


def test_an_unknown_name_is_a_usage_error(home: HomeUnderTest) -> None:
    home.tell(snapshot(order("V-1")))
    home.arm()
    home.must("stage", "--quiet")
    home.must("apply", "--confirm", home.plan_id(), "--only", "a999", code=2)


# --- stopped in the middle --------------------------------------------------------------------


def start(home: HomeUnderTest, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cli", *arguments, "--home", str(home.root), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def wait_for_steps(home: HomeUnderTest, count: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        (row,) = home.rows("SELECT count(*) AS n FROM journal")
        if row["n"] >= count:
            return
    raise AssertionError("the apply never began a step")


@pytest.fixture
def slow(home: HomeUnderTest) -> HomeUnderTest:
    """Three stops to place at a venue that takes its time over each."""
    home.tell(THREE_NAKED, latency_ms=1500)
    home.arm()
    home.stage_and_approve("all")
    return home


def test_safe_mode_stops_an_apply_between_two_actions(slow: HomeUnderTest) -> None:
    process = start(slow, "apply", "--confirm", slow.plan_id())
    wait_for_steps(slow, 1)
    slow.must("safe-mode", "on", "--reason", "stop it")
    out, err = process.communicate(timeout=60)
    told = [row["outcome"] for row in json.loads(out)["actions"] if row["kind"] == "place_stop"]
    assert process.returncode == 9, err
    assert (told[0], told[-1]) == ("done", "not_reached")
    assert len(stops(slow)) == told.count("done") < 3


def test_safe_mode_works_while_the_book_is_locked_or_gone(slow: HomeUnderTest) -> None:
    import sqlite3

    other = sqlite3.connect(slow.book_file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    slow.must("safe-mode", "on", "--reason", "locked")
    other.close()
    slow.must("safe-mode", "off", "--reason", "test", "--confirm", "off")
    slow.book_file.write_bytes(b"not a database at all")
    slow.must("safe-mode", "on", "--reason", "corrupt")
    assert slow.sentinel.exists()
    slow.must("safe-mode", "off", "--reason", "test", "--confirm", "off")
    slow.book_file.unlink()
    slow.must("safe-mode", "on", "--reason", "missing")
    assert slow.sentinel.exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_lets_the_current_action_finish(
    slow: HomeUnderTest, number: int, code: int
) -> None:
    process = start(slow, "apply", "--confirm", slow.plan_id())
    wait_for_steps(slow, 1)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    told = [row["outcome"] for row in json.loads(out)["actions"] if row["kind"] == "place_stop"]
    assert "done" in told and "not_reached" in told and "unknown" not in told
    assert slow.rows("SELECT 1 FROM journal WHERE state IN ('begun', 'unknown')") == []
    assert len(stops(slow)) == told.count("done")


def test_the_second_signal_leaves_it_journaled(slow: HomeUnderTest) -> None:
    process = start(slow, "apply", "--confirm", slow.plan_id())
    wait_for_steps(slow, 1)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    slow.must("status")
    slow.must("apply", "--resume")
    assert slow.rows("SELECT 1 FROM journal WHERE state IN ('begun', 'unknown')") == []


# --- trouble ----------------------------------------------------------------------------------


def test_a_rejected_action_fails_the_run_and_the_others_go_on(home: HomeUnderTest) -> None:
    home.tell(THREE_NAKED, faults=[{"on": "place", "kind": "reject", "symbol": "BTCUSDT"}])
    home.arm()
    told = outcomes(home, "--confirm", home.stage_and_approve("all"), code=9)
    assert sorted(told.values()).count("failed") == 1
    assert stops(home) == ["ETHUSDT", "SOLUSDT"]
    assert home.sentinel.exists()
    status = json.loads((home.root / "status/reconcile_status.json").read_text())
    assert status["status"] == "FAILED"
    alerts = [row["type"] for row in home.rows("SELECT type FROM alerts ORDER BY at")]
    assert alerts == ["position_unprotected", "reconcile_failed"]


def test_an_unknown_outcome_stops_the_run_and_is_settled_by_asking(home: HomeUnderTest) -> None:
    home.tell(THREE_NAKED, faults=[{"on": "place", "kind": "lost_reply"}])
    home.arm()
    result = home.must("apply", "--confirm", home.stage_and_approve("all"), code=9)
    assert "not reached" in result.out
    ended = json.loads((home.root / "status/reconcile_status.json").read_text())
    assert ended["status"] == "PARTIAL"
    assert "order_outcome_unknown" in (home.root / "logs/alerts.jsonl").read_text()
    status = home.json("status")
    assert len(status["unresolved_steps"]) == 1
    assert status["next"] == "trueup apply --resume"
    settled = home.json("apply", "--resume")["steps"]
    assert [step["state"] for step in settled] == ["done"]
    assert stops(home) == ["BTCUSDT"]


def test_a_late_accept_is_never_followed_by_a_second_order(home: HomeUnderTest) -> None:
    """timeout, the lookup says absent, the venue accepts afterwards: one order, ever."""
    late = {"on": "place", "kind": "late_accept", "after_seconds": 3}
    home.tell(snapshot(*NAKED), quarantine_seconds=6, faults=[late])
    home.arm()
    home.must("apply", "--confirm", home.stage_and_approve("all"), code=9)
    home.must("apply", "--resume")
    assert stops(home) == ["BTCUSDT"]
    assert home.json("plan")["plan"]["summary"]["broker"] == 0


def test_a_person_settles_what_the_broker_cannot_tell(home: HomeUnderTest) -> None:
    home.tell(
        snapshot(*NAKED),
        faults=[
            {"on": "place", "kind": "lost_reply"},
            {"on": "find_order", "kind": "inconclusive", "times": 5},
        ],
    )
    home.arm()
    home.must("apply", "--confirm", home.stage_and_approve("all"), code=9)
    home.must("apply", "--resume", code=9)
    (step,) = home.json("resolve", code=9)["steps"]
    (placed,) = [row for row in home.broker_orders() if row["reduce_only"]]
    home.must(
        "resolve", step["action_id"], "--as", "done",
        "--broker-order-id", placed["broker_order_id"], "--note", "seen on the web page",
    )  # fmt: skip
    home.must("resolve", code=0)
    (row,) = home.rows("SELECT status, broker_order_id FROM orders WHERE origin = 'owned'")
    assert row == {"status": "open", "broker_order_id": placed["broker_order_id"]}


def test_a_full_disk_leaves_everything_as_it_was(home: HomeUnderTest, tmp_path: Path) -> None:
    """R5: no room for the backup, so nothing is begun."""
    if os.geteuid() != 0 or not Path("/dev/shm").is_dir():
        pytest.skip("needs a file system of its own, which only root can mount")
    home.tell(snapshot(*NAKED))
    home.arm()
    home.stage_and_approve("all")
    mount = home.root / "backups"
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mount)], check=False
    ).returncode:
        pytest.skip("this machine does not allow mounting")
    try:
        result = home.must("apply", "--confirm", home.plan_id(), code=11)
    finally:
        subprocess.run(["umount", str(mount)], check=True)
    assert "Nothing was changed" in result.err
    assert home.rows("SELECT * FROM executions") == []
    assert stops(home) == []


# --- what is written down -----------------------------------------------------------------------


def test_audit_outbox_history_and_logs_tell_the_same_story(home: HomeUnderTest) -> None:
    home.tell(snapshot(*NAKED))
    home.adopt_all()
    audit = home.rows("SELECT action_type, executed, backup_file FROM order_audit ORDER BY id")
    assert [row["action_type"] for row in audit] == [
        "insert_order",
        "insert_execution",
        "place_stop",
    ]
    assert all(row["executed"] == 1 for row in audit)
    told = [row["event_type"] for row in home.rows("SELECT event_type FROM outbox ORDER BY rowid")]
    assert told == [
        "order.filled",
        "execution.recorded",
        "position.state_changed",
        "order.pending",
        "order.open",
        "position.stop_updated",
    ]
    assert [line.words for line in lines_of(home.root / "logs/trades/BTCUSDT.log")] == [
        "BTCUSDT bought 5 @ 100",
        "BTCUSDT long new → open: external",
        "BTCUSDT long stop none → 92",
    ]
    for line in (home.root / "logs/reconcile.log").read_text().splitlines():
        assert {"time", "level", "event"} <= json.loads(line).keys()
    history = home.json("history", "BTCUSDT")["history"]
    assert {"insert_execution", "place_stop"} <= {row.get("action_type") for row in history}
    copy = (home.root / "status/journal.jsonl").read_text()
    copied = [json.loads(line) for line in copy.splitlines()]
    assert [row["kind"] for row in copied] == ["insert_order", "insert_execution", "place_stop"]


def test_the_status_file_tells_how_it_ended(home: HomeUnderTest) -> None:
    home.tell(snapshot(*NAKED))
    home.adopt_all()
    status = json.loads((home.root / "status/reconcile_status.json").read_text())
    assert status["status"] == "COMPLETED"
    assert (status["inserted"], status["updated"], status["broker_actions"]) == (2, 0, 1)
    assert (home.root / "backups" / status["backup_file"]).exists()


def test_keys_fit_every_venue(home: HomeUnderTest) -> None:
    import re

    home.tell(snapshot(*NAKED))
    home.adopt_all()
    (key,) = [row["client_order_id"] for row in home.broker_orders() if row["reduce_only"]]
    assert re.fullmatch(r"[a-z0-9-]{1,32}", key)


def test_hostile_text_never_reaches_the_screen(home: HomeUnderTest) -> None:
    evil = "BTC[/red]\x1b]52;c;x\x07\u202e\nUSDT"
    home.tell(snapshot(order("V-1", symbol=evil)))
    home.arm()
    for arguments in (("plan",), ("stage",), ("review",), ("orders",)):
        result = home.must(*arguments)
        assert "\x1b" not in result.out + result.err
        assert "\u202e" not in result.out + result.err
    home.must("apply", "--confirm", home.plan_id())
    assert "BTC[/red]\\x1b]52" in home.must("orders").out
    names = [path.name for path in (home.root / "logs/trades").iterdir()]
    assert all("/" not in name and "\x1b" not in name for name in names)


def test_a_plan_over_an_older_moment_of_the_same_orders(home: HomeUnderTest) -> None:
    home.tell(snapshot(order("V-1", created_at=clock("11:00"))))
    home.adopt_all()
    assert home.json("plan", "--detailed-exitcode")["plan"]["summary"]["unchanged"] == 1
