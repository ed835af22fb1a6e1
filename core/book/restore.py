"""Putting a backup back: examined first, the old book kept, and either done or undone.

The lineage is renewed inside the same transaction that brings the content, so that there is no
moment in which an older plan could still fit the restored book.
"""

import os
import sqlite3
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path

from core.book.backup import PATIENCE, create_backup
from core.book.copies.candidate import Candidate
from core.book.copies.checks import foreign_key_problems, integrity_problems
from core.book.copies.connections import (
    attach,
    private_copy,
    scratch_database,
    snapshot_of,
)
from core.book.copies.contents import differing_tables, row_counts
from core.book.copies.deadline import Deadline, Patience, TimeUp
from core.book.copies.failures import failing_as, is_ours
from core.book.copies.forgetting import forgotten_by
from core.book.copies.form import WrongForm, read_identity
from core.book.copies.placing import Placement
from core.book.copies.scratch import Scratch, scratch_in
from core.book.copies.taking_in import lying_beside
from core.config.settings import Retention
from core.domain.backup import Backup, Examination, Forgotten, Restoration
from core.domain.errors import BackupFailed, RestoreFailed
from core.domain.record import BookIdentity
from core.ports import Clock, Ids

LINEAGE_BYTES = 16


def restore_book(
    candidate: Path,
    book: Path,
    backups: Path,
    *,
    clock: Clock,
    ids: Ids,
    retention: Retention,
    journal_copy: Path | None = None,
    simulate: bool = False,
    patience: Patience = PATIENCE,
) -> Restoration:
    """Raises RestoreFailed when the candidate is refused or a step fails; then the old book stands.

    Whoever calls holds the lock, has safe mode on, and has closed the book in this process: were
    the file open here, copying its bytes would drop the locks that its connections rely on.
    """
    with (
        failing_as(RestoreFailed, "nothing was restored"),
        Deadline(patience) as deadline,
        scratch_in(backups, deadline, ids) as scratch,
    ):
        run = _Run(
            candidate=candidate,
            book=book.absolute(),
            backups=backups,
            clock=clock,
            ids=ids,
            retention=retention,
            journal_copy=journal_copy,
            patience=patience,
            scratch=scratch,
            deadline=deadline,
        )
        return run.simulated() if simulate else run.restored()


def forgotten(journal_copy: Path, restored: Path, *, patience: Patience = PATIENCE) -> Forgotten:
    """The actions applied, by the journal's copy outside the book, that this book does not know."""
    with (
        failing_as(RestoreFailed, "what the book has forgotten is not known"),
        Deadline(patience) as deadline,
        snapshot_of(restored, deadline) as connection,
    ):
        return forgotten_by(connection, journal_copy, deadline)


