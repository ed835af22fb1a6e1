"""Making one copy in the scratch folder and proving it, before anything gets a name.

The checks run beside each other: SQLite and hashing leave the interpreter to the others meanwhile.
"""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from core import __version__
from core.book.copies.checks import foreign_key_problems, integrity_problems
from core.book.copies.connections import (
    attach,
    copy_online,
    private_copy,
    scratch_database,
    snapshot_of,
)
from core.book.copies.contents import differing_tables, row_counts
from core.book.copies.deadline import Deadline
from core.book.copies.dump import write_dump
from core.book.copies.failures import BookDamaged
from core.book.copies.form import check_form
from core.book.copies.load import Awkward, BadDump, load_dump
from core.book.copies.manifest import copied_file, write_manifest
from core.book.copies.naming import VERIFIED, free_stem
from core.book.copies.scratch import Scratch, sync_file
from core.domain.backup import Backup, CopiedFile, Manifest
from core.domain.errors import BackupFailed

_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    book: Path
    scratch: Scratch
    deadline: Deadline
    taken_at: datetime
    sql_dump_max_mib: int

    def make(self) -> Backup:
        """Raises BookDamaged when the book's own checks fail, BackupFailed when the copy's do."""
        with snapshot_of(self.book, self.deadline) as source:
            # What restore would refuse is no way back, however intact it is.
            identity = check_form(source)
            copy = self.scratch.file("copy.db")
            copy_whole(source, copy, self.deadline)
            with ThreadPoolExecutor(3) as beside:
                health = beside.submit(self._check_integrity, copy)
                hashing = beside.submit(copied_file, copy, copy.name, self.deadline)
                dumping = beside.submit(self._dump_and_load, copy)
                try:
                    sync_file(copy)
                    self._check_foreign_keys(copy)
                    self._check_restored(source, copy)
                    counts = row_counts(source)
                    health.result()
                    file = hashing.result()
                    dump, why_not = self._checked_dump(source, dumping.result())
                except BaseException:
                    # The others would only be waited for.
                    self.deadline.abandon()
                    raise
        manifest = Manifest(
            file=file.file,
            size=file.size,
            sha256=file.sha256,
            sql=dump,
            sql_skipped=why_not,
            taken_at=self.taken_at,
            tool_version=__version__,
            lineage=identity.lineage,
            serial=identity.serial,
            schema_version=identity.schema_version,
            integrity_check="ok",
            foreign_key_check="ok",
            row_counts=counts,
            verified=True,
        )
        return self._publish(manifest)

    def _check_integrity(self, copy: Path) -> None:
        with private_copy(copy, self.deadline) as connection:
            if problems := integrity_problems(connection):
                raise BookDamaged(f"integrity_check of the book: {problems}")

    def _check_foreign_keys(self, copy: Path) -> None:
        with private_copy(copy, self.deadline) as connection:
            if problems := foreign_key_problems(connection):
                raise BookDamaged(f"foreign_key_check of the book: {problems}")

    def _check_restored(self, source: sqlite3.Connection, copy: Path) -> None:
        restored = self.scratch.file("restored.db")
        with private_copy(copy, self.deadline) as connection:
            copy_whole(connection, restored, self.deadline)
        self._compare(source, restored, "the restored copy", same_rowids=True)

    def _dump_and_load(self, copy: Path) -> str | None:
        """Writes the dump and reads it back; why there is none, if there is none."""
        if copy.stat().st_size > self.sql_dump_max_mib * _MIB:
            return f"the book is larger than sql_dump_max_mib ({self.sql_dump_max_mib} MiB)"
        dump, loaded = self.scratch.file("copy.sql"), self.scratch.file("loaded.db")
        with private_copy(copy, self.deadline) as connection:
            write_dump(connection, dump, self.deadline)
        try:
            load_dump(dump, loaded, self.deadline)
        except Awkward as error:
            return str(error)
        except BadDump as error:
            raise BackupFailed(f"the SQL dump does not read back: {error}") from error
        return None

    def _checked_dump(
        self, source: sqlite3.Connection, why_not: str | None
    ) -> tuple[CopiedFile | None, str | None]:
        if why_not:
            return None, why_not
        loaded = self.scratch.folder / "loaded.db"
        self._compare(source, loaded, "the SQL dump", same_rowids=False)
        dump = self.scratch.folder / "copy.sql"
        return copied_file(dump, dump.name, self.deadline), None

    def _compare(
        self, source: sqlite3.Connection, other: Path, what: str, *, same_rowids: bool
    ) -> None:
        name = other.stem
        attach(source, other, name)
        if differing := differing_tables(source, name, same_rowids=same_rowids):
            raise BackupFailed(f"{what} is not the book: {', '.join(differing)} differ")

    def _publish(self, manifest: Manifest) -> Backup:
        """The database file comes last: where it lies, all that belongs to it lies too."""
        with self.scratch.publishing() as backups:
            stem = free_stem(backups, VERIFIED, self.taken_at)
            dump = manifest.sql and replace(manifest.sql, file=f"{stem}.sql")
            final = replace(manifest, file=f"{stem}.db", sql=dump)
            write_manifest(final, self.scratch.file("copy.json"))
            self.scratch.publish(
                [
                    (self.scratch.folder / f"copy{ending}", backups / f"{stem}{ending}")
                    for ending in ([".json", ".sql", ".db"] if dump else [".json", ".db"])
                ]
            )
            return Backup(path=backups / final.file, manifest=final)


def copy_whole(source: sqlite3.Connection, into: Path, deadline: Deadline) -> None:
    """Into a private file that needs no sidecars, whatever journal the source uses."""
    with scratch_database(into, deadline) as target:
        copy_online(source, target, deadline)
        target.execute("PRAGMA journal_mode = DELETE").close()
