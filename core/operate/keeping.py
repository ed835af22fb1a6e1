"""backup and restore: copies of the book, and the way back."""

import os
from collections.abc import Sequence
from pathlib import Path

from core.domain.backup import Backup, Examination, Restoration
from core.domain.errors import BackupFailed, Blocked, BookError, Usage
from core.operate.alerting import raise_alert
from core.operate.desk import Desk
from core.operate.safe_mode import safe_mode_on


def take_backup(desk: Desk) -> Backup:
    try:
        backup = desk.backups().take()
    except BackupFailed as error:
        raise_alert(desk, "backup_failed", error.message)
        raise
    desk.log.event("backup_made", file=backup.name, sha256=backup.manifest.sha256)
    return backup


def verify_backup(desk: Desk, name: str | None) -> Examination:
    """The named copy, or the latest."""
    if name is None:
        copies = desk.backups().listed()
        if not copies:
            raise Usage("there is no backup yet", hint="trueup backup create")
        return desk.backups().verify(copies[0].path)
    return desk.backups().verify(locate(desk, name))


def prune_backups(desk: Desk) -> Sequence[str]:
    """What an unresolved plan may still need is kept, whatever its age."""
    with desk.lock():
        removed = desk.backups().prune(_needed(desk))
    desk.log.event("backups_pruned", removed=list(removed))
    return removed


def _needed(desk: Desk) -> list[str]:
    with desk.book.read() as book:
        plans = {step.plan_id for step in book.steps(open_only=True)}
        records = [book.plan(plan_id) for plan_id in sorted(plans)]
    return [record.backup_file for record in records if record and record.backup_file]


def locate(desk: Desk, name: str) -> Path:
    """A path as typed, or the name of a file in the backups folder."""
    path = Path(name)
    shelved = desk.home.backups_dir / path.name
    if path.name == name and not path.exists() and shelved.exists():
        return shelved
    return path


def rehearse_restore(desk: Desk, name: str) -> Restoration:
    """Everything that a restore would check, and nothing changed."""
    desk.close_book()
    return desk.backups().restore(locate(desk, name), simulate=True)


def restore(desk: Desk, name: str, confirmed: str | None) -> Restoration:
    """Safe mode goes on first and stays on: somebody must look at the restored book first."""
    path = locate(desk, name)
    if not os.path.lexists(path):
        raise Usage(f"there is no file {name}", hint="trueup backup list")
    if confirmed != path.name:
        given = f"{confirmed} was given" if confirmed else "no name was given"
        raise Blocked(
            f"not confirmed: {given}", hint=f"trueup restore {name} --confirm {path.name}"
        )
    safe_mode_on(desk, reason=f"restoring {path.name}")
    with desk.lock():
        desk.close_book()
        report = desk.backups().restore(path, simulate=False)
    desk.log.event(
        "restored",
        level="warning",
        candidate=path.name,
        previous=report.previous.name if report.previous else None,
        forgotten=report.forgotten.total if report.forgotten else None,
    )
    _check_opens(desk)
    return report


def _check_opens(desk: Desk) -> None:
    """The proof of the restore: the book answers again."""
    with desk.book.read() as book:
        identity = book.identity()
    if not identity.lineage:
        raise BookError("the restored book has no lineage", hint="trueup doctor")
