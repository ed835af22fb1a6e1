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
