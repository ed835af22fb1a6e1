"""Prints each figure of the quality page beside what it is measured against."""

import sys
import tempfile
from pathlib import Path

from bench import applying, backing_up, crowd, importing, placing, planning, serving, starting
from bench.report import Figure, print_figures

SUITES = {
    "P1": planning.steady,
    "P2": planning.growth,
    "P3": starting.start_up,
    "P4": placing.create_round_trips,
    "P4s": serving.signal_to_wire,
    "crowd": crowd.order_beside_quotes,
    "history": serving.long_history,
    "bare": serving.fill_to_stop,
    "P5": serving.lives,
    "P6": applying.bulk,
    "P7": backing_up.verified,
    "imports": importing.cost,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        print(f"no suite {', '.join(unknown)}; there are {', '.join(SUITES)}", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    for name in names or SUITES:
        print(f"measuring {name} …", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="trueup-bench-") as scratch:
            figures += SUITES[name](Path(scratch))
    print_figures(figures)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
