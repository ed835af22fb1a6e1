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


def working_span(home: HomeUnderTest) -> tuple[float, float]:
    """From the moment it takes the lock to its end, in seconds after the start."""
    began = time.monotonic()
    process = start_apply(home)
    details = home.root / "status" / "trueup.lock.json"
    while not details.exists() and process.poll() is None:
        time.sleep(0.002)
    locked = time.monotonic() - began
    assert process.wait(timeout=60) == 0
    return locked, time.monotonic() - began


@pytest.mark.parametrize("shard", range(SHARDS))
def test_killed_at_any_moment(prepared: HomeUnderTest, tmp_path: Path, shard: int) -> None:
    chance = random.Random(SEED + shard)
    locked, whole = working_span(copy_of(prepared, tmp_path / "timing"))
    killed = 0
    for number in range(shard, KILLS, SHARDS):
        home = copy_of(prepared, tmp_path / str(number))
        process = start_apply(home)
        try:
            process.wait(timeout=chance.uniform(locked * 0.8, whole))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait(timeout=60)
        asyncio.run(recover(desk_with(home, Power(), clock_now())))
        check_whole(home)
        shutil.rmtree(home.root)
    assert killed, "no process was killed before its end"
