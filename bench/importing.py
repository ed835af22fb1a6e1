"""What an adapter costs beyond its client library, and that a paper home pays for neither."""

import re
import statistics
import subprocess
import sys
from pathlib import Path

from bench.measure import TRUEUP, Run, run, timed
from bench.placing import library_name
from bench.report import Figure

_TIMES = 7
# An event package of ib_insync's asks for a loop at import.
_IN_A_LOOP = "import asyncio\nasync def work():\n    {}\nasyncio.run(work())"
_CCXT = (
    "from core.brokers.ccxt import CcxtBroker; from core.brokers.ccxt.library import open_exchange;"
    " import ccxt.async_support"
)
_IB = "from core.brokers.ib import IbBroker; from core.brokers.ib.library import library; library()"
_PAPER = "from core.brokers.paper.broker import PaperBroker"
_TELL_PEAK = "print(open('/proc/self/status').read())"
_STATUS = (
    "import sys; from cli.main import run; run(['status', '--home', sys.argv[1]]);"
    "heavy = {'ccxt', 'ib_insync', 'ib_async', 'eventkit', 'core.brokers.ccxt', 'core.brokers.ib'};"
    "print(', '.join(sorted(heavy & sys.modules.keys())) or 'none')"
)


def cost(scratch: Path) -> list[Figure]:
    client = library_name()
    ccxt = _import("import ccxt.async_support")
    ib = _import(_IN_A_LOOP.format(f"import {client}"))
    bare = _import("pass")
    return [
        *_beside("ccxt", _import(_CCXT), ccxt, "import ccxt.async_support"),
        *_beside("ib", _import(_IN_A_LOOP.format(_IB)), ib, f"import {client}"),
        *_beside("paper", _import(_PAPER), bare, "bare Python"),
        _status(scratch / "home"),
    ]


def _import(code: str) -> Run:
    """The first run warms the caches and does not count."""
    runs = [_measured([sys.executable, "-c", f"{code}\n{_TELL_PEAK}"]) for _ in range(1 + _TIMES)]
    seconds = statistics.median(one.seconds for one in runs[1:])
    return Run(seconds, max(one.peak_mib for one in runs[1:]))


def _measured(command: list[str]) -> Run:
    """The process tells its own peak: what the system tells of a child counts its parent's too."""
    told = []

    def go() -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        told.append(int(re.findall(r"VmHWM:\s+(\d+) kB", done.stdout)[0]) / 1024)

    return Run(timed(go), told[0])


def _beside(name: str, ours: Run, bare: Run, what: str) -> list[Figure]:
    return [
        Figure(
            name="imports",
            what=f"{name}: importing the adapter with what it needs",
            measured=f"{ours.seconds:.2f} s",
            beside=f"{bare.seconds:.2f} s ({what})",
            ratio=f"{ours.seconds / bare.seconds:.2f} x",
            aim="(for scale)",
            reached=True,
        ),
        Figure(
            name="imports",
            what="the same, peak memory",
            measured=f"{ours.peak_mib:.0f} MiB",
            beside=f"{bare.peak_mib:.0f} MiB",
            ratio=f"{ours.peak_mib / bare.peak_mib:.2f} x",
            aim="(for scale)",
            reached=True,
        ),
    ]


def _status(home: Path) -> Figure:
    run([*TRUEUP, "init", str(home)])
    told = subprocess.run(
        [sys.executable, "-c", _STATUS, str(home)], capture_output=True, text=True, check=True
    )
    loaded = told.stdout.splitlines()[-1]
    return Figure(
        name="imports",
        what="client libraries and their adapters that status on a paper home imports",
        measured=loaded,
        beside="-",
        ratio="-",
        aim="none",
        reached=loaded == "none",
    )
