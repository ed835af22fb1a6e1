"""R4: kill -9 of the real command at any moment; nothing is lost and nothing is done twice.

How many: TRUEUP_TEST_KILLS (60 unless told). The moments are spread over the whole run by a seed.
"""

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.crash.power import Power
from tests.crash.test_apply import (
    check_whole,
    clock_now,
    copy_of,
    desk_with,
    prepared,
    recover,
)
from tests.home import HomeUnderTest

__all__ = ["prepared"]

KILLS = int(os.environ.get("TRUEUP_TEST_KILLS", "60"))
SHARDS = 6
SEED = 20260105


def start_apply(home: HomeUnderTest) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "cli", "apply", "--confirm", home.plan_id(), "--no-input"]
    return subprocess.Popen(
        [*command, "--home", str(home.root)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
    )


def wait_for_lock(home: HomeUnderTest, process: subprocess.Popen[bytes]) -> float:
    """When it had taken it: from then on it works."""
    details = home.root / "status" / "trueup.lock.json"
    while not details.exists() and process.poll() is None:
        time.sleep(0.002)
    return time.monotonic()


def working_seconds(home: HomeUnderTest) -> float:
    process = start_apply(home)
    began = wait_for_lock(home, process)
    assert process.wait(timeout=60) == 0
    return time.monotonic() - began


def is_killed_within(seconds: float, home: HomeUnderTest) -> bool:
    """Whether it was, or was done before."""
    process = start_apply(home)
    wait_for_lock(home, process)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    return process.wait(timeout=60) == -signal.SIGKILL


@pytest.mark.parametrize("shard", range(SHARDS))
def test_killed_at_any_moment(prepared: HomeUnderTest, tmp_path: Path, shard: int) -> None:
    chance = random.Random(SEED + shard)
    span = working_seconds(copy_of(prepared, tmp_path / "timing"))
    left = len(range(shard, KILLS, SHARDS))
    while left:
        home = copy_of(prepared, tmp_path / "home")
        is_killed = is_killed_within(chance.uniform(0, span), home)
        left -= is_killed
        # How long it takes depends on what else the machine does.
        span *= 1 if is_killed else 0.8
        asyncio.run(recover(desk_with(home, Power(), clock_now())))
        check_whole(home)
        shutil.rmtree(home.root)
