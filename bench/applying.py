"""P6: applying 100,000 book-only actions beside a bare executemany of the same rows."""

from pathlib import Path

from bench.report import Figure


def bulk(scratch: Path) -> list[Figure]:
    return []
