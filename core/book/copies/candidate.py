"""Examining a copy before anybody relies on it.

The file is taken into the scratch folder first and everything is checked there: what lies beside it
(a stale -wal would be replayed into it) is never looked at, and it cannot change under our hands.
"""

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from core.book.copies.checks import foreign_key_problems, integrity_problems
from core.book.copies.connections import private_copy
from core.book.copies.contents import row_counts
from core.book.copies.deadline import Deadline
from core.book.copies.failures import is_ours
from core.book.copies.form import WrongForm, check_form
from core.book.copies.header import BadHeader, check_header
from core.book.copies.load import BYTES_MAX, BadDump, load_dump
from core.book.copies.manifest import BadManifest, read_manifest
from core.book.copies.scratch import Scratch
from core.book.copies.taking_in import Misleading, check_path, lying_beside, take_in
from core.domain.backup import Check, CopiedFile, Examination, Manifest, Verdict
from core.domain.record import BookIdentity


class Flaw(Exception):
    """The copy is refused."""


class Doubt(Exception):
    """The copy may be used, but whoever asked should know this."""


_REFUSALS = (Flaw, Misleading, BadManifest, BadHeader, BadDump, WrongForm)


class Candidate:
    """One copy on its way through the checks; `database` is what may be restored afterwards."""

    def __init__(self, path: Path, scratch: Scratch, deadline: Deadline):
        self.path = path
        self.is_dump = path.suffix == ".sql"
        self.database = scratch.folder / "candidate.db"
        self._scratch = scratch
        self._deadline = deadline
        self._taken: CopiedFile | None = None
        self._manifest: Manifest | None = None
        self._identity: BookIdentity | None = None
        self._row_counts: Mapping[str, int] = {}

    def examine(self) -> Examination:
        """Check by check until one fails; only the disk and the clock can raise here."""
        checks = []
        for name, check in self._checks():
            outcome = self._outcome(name, check)
            checks.append(outcome)
            if outcome.verdict is Verdict.FAIL:
                break
        return Examination(
            path=self.path,
            checks=tuple(checks),
            manifest=self._manifest,
            identity=self._identity,
            row_counts=self._row_counts,
        )

    def _outcome(self, name: str, check: Callable[[], str]) -> Check:
        try:
            return Check(name=name, verdict=Verdict.OK, text=check())
        except Doubt as doubt:
            return Check(name=name, verdict=Verdict.WARN, text=str(doubt))
        except _REFUSALS as refusal:
            return Check(name=name, verdict=Verdict.FAIL, text=str(refusal))
        except sqlite3.DatabaseError as error:
            # What the disk or the deadline did to us says nothing about the copy.
            self._deadline.check()
            if is_ours(error):
                raise
            return Check(name=name, verdict=Verdict.FAIL, text=f"SQLite cannot read it: {error}")

    def _checks(self) -> tuple[tuple[str, Callable[[], str]], ...]:
        return (
            ("file", self._take_in),
            ("manifest", self._hold_against_manifest),
            ("sidecars", self._look_beside),
            ("content", self._load if self.is_dump else self._look_at_header),
            ("schema", self._look_at_form),
            ("integrity_check", self._check_integrity),
            ("foreign_key_check", self._check_foreign_keys),
            ("row_counts", self._count_rows),
        )

    def _take_in(self) -> str:
        check_path(self.path)
        if self.path.suffix not in (".db", ".sql"):
            raise Flaw("a copy of a book is a .db or a .sql file")
        if self.is_dump and self.path.stat().st_size > BYTES_MAX:
            raise Flaw(f"a dump of more than {BYTES_MAX >> 20} MiB is not read; restore the .db")
        private = self._scratch.file(f"candidate{self.path.suffix}")
        self._taken = take_in(self.path, private, self._deadline)
        return f"{self._taken.size} bytes, sha256 {self._taken.sha256}"

    def _hold_against_manifest(self) -> str:
        self._manifest = read_manifest(self.path.with_suffix(".json"))
        if self._manifest is None:
            raise Doubt("there is none, so nothing says what the file should hold")
        if not self._manifest.verified:
            why = self._manifest.damage or "it was not verified"
            raise Flaw(f"the manifest says that this is no verified copy: {why}")
        expected = self._manifest.sql if self.is_dump else self._manifest
        if expected is None:
            raise Flaw("the manifest beside it knows of no dump")
        if self._taken is None or self._taken.sha256 != expected.sha256:
            raise Flaw("its SHA-256 is not the one in the manifest: it is not what was verified")
        return f"SHA-256 as in the manifest of {self._manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC"

    def _look_beside(self) -> str:
        beside = () if self.is_dump else lying_beside(self.path)
        found = [sidecar for sidecar in beside if sidecar.lstat().st_size]
        names = ", ".join(sidecar.name for sidecar in found)
        if found and self._manifest is None:
            raise Flaw(
                f"{names} lies beside it and may hold rows that the file lacks, or foreign ones; "
                "without a manifest nobody can tell: merge it with sqlite3, or move it away"
            )
        if found:
            raise Doubt(f"{names} lies beside it and is left out: only the file was verified")
        return "nothing lies beside it"

    def _load(self) -> str:
        dump = self.database.with_suffix(".sql")
        load_dump(dump, self._scratch.file(self.database.name), self._deadline)
        return "only tables, indexes and rows of a book"

    def _look_at_header(self) -> str:
        check_header(self.database)
        return "a whole SQLite database"

    def _look_at_form(self) -> str:
        with private_copy(self.database, self._deadline) as connection:
            self._identity = check_form(connection)
        known = self._manifest and (self._manifest.lineage, self._manifest.serial)
        if known and known != (self._identity.lineage, self._identity.serial):
            raise Flaw("lineage and serial are not those in the manifest")
        return (
            f"a book, schema version {self._identity.schema_version}, "
            f"lineage {self._identity.lineage}, serial {self._identity.serial}"
        )

    def _check_integrity(self) -> str:
        with private_copy(self.database, self._deadline) as connection:
            if problems := integrity_problems(connection):
                raise Flaw(problems)
        return "ok"

    def _check_foreign_keys(self) -> str:
        with private_copy(self.database, self._deadline) as connection:
            if problems := foreign_key_problems(connection):
                raise Flaw(problems)
        return "ok"

    def _count_rows(self) -> str:
        with private_copy(self.database, self._deadline) as connection:
            self._row_counts = row_counts(connection)
        if self._manifest and self._manifest.row_counts != self._row_counts:
            raise Flaw("the tables do not have as many rows as the manifest says")
        filled = (f"{name} {count}" for name, count in self._row_counts.items() if count)
        return ", ".join(filled) or "no rows"
