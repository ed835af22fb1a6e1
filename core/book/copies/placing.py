"""Putting a checked database where the book is, and putting back what was there.

A book that SQLite can still open is written over through the backup API: one transaction, seen by
every connection that has the book open, and rolled back by the next opening if we die in it. A file
is never exchanged under a live write-ahead log. Only one that SQLite refuses is exchanged, and that
one is kept aside together with its sidecars.
"""

import errno
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from core.book.copies.connections import (
    copy_online,
    live_book,
    private_copy,
    scratch_database,
    seen_only,
    snapshot_of,
)
from core.book.copies.deadline import Deadline
from core.book.copies.failures import is_damage
from core.book.copies.form import WrongForm, read_identity
from core.book.copies.scratch import make_folder, new_private_file, sync_dir, sync_file
from core.book.copies.taking_in import SIDECARS, lying_beside, take_in
from core.domain.backup import Backup
from core.domain.record import BookIdentity

# What stands where: "" is the database file itself, "-wal" and the like what lies beside it.
Files = Mapping[str, Path]


class Placement:
    """One database on its way to the book's place; it can be taken back until it is forgotten."""

    def __init__(self, book: Path, ready: Path, new: BookIdentity, previous: Backup | None):
        self._book = book
        self._ready = ready
        self._new = new
        self._previous = previous
        # None as long as no file is being exchanged.
        self._aside: Files | None = None

    @property
    def aside(self) -> tuple[Path, ...]:
        """Where the files are now that could not be written over."""
        return tuple((self._aside or {}).values())

    def place(self, aside_name: str, deadline: Deadline) -> None:
        if page_size := page_size_of(self._book, deadline):
            fit_pages(self._ready, page_size, deadline)
            if write_over(self._book, self._ready, deadline):
                return
        make_folder(self._book.parent)
        self._aside = keep_aside(self._book, aside_name, deadline)
        exchange(self._book, {"": self._ready}, deadline)

    def put_back(self, deadline: Deadline) -> None:
        """The book as it was before `place`, however far that came."""
        if self._aside is not None:
            exchange(self._book, self._aside, deadline)
            for path in self._aside.values():
                path.unlink()
        elif self._previous is None or not self._is_placed(deadline):
            # Nothing was begun, or SQLite rolled its transaction back.
            return
        elif not (self._previous.manifest.verified and self._write_back(deadline)):
            exchange(self._book, _files_of(self._previous), deadline)

    def _write_back(self, deadline: Deadline) -> bool:
        assert self._previous is not None
        return write_over(self._book, self._previous.path, deadline)

    def _is_placed(self, deadline: Deadline) -> bool:
        try:
            with snapshot_of(self._book, deadline) as connection:
                return read_identity(connection) == self._new
        except (WrongForm, sqlite3.DatabaseError):
            return False


def write_over(book: Path, ready: Path, deadline: Deadline) -> bool:
    """False when SQLite refuses the book's file, which is then untouched."""
    try:
        with live_book(book, deadline) as target, private_copy(ready, deadline) as source:
            copy_online(source, target, deadline)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return False
    return True


def page_size_of(book: Path, deadline: Deadline) -> int | None:
    """None for a book that is not there or that SQLite refuses.

    Asked read-only: a writing connection would merge the log into the damaged file as it closes.
    """
    if not os.path.lexists(book):
        return None
    try:
        with seen_only(book, deadline) as connection:
            # Needs the header, but no readable schema.
            connection.execute("PRAGMA schema_version").fetchone()
            (size,) = connection.execute("PRAGMA page_size").fetchone()
            return int(size)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return None


def fit_pages(ready: Path, page_size: int, deadline: Deadline) -> None:
    """A book in WAL mode only takes pages of its own size."""
    with scratch_database(ready, deadline) as connection:
        (found,) = connection.execute("PRAGMA page_size").fetchone()
        if found != page_size:
            connection.execute(f"PRAGMA page_size = {page_size}").close()
            connection.execute("VACUUM")


def keep_aside(book: Path, name: str, deadline: Deadline) -> Files:
    """Second names for the book's file and its sidecars; the first ones stay until the exchange."""
    kept: dict[str, Path] = {}
    try:
        for path in (*lying_beside(book), book):
            if os.path.lexists(path):
                ending = path.name.removeprefix(book.name)
                kept[ending] = book.with_name(f"{name}{ending}")
                _link_or_copy(path, kept[ending], deadline)
        sync_dir(book.parent)
    except BaseException:
        for path in kept.values():
            path.unlink(missing_ok=True)
        raise
    return kept


def exchange(book: Path, files: Files, deadline: Deadline) -> None:
    """Old sidecars go before the new file comes: beside it they would be replayed into it."""
    arriving = {ending: book.with_name(f".{book.name}.restoring{ending}") for ending in files}
    try:
        for ending, path in arriving.items():
            path.unlink(missing_ok=True)
            take_in(files[ending], new_private_file(path), deadline)
            sync_file(path)
        _rename_over(book, arriving)
    finally:
        for path in arriving.values():
            path.unlink(missing_ok=True)


def _rename_over(book: Path, arriving: Files) -> None:
    for sidecar in lying_beside(book):
        sidecar.unlink()
    sync_dir(book.parent)
    if "" in arriving:
        arriving[""].replace(book)
    else:
        book.unlink(missing_ok=True)
    sync_dir(book.parent)
    for ending in SIDECARS:
        if ending in arriving:
            arriving[ending].replace(book.with_name(book.name + ending))
    sync_dir(book.parent)


def _link_or_copy(path: Path, second: Path, deadline: Deadline) -> None:
    try:
        second.hardlink_to(path)
    except OSError as error:
        # Not every file system has links.
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP):
            raise
        take_in(path, new_private_file(second), deadline)
        sync_file(second)


def _files_of(previous: Backup) -> Files:
    """A raw copy, by what its files were beside the book."""
    names = (previous.manifest.file, *(copied.file for copied in previous.manifest.sidecars))
    folder, name = previous.path.parent, previous.name
    return {file.removeprefix(name): folder / file for file in names}
