"""Running something and taking its time and memory, from outside."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

TRUEUP = (sys.executable, "-m", "cli")


@dataclass(frozen=True, slots=True)
class Run:
    seconds: float
    peak_mib: float


def run(command: Sequence[str], *, expect: Sequence[int] = (0,)) -> Run:
    """One whole process, from start to exit."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    told = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode not in expect:
        raise SystemExit(f"{' '.join(command)}: exit {process.returncode}\n{told.decode()}")
    return Run(seconds, usage.ru_maxrss / 1024)


def median_run(command: Sequence[str], *, times: int, expect: Sequence[int] = (0,)) -> Run:
    """The first run warms the caches and does not count."""
    run(command, expect=expect)
    runs = [run(command, expect=expect) for _ in range(times)]
    return Run(statistics.median(one.seconds for one in runs), max(one.peak_mib for one in runs))


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
