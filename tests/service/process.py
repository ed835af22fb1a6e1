"""`trueup manage` as the operator runs it: a process of its own, killed or stopped from outside."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.home import HomeUnderTest

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 180


def start_manage(home: HomeUnderTest, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "manage", "--home", str(home.root), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )


@contextmanager
def managed(home: HomeUnderTest, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Up and reconciled; killed on leaving when it still lives."""
    process = start_manage(home, *arguments)
    try:
        until(lambda: service_of(home)["state"] == "running" and is_ready(home), "running")
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=PATIENCE_SECONDS)


def service_of(home: HomeUnderTest) -> dict[str, Any]:
    found: dict[str, Any] = home.json("status")["service"] or {"state": "never started"}
    return found


def is_ready(home: HomeUnderTest) -> bool:
    return all(each["reconciled"] for each in service_of(home)["accounts"].values())


def until(is_so: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < end, f"never came true: {what}"
        time.sleep(0.02)


def open_signals(home: HomeUnderTest) -> list[dict[str, Any]]:
    return home.rows("SELECT 1 FROM signals WHERE request_status IN ('pending', 'executing')")


def is_carried_out_once(home: HomeUnderTest, copies: int) -> bool:
    """One signal that came so often: whether every copy was heard, and what came of it is over.

    What was bought was bought once. A call that was cut off after it was written down and before
    it was sent came to nothing and is not sent later; the next copy that arrives is the next
    attempt, and there may be none left.
    """
    rejected = home.rows("SELECT 1 FROM outbox WHERE event_type = 'signal.rejected'")
    (row,) = home.rows("SELECT * FROM signals") or [None]
    if row is None or row["attempt"] + len(rejected) < copies or open_signals(home):
        return False
    *before, last = home.rows("SELECT * FROM trade_intents ORDER BY attempt")
    bought = [each for each in home.broker_orders() if each["type"] == "market"]
    is_done = row["request_status"] == "done"
    assert (last["state"], len(bought)) == (("FILLED", 1) if is_done else ("FAILED", 0))
    for intent in before if is_done else [*before, last]:
        assert (intent["state"], "not placed" in intent["outcome"]) == ("FAILED", True)
    return True
