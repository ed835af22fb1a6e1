"""The reading end of the spool: every whole line of every file once, the oldest file first.

Each file has a cursor of its own in the book, under its inode: whoever still writes into a file
that was given another name is heard as well. A file whose beginning is not the one that was read,
or that is shorter than what was read, is another file under the old inode and is read from its
beginning; what it repeats is told from its ids.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.config.opening import open_plain_file, reason
from core.domain.arrival import Batch, Item
from core.domain.errors import DiskError
from core.domain.signal import Cursor
from core.ports import Clock, RunLog
from core.signals.spool_files import rotated_files

SOURCE = "spool"
LINE_BYTES_MAX = 64 * 1024
LINES_MAX = 200
HEAD_BYTES_MAX = 1024
# Holds more than one line of the greatest length, so that what does not end in it is too long.
_BLOCK_BYTES = 4 * LINE_BYTES_MAX


@dataclass(frozen=True, slots=True)
class _Line:
    raw: bytes
    number: int


class SpoolReader:
    """Hands out what is new; it counts as read when the book has the batch's cursor."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        log: RunLog,
        cursor_of: Callable[[str], Cursor | None],
        lines_max: int = LINES_MAX,
    ):
        self._path = path
        self._clock = clock
        self._log = log
        self._cursor_of = cursor_of
        self._lines_max = lines_max
        # Files in which nothing was new, as they then were: looking again would find the same.
        self._quiet: dict[int, tuple[int, int]] = {}
        # How far a line without an end has been searched for one.
        self._searched: dict[tuple[int, int], int] = {}

    def next_batch(self) -> Batch | None:
        """Some lines of one file, or None when every file is read to its end."""
        while True:
            older = rotated_files(self._path)
            for each in older:
                if batch := self._from(each.path):
                    return batch
            with _opened(self._path) as descriptor:
                # Was it rotated while we looked? Then the name speaks of a newer file already.
                if rotated_files(self._path) == older:
                    return self._next(self._path, descriptor) if descriptor is not None else None

    # --- one file ---------------------------------------------------------------------------------

    def _from(self, path: Path) -> Batch | None:
        with _opened(path) as descriptor:
            return self._next(path, descriptor) if descriptor is not None else None

    def _next(self, path: Path, descriptor: int) -> Batch | None:
        status = os.fstat(descriptor)
        now = (status.st_size, status.st_mtime_ns)
        if self._quiet.get(status.st_ino) == now:
            return None
        cursor = self._start(path, descriptor, status)
        lines, offset, number = self._lines(descriptor, status, cursor)
        if offset == cursor.offset:
            self._quiet[status.st_ino] = now
            return None
        items = [
            Item(raw=line.raw, source=SOURCE, place=f"{path.name}:{line.number}") for line in lines
        ]
        return Batch(items=tuple(items), cursor=self._moved(cursor, descriptor, offset, number))

    def _start(self, path: Path, descriptor: int, status: os.stat_result) -> Cursor:
        """Where the last commit left it, if this is still the same file."""
        known = self._cursor_of(_source_of(status))
        if known is not None:
            trouble = _trouble(known, descriptor, status)
            if trouble is None:
                return known
            self._log.event("spool_read_anew", level="warning", file=path.name, because=trouble)
        return Cursor(
            source=_source_of(status),
            file_id=_file_id(status),
            head_bytes=0,
            head_digest=_digest(b""),
            offset=0,
            line=0,
            at=self._clock.now(),
        )

    def _moved(self, cursor: Cursor, descriptor: int, offset: int, number: int) -> Cursor:
        head = os.pread(descriptor, min(offset, HEAD_BYTES_MAX), 0)
        return Cursor(
            source=cursor.source,
            file_id=cursor.file_id,
            head_bytes=len(head),
            head_digest=_digest(head),
            offset=offset,
            line=number,
            at=self._clock.now(),
        )

    # --- lines ------------------------------------------------------------------------------------

    def _lines(
        self, descriptor: int, status: os.stat_result, cursor: Cursor
    ) -> tuple[list[_Line], int, int]:
        """The next whole lines that say something, and where they end."""
        block = os.pread(descriptor, _BLOCK_BYTES, cursor.offset)
        found: list[_Line] = []
        start, number = 0, cursor.line
        while len(found) < self._lines_max and (end := block.find(b"\n", start)) >= 0:
            number += 1
            raw = block[start:end].removesuffix(b"\r")
            if raw.strip():
                found.append(_Line(raw[: LINE_BYTES_MAX + 1], number))
            start = end + 1
        if start == 0 and len(block) > LINE_BYTES_MAX + 1:
            return self._too_long(block, descriptor, status, cursor)
        return found, cursor.offset + start, number

    def _too_long(
        self, block: bytes, descriptor: int, status: os.stat_result, cursor: Cursor
    ) -> tuple[list[_Line], int, int]:
        """Only its beginning is kept, and it waits for its end like any other torn line."""
        key = (status.st_ino, cursor.offset)
        at = max(self._searched.pop(key, 0), cursor.offset + len(block))
        while piece := os.pread(descriptor, _BLOCK_BYTES, at):
            if (end := piece.find(b"\n")) >= 0:
                line = _Line(block[: LINE_BYTES_MAX + 1], cursor.line + 1)
                return [line], at + end + 1, cursor.line + 1
            at += len(piece)
        self._searched[key] = at
        return [], cursor.offset, cursor.line


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    """None when there is no such file; a spool may not have been begun, or be gone."""
    try:
        descriptor = open_plain_file(path)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise DiskError(f"the spool {path} cannot be read: it {reason(error)}") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _source_of(status: os.stat_result) -> str:
    return f"{SOURCE}:{_file_id(status)}"


def _file_id(status: os.stat_result) -> str:
    return f"{status.st_ino:x}"


def _digest(head: bytes) -> str:
    return hashlib.sha256(head).hexdigest()


def _trouble(known: Cursor, descriptor: int, status: os.stat_result) -> str | None:
    """Why this cannot be the file that the cursor was in."""
    if status.st_size < known.offset:
        return "it is shorter than what was read of it"
    if _digest(os.pread(descriptor, known.head_bytes, 0)) != known.head_digest:
        return "it begins otherwise than what was read of it"
    if known.offset and os.pread(descriptor, 1, known.offset - 1) != b"\n":
        return "no line ends where the last one ended"
    return None


def is_read_to_its_end(path: Path, cursor_of: Callable[[str], Cursor | None]) -> bool:
    """Whether the book has everything that stands in it."""
    with _opened(path) as descriptor:
        if descriptor is None:
            return False
        status = os.fstat(descriptor)
        known = cursor_of(_source_of(status))
        if known is None or _trouble(known, descriptor, status) is not None:
            return False
        return known.offset == status.st_size
