"""A copy of a book that is too damaged for a real one: its bytes as they lie there, as evidence.

Not for restoring: its manifest says so and restore refuses it. Nothing in this process may have the
book open meanwhile, because closing a file drops every lock the process holds on it.
"""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from core import __version__
from core.book.copies.deadline import Deadline
from core.book.copies.manifest import write_manifest
from core.book.copies.naming import DAMAGED, free_stem
from core.book.copies.scratch import Scratch
from core.book.copies.taking_in import lying_beside, take_in
from core.domain.backup import Backup, Manifest

NOT_RUN = "not run"


def copy_damaged(
    book: Path, scratch: Scratch, why: str, taken_at: datetime, deadline: Deadline
) -> Backup:
    """The database file and its sidecars under one name, as SQLite would look for them."""
    with scratch.publishing() as backups:
        stem = free_stem(backups, DAMAGED, taken_at)
        # The database file comes last: where it lies, its sidecars lie too.
        sources = [p for p in lying_beside(book) if not p.name.endswith("-shm")] + [book]
        *sidecars, file = [
            replace(take_in(source, scratch.file(name), deadline), file=name)
            for source in sources
            for name in [f"{stem}.db{source.name.removeprefix(book.name)}"]
        ]
        manifest = Manifest(
            file=file.file,
            size=file.size,
            sha256=file.sha256,
            sidecars=tuple(sidecars),
            sql_skipped="the book is damaged",
            taken_at=taken_at,
            tool_version=__version__,
            lineage=None,
            serial=None,
            schema_version=None,
            integrity_check=NOT_RUN,
            foreign_key_check=NOT_RUN,
            row_counts={},
            verified=False,
            damage=why,
        )
        private = scratch.file(f"{stem}.json")
        write_manifest(manifest, private)
        made = [private, *(scratch.folder / copied.file for copied in (*sidecars, file))]
        scratch.publish([(path, backups / path.name) for path in made])
        return Backup(path=backups / file.file, manifest=manifest)
