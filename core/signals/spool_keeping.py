"""How long rotated spools are kept: until all their signals are done, and some days longer."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.config.settings import Settings
from core.decide.qualify.reading import read_signal
from core.domain.signal import RequestStatus, SignalRecord
from core.ports import Book, BookReading, Clock, Files
from core.signals.spool import LINE_BYTES_MAX, is_read_to_its_end
from core.signals.spool_files import rotated_files

_OPEN = frozenset({RequestStatus.PENDING, RequestStatus.EXECUTING})
_IDS_AT_ONCE = 1000


def remove_old_spools(
    spool: Path, *, book: Book, files: Files, clock: Clock, settings: Settings
) -> list[Path]:
    """Those that are gone now; the one that is being written always stays."""
    now = clock.now()
    oldest = now - timedelta(days=settings.SIGNALS.retention_days)
    removed = []
    with book.read() as view:
        for _, _, path in rotated_files(spool):
            if _last_written(path) <= oldest and _is_done_with(path, view, oldest, settings):
                files.remove(path)
                removed.append(path)
    return removed


def _last_written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _is_done_with(path: Path, book: BookReading, oldest: datetime, settings: Settings) -> bool:
    if not is_read_to_its_end(path, book.cursor):
        return False
    return all(
        _is_done(record, oldest)
        for ids in _ids_in(path, oldest, settings)
        for record in book.signals(ids)
    )


def _is_done(record: SignalRecord, oldest: datetime) -> bool:
    if record.request_status in _OPEN:
        return False
    return record.finished_at is None or record.finished_at <= oldest


def _ids_in(path: Path, now: datetime, settings: Settings) -> Iterator[set[str]]:
    """What its lines were read as; whether they would still be taken in does not matter."""
    ids: set[str] = set()
    with path.open("rb") as lines:
        # A line without an end must not fill the memory.
        while line := lines.readline(LINE_BYTES_MAX):
            found = read_signal(line, now=now, settings=settings)
            if found.signal_id is not None:
                ids.add(found.signal_id)
            if len(ids) >= _IDS_AT_ONCE:
                yield ids
                ids = set()
    yield ids
