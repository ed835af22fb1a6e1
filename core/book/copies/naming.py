"""What the files of a copy are called: db_backup_YYYYMMDD_HHMMSS with .db, .sql and .json."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

VERIFIED = "db_backup"
# Not a name that anybody could take for a good copy.
DAMAGED = "db_damaged"
_STEM = re.compile(rf"({VERIFIED}|{DAMAGED})_\d{{8}}_\d{{6}}(_\d+)?")


def free_stem(backups: Path, kind: str, taken_at: datetime) -> str:
    """The name for that second, with a number when it is taken."""
    first = f"{kind}_{taken_at.astimezone(UTC):%Y%m%d_%H%M%S}"
    stems = chain([first], (f"{first}_{number}" for number in count(2)))
    return next(stem for stem in stems if not any(backups.glob(f"{stem}.*")))


def stem_of(name: str) -> str | None:
    """The common name of a copy's files; None for a file that is none of them."""
    stem = Path(name).name.partition(".")[0]
    return stem if _STEM.fullmatch(stem) else None


def stems_in(backups: Path) -> Iterator[str]:
    """The copies in the folder, latest first."""
    yield from sorted({s for p in backups.iterdir() if (s := stem_of(p.name))}, key=_when)[::-1]


def _when(stem: str) -> tuple[str, int]:
    day, second, *number = stem.split("_")[2:]
    return day + second, int(number[0]) if number else 1
