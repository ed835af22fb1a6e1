"""P3: start-up beside a Python that imports typer and rich."""

import sys
from pathlib import Path

from bench.measure import TRUEUP, median_run, run
from bench.report import Figure

_TIMES = 15


def start_up(scratch: Path) -> list[Figure]:
    home = scratch / "home"
    run([*TRUEUP, "init", str(home)])
    bare = median_run([sys.executable, "-c", "import typer, rich"], times=_TIMES).seconds
    cases = [
        ("--version", ["--version"], 1.3),
        ("status", ["--home", str(home), "status"], 2.5),
        ("safe-mode on", ["--home", str(home), "safe-mode", "on"], 1.5),
    ]
    return [_figure(name, arguments, aim, bare) for name, arguments, aim in cases]


def _figure(name: str, arguments: list[str], aim: float, bare: float) -> Figure:
    took = median_run([*TRUEUP, *arguments], times=_TIMES).seconds
    ratio = took / bare
    return Figure(
        name="P3",
        what=f"trueup {name}",
        measured=f"{took * 1000:.0f} ms",
        beside=f"{bare * 1000:.0f} ms (import typer, rich)",
        ratio=f"{ratio:.2f} x",
        aim=f"<= {aim} x",
        reached=ratio <= aim,
    )