@dataclass(slots=True, kw_only=True)
class _Run:
    candidate: Path
    book: Path
    backups: Path
    clock: Clock
    ids: Ids
    retention: Retention
    journal_copy: Path | None
    patience: Patience
    scratch: Scratch
    deadline: Deadline
    _ready: Path = field(init=False)

    def simulated(self) -> Restoration:
        return self._looked()

    def restored(self) -> Restoration:
        report = self._looked()
        new = self._with_new_lineage(report.examination)
        previous = self._kept()
        placement = Placement(self.book, self._ready, new, previous)
        try:
            placement.place(self._aside_name(), self.deadline)
            rows_after = self._checked(new)
        except BaseException as error:
            self._put_back(placement, previous, error)
            if isinstance(error, RestoreFailed):
                raise RestoreFailed(f"{error.message}; the old book is back") from error
            raise
        return replace(
            report,
            simulated=False,
            previous=previous,
            aside=placement.aside,
            new=new,
            rows_after=rows_after,
        )

    # --- before anything changes --------------------------------------------------------------

    def _looked(self) -> Restoration:
        self._check_book()
        inquiry = Candidate(self.candidate, self.scratch, self.deadline)
        examination = inquiry.examine()
        if not examination.good:
            raise RestoreFailed(
                f"{self.candidate.name} is refused: {examination.failures[0]}",
                hint="trueup backup list shows the copies there are; nothing was changed",
                details=[f"{c.verdict}: {c.name}: {c.text}" for c in examination.checks],
            )
        self._ready = inquiry.database
        old, rows_before = self._standing()
        return Restoration(
            candidate=self.candidate,
            examination=examination,
            simulated=True,
            old=old,
            new=None,
            rows_before=rows_before,
            rows_after=examination.row_counts,
            forgotten=self._forgotten(),
        )

    def _check_book(self) -> None:
        """Without opening the book: closing it again would drop the locks of its connections."""
        if os.path.lexists(self.book) and not stat.S_ISREG(self.book.lstat().st_mode):
            raise RestoreFailed(f"the book {self.book} is not a regular file")
        own = (self.book, *lying_beside(self.book))
        if self.candidate.exists() and any(p.exists() and p.samefile(self.candidate) for p in own):
            raise RestoreFailed(f"{self.candidate.name} is the book itself")

    def _standing(self) -> tuple[BookIdentity | None, Mapping[str, int] | None]:
        """The book as it is; None for what is not there or too damaged to tell."""
        if not self.book.exists():
            return None, None
        # Nothing beside it: then looking leaves nothing beside it either.
        opened = snapshot_of if lying_beside(self.book) else private_copy
        try:
            with opened(self.book, self.deadline) as connection:
                return read_identity(connection), row_counts(connection)
        except WrongForm:
            return None, None
        except sqlite3.DatabaseError as error:
            if is_ours(error):
                raise
            return None, None

    def _forgotten(self) -> Forgotten | None:
        if self.journal_copy is None:
            return None
        with private_copy(self._ready, self.deadline) as connection:
            return forgotten_by(connection, self.journal_copy, self.deadline)

    def _with_new_lineage(self, examination: Examination) -> BookIdentity:
        assert examination.identity is not None
        lineage = self.ids.token(LINEAGE_BYTES)
        with scratch_database(self._ready, self.deadline) as connection:
            connection.execute("PRAGMA journal_mode = DELETE").close()
            connection.execute("UPDATE meta SET lineage = ?", (lineage,))
        return replace(examination.identity, lineage=lineage)

    def _kept(self) -> Backup | None:
        """The book as it stands, copied even when it is damaged; None when there is none."""
        if not self.book.exists():
            return None
        try:
            return create_backup(
                self.book,
                self.backups,
                clock=self.clock,
                ids=self.ids,
                retention=self.retention,
                damaged=True,
                patience=self.patience,
            )
        except BackupFailed as error:
            raise RestoreFailed(
                f"the present book could not be kept, so it was not touched: {error.message}",
                hint=error.hint or "move its files away by hand if they are not worth keeping",
            ) from error

    # --- the change ---------------------------------------------------------------------------

    def _aside_name(self) -> str:
        at = self.clock.now().astimezone(UTC)
        return f"{self.book.name}.damaged-{at:%Y%m%d_%H%M%S}-{self.ids.token(2)}"

    def _checked(self, new: BookIdentity) -> Mapping[str, int]:
        """Read back from its own place and compared with what was brought there."""
        with (
            Deadline(self.patience) as deadline,
            snapshot_of(self.book, deadline) as connection,
        ):
            if problems := integrity_problems(connection) or foreign_key_problems(connection):
                raise RestoreFailed(f"the restored book fails its checks: {problems}")
            attach(connection, self._ready, "ready")
            if differing := differing_tables(connection, "ready", same_rowids=True):
                raise RestoreFailed(f"the restored book differs in {', '.join(differing)}")
            if read_identity(connection) != new:
                raise RestoreFailed("the restored book does not have its new lineage")
            return row_counts(connection)

    def _put_back(
        self, placement: Placement, previous: Backup | None, error: BaseException
    ) -> None:
        try:
            with Deadline(self.patience) as deadline:
                placement.put_back(deadline)
        except (sqlite3.Error, OSError, TimeUp) as second:
            where = f"it is kept in {previous.path}" if previous else "there was none"
            raise RestoreFailed(
                f"the restore failed ({error}), and putting the old book back failed too"
                f" ({second}); {where}",
                details=[f"set aside: {path}" for path in placement.aside],
            ) from error
