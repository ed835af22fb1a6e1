"""The copies as they lie in the backups folder: listing them, and removing the old ones."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from core.book.copies.manifest import BadManifest, read_manifest
from core.book.copies.naming import stem_of, stems_in
from core.book.copies.scratch import sync_dir
from core.config.settings import Retention
from core.domain.backup import ListedBackup, Manifest

Bucket = Callable[[datetime], tuple[int, ...]]


def listed(backups: Path, now: datetime) -> tuple[ListedBackup, ...]:
    """Every copy, latest first, with what its manifest says."""
    return tuple(_listed(backups, stem, now) for stem in stems_in(backups))


def _listed(backups: Path, stem: str, now: datetime) -> ListedBackup:
    path = backups / f"{stem}.db"
    try:
        manifest = read_manifest(backups / f"{stem}.json")
    except BadManifest as error:
        return ListedBackup(path=path, age=None, manifest=None, problem=str(error))
    if manifest is None:
        return ListedBackup(path=path, age=None, manifest=None, problem="it has no manifest")
    age = now - manifest.taken_at
    problem = _problem(path, manifest)
    return ListedBackup(path=path, age=age, manifest=manifest, problem=problem)


def _problem(path: Path, manifest: Manifest) -> str | None:
    try:
        size = path.lstat().st_size
    except FileNotFoundError:
        return "its .db is missing"
    if size != manifest.size:
        return f"its .db has {size} bytes, the manifest says {manifest.size}"
    if not manifest.verified:
        return f"no verified copy: {manifest.damage or 'no reason given'}"
    return None


def removable(
    copies: Sequence[ListedBackup], retention: Retention, protected: Iterable[str]
) -> tuple[ListedBackup, ...]:
    """The verified copies that no rule keeps. What is not verified is left to a person."""
    verified = [copy for copy in copies if copy.verified]
    kept = {copy.name for copy in verified[:1]}
    for bucket, most in _rules(retention):
        kept |= _latest_per_bucket(verified, bucket, most)
    stems = {stem_of(name) for name in protected}
    return tuple(c for c in verified if c.name not in kept and stem_of(c.name) not in stems)


def _rules(retention: Retention) -> tuple[tuple[Bucket, int], ...]:
    return (
        (lambda at: (at.year, at.month, at.day, at.hour), retention.hourly),
        (lambda at: (at.year, at.month, at.day), retention.daily),
        (lambda at: at.isocalendar()[:2], retention.weekly),
    )


def _latest_per_bucket(copies: Sequence[ListedBackup], bucket: Bucket, most: int) -> set[str]:
    """The latest copy of each of the `most` latest hours, days or weeks that have any."""
    latest: dict[tuple[int, ...], str] = {}
    for copy in copies:
        assert copy.manifest is not None
        latest.setdefault(bucket(copy.manifest.taken_at.astimezone(UTC)), copy.name)
    return set(list(latest.values())[:most])


def remove(backups: Path, copy: ListedBackup) -> None:
    """The dump first and the manifest last: a removal cut short is finished by the next one."""
    for ending in (".sql", ".db", ".json"):
        (backups / f"{copy.path.stem}{ending}").unlink(missing_ok=True)
    sync_dir(backups)


def remove_lone_manifests(backups: Path) -> None:
    """Left behind by what was cut short; nothing could be restored from them."""
    for stem in stems_in(backups):
        if [path.suffix for path in backups.glob(f"{stem}.*")] == [".json"]:
            (backups / f"{stem}.json").unlink(missing_ok=True)
