"""How a figure is told: measured, compared with what, the ratio, the aim."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    name: str
    what: str
    measured: str
    beside: str
    ratio: str
    aim: str
    reached: bool


def print_figures(figures: Sequence[Figure]) -> None:
    rows = [("", "what", "measured", "beside", "ratio", "aim", "")]
    rows += [
        (f.name, f.what, f.measured, f.beside, f.ratio, f.aim, "reached" if f.reached else "missed")
        for f in figures
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        print("  ".join(f"{text:<{wide}}" for text, wide in zip(row, widths, strict=True)).rstrip())
