"""What the files of a spool are called: the one that is written, and those it was before."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple


class Rotated(NamedTuple):
    """Sorts by age."""

    day: str
    number: int
    path: Path


def rotated_names(spool: Path, day: datetime) -> Iterator[Path]:
    """`signals-YYYYMMDD-NNN.jsonl` for `signals.jsonl`, one after the other without an end."""
    number = 0
    while True:
        number += 1
        yield spool.with_name(f"{spool.stem}-{day:%Y%m%d}-{number:03}{spool.suffix}")


def rotated_files(spool: Path) -> list[Rotated]:
    """Those that are there, the oldest first."""
    pattern = re.compile(
        rf"{re.escape(spool.stem)}-([0-9]{{8}})-([0-9]{{3,9}}){re.escape(spool.suffix)}", re.ASCII
    )
    try:
        names = [each.name for each in spool.parent.iterdir()]
    except FileNotFoundError:
        return []
    found = [(name, match) for name in names if (match := pattern.fullmatch(name))]
    return sorted(Rotated(match[1], int(match[2]), spool.with_name(name)) for name, match in found)
