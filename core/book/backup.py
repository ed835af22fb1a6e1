"""Verified copies of the book: made while it is in use, believed only after being restored once.

A copy counts once its `.db` has its name: by then dump and manifest lie beside it, and all of it is
synced and checked. Whatever is interrupted before leaves nothing that looks like a good copy.
"""

import os
import sqlite3
import stat
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from core.book.copies.candidate import Candidate
from core.book.copies.damaged import copy_damaged
from core.book.copies.deadline import Deadline, Patience
from core.book.copies.failures import BookDamaged, failing_as, is_damage
from core.book.copies.form import WrongForm
from core.book.copies.making import Making
from core.book.copies.scratch import Scratch, backups_held, scratch_in
from core.book.copies.shelf import listed, removable, remove, remove_lone_manifests
from core.config.settings import Retention
from core.domain.backup import Backup, Examination, ListedBackup
from core.domain.errors import BackupFailed
from core.ports import Clock, Ids

PATIENCE = Patience()


def create_backup(
    book: Path,
    backups: Path,
    *,
    clock: Clock,
    ids: Ids,
    retention: Retention,
    damaged: bool = False,
    patience: Patience = PATIENCE,
) -> Backup:
    """Copies the book, restores the copy and compares; BackupFailed when any of that does not hold.

    The book may be in use meanwhile, also by this process. With `damaged` a book that fails its own
    checks is kept as raw bytes instead, which is no verified copy and says so; then nothing in this
    process may have the book open.
    """
    with (
        failing_as(BackupFailed, "no backup was made"),
        Deadline(patience) as deadline,
        scratch_in(backups, deadline, ids) as scratch,
    ):
        _check_is_file(book)
        taken_at = clock.now()
        try:
            return _verified(book, scratch, taken_at, retention, patience)
        except BookDamaged as error:
            if not damaged:
                raise
            return copy_damaged(book, scratch, error.message, taken_at, deadline)


def list_backups(backups: Path, now: datetime) -> tuple[ListedBackup, ...]:
    """Every copy, latest first, with what its manifest says; contents are not looked at."""
    with failing_as(BackupFailed, "the backups cannot be listed"):
        return listed(backups, now) if os.path.lexists(backups) else ()


def verify_backup(
    path: Path, backups: Path, *, ids: Ids, patience: Patience = PATIENCE
) -> Examination:
    """What restore would find: each check with its verdict. Never raises for a bad copy."""
    with (
        failing_as(BackupFailed, f"{path.name} could not be checked"),
        Deadline(patience) as deadline,
        scratch_in(backups, deadline, ids) as scratch,
    ):
        return Candidate(path, scratch, deadline).examine()


def prune_backups(
    backups: Path,
    *,
    now: datetime,
    retention: Retention,
    protected: Iterable[str] = (),
    patience: Patience = PATIENCE,
) -> tuple[str, ...]:
    """Removes the verified copies that no rule keeps, and names them.

    Kept are the latest of each hour, day and week as configured, the newest verified one, and the
    `protected` ones, named by any of their files.
    """
    with (
        failing_as(BackupFailed, "the backups could not be pruned"),
        Deadline(patience) as deadline,
        backups_held(backups, deadline),
    ):
        old = removable(listed(backups, now), retention, protected)
        for copy in old:
            remove(backups, copy)
        remove_lone_manifests(backups)
        return tuple(copy.name for copy in old)


def _verified(
    book: Path, scratch: Scratch, taken_at: datetime, retention: Retention, patience: Patience
) -> Backup:
    # A deadline of its own: when one check fails, the others are cut off by it.
    with Deadline(patience) as deadline:
        making = Making(
            book=book,
            scratch=scratch,
            deadline=deadline,
            taken_at=taken_at,
            sql_dump_max_mib=retention.sql_dump_max_mib,
        )
        return _made(making)


def _made(making: Making) -> Backup:
    try:
        return making.make()
    except WrongForm as error:
        raise BookDamaged(
            f"schema of the book: {error}", hint="a restore would refuse such a copy"
        ) from error
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        raise BookDamaged(f"the book is damaged: {error}") from error


def _check_is_file(book: Path) -> None:
    try:
        mode = book.lstat().st_mode
    except FileNotFoundError:
        raise BackupFailed(f"there is no book at {book}") from None
    if not stat.S_ISREG(mode):
        raise BackupFailed(f"the book {book} is not a regular file")
