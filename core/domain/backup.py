"""Copies of the book: what their manifests say, and what came of examining and restoring them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from core.domain.record import BookIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedFile:
    file: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The `.json` beside a copy. Only a verified one is a way back; a damaged one is evidence."""

    format_version: str = "1.0"
    # Of the binary copy, which is the backup; the dump is there for the sqlite3 shell.
    file: str
    size: int
    sha256: str
    sql: CopiedFile | None = None
    sql_skipped: str | None = None
    # Raw copies of a damaged book only: what lay beside the file.
    sidecars: tuple[CopiedFile, ...] = ()
    taken_at: datetime
    tool_version: str
    lineage: str | None
    serial: int | None
    schema_version: int | None
    integrity_check: str
    foreign_key_check: str
    row_counts: Mapping[str, int]
    verified: bool
    # Why it is not verified.
    damage: str | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all its files, the manifest aside."""
        dump = (self.sql.file,) if self.sql else ()
        return (self.file, *dump, *(sidecar.file for sidecar in self.sidecars))


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A copy just made."""

    path: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedBackup:
    """A copy as it lies in the backups folder; its content has not been looked at."""

    path: Path
    age: timedelta | None
    manifest: Manifest | None
    # Why it cannot be relied on as it lies there.
    problem: str | None = None

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def verified(self) -> bool:
        return self.problem is None and self.manifest is not None and self.manifest.verified


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    name: str
    verdict: Verdict
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Everything that was checked about a copy, in order; it stops at the first failure."""

    path: Path
    checks: tuple[Check, ...]
    manifest: Manifest | None = None
    identity: BookIdentity | None = None
    row_counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return all(check.verdict is not Verdict.FAIL for check in self.checks)

    @property
    def failures(self) -> tuple[str, ...]:
        return tuple(f"{c.name}: {c.text}" for c in self.checks if c.verdict is Verdict.FAIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenAction:
    """An action that was applied and that the restored book does not know of."""

    plan_id: str
    action_id: str
    kind: str
    account: str
    symbol: str
    target: str
    at: str
    idempotency_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    total: int
    # The latest ones, oldest first.
    actions: tuple[ForgottenAction, ...] = ()
    # A torn or strange line may have been an action too.
    unreadable_lines: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """What a restore did; `simulated` when nothing was changed."""

    candidate: Path
    examination: Examination
    simulated: bool = False
    # The copy that holds the book as it was; None when there was no book.
    previous: Backup | None = None
    # Where a book too damaged to be written over was moved to, with what lay beside it.
    aside: tuple[Path, ...] = ()
    old: BookIdentity | None
    # Known once it is written: a simulation mints no lineage.
    new: BookIdentity | None
    rows_before: Mapping[str, int] | None
    rows_after: Mapping[str, int]
    forgotten: Forgotten | None = None
