"""The shelf of copies behind one small port: make one, list, check, prune, put one back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.config.settings import Retention
from core.ports import Clock, Ids

if TYPE_CHECKING:
    from core.domain.backup import Backup, Examination, ListedBackup, Restoration


@dataclass(frozen=True, slots=True, kw_only=True)
class BookBackups:
    """Copies of one book in one folder; what makes them is imported when it is used."""

    book: Path
    folder: Path
    clock: Clock
    ids: Ids
    retention: Retention
    journal_copy: Path

    def take(self, *, damaged: bool = False) -> Backup:
        from core.book.backup import create_backup

        return create_backup(
            self.book,
            self.folder,
            clock=self.clock,
            ids=self.ids,
            retention=self.retention,
            damaged=damaged,
        )

    def listed(self) -> tuple[ListedBackup, ...]:
        from core.book.backup import list_backups

        return list_backups(self.folder, self.clock.now())

    def verify(self, path: Path) -> Examination:
        from core.book.backup import verify_backup

        return verify_backup(path, self.folder, ids=self.ids)

    def prune(self, protected: Iterable[str]) -> tuple[str, ...]:
        from core.book.backup import prune_backups

        return prune_backups(
            self.folder,
            now=self.clock.now(),
            retention=self.retention,
            protected=protected,
        )

    def restore(self, candidate: Path, *, simulate: bool) -> Restoration:
        from core.book.restore import restore_book

        return restore_book(
            candidate,
            self.book,
            self.folder,
            clock=self.clock,
            ids=self.ids,
            retention=self.retention,
            journal_copy=self.journal_copy,
            simulate=simulate,
        )
