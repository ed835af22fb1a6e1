"""The writing end of the spool: one line a signal, and a new file when day or size ask for it."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path

from core.ports import Clock, Files
from core.signals.spool_files import rotated_names

# So many files of one day are a fault elsewhere; the file then simply grows on.
_NAMES_MAX = 100_000


class SpoolWriter:
    """Safe beside any number of others that append whole lines."""

    def __init__(self, path: Path, *, files: Files, clock: Clock, bytes_max: int):
        self.path = path
        self._files = files
        self._clock = clock
        self._bytes_max = bytes_max

    def append(self, line: bytes) -> None:
        """On disk when this returns; a DiskError means that nothing of it is there."""
        self.rotate_when_due()
        self._files.append(self.path, line.decode())

    def rotate_when_due(self) -> Path | None:
        """The name that the file has been given, if it was due."""
        return self._files.rotate(self.path, self._names)

    def _names(self, size: int, written: datetime) -> Iterator[Path]:
        # The day that a file is named after is that of its last line.
        if size and (size >= self._bytes_max or written.date() < self._clock.now().date()):
            yield from islice(rotated_names(self.path, written), _NAMES_MAX)
