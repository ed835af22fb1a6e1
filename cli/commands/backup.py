"""backup: make, list, verify and prune copies of the book."""

from typing import Annotated

import typer

from cli.commands.status import ago
from cli.desk_work import desk_for
from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import AsJson, group, verb
from cli.screen import Cell, Column, Tone
from core.domain.backup import Examination, ListedBackup, Verdict
from core.domain.text import Row, plain
from core.operate.keeping import prune_backups, take_backup, verify_backup

command = group("Make, list, verify and prune copies of the book.")
TONES = {Verdict.OK: Tone.GOOD, Verdict.WARN: Tone.WARN, Verdict.FAIL: Tone.BAD}


@command.command("create")
@verb("trueup backup create")
def create(call: Invocation, as_json: AsJson = False) -> int:
    """Takes a copy, restores it once beside the book and compares: only then it counts."""
    with desk_for(call) as desk, call.screen.working("copying and checking the book"):
        backup = take_backup(desk)
    manifest = backup.manifest
    if as_json:
        call.screen.json(
            {
                "file": backup.name,
                "verified": manifest.verified,
                "sha256": manifest.sha256,
                "row_counts": dict(manifest.row_counts),
                "sql": manifest.sql.file if manifest.sql else None,
            }
        )
    else:
        call.screen.pairs(
            [
                ("backup", backup.name),
                ("verified", Cell("yes", Tone.GOOD)),
                ("sql dump", manifest.sql.file if manifest.sql else manifest.sql_skipped),
                ("rows", sum(manifest.row_counts.values())),
            ]
        )
    return Exit.DONE


@command.command("list")
@verb("trueup backup list", "trueup backup list --json")
def list_(call: Invocation, as_json: AsJson = False) -> int:
    """Every copy, latest first."""
    with desk_for(call) as desk:
        copies = desk.backups().listed()
    if as_json:
        call.screen.json({"backups": [_row(copy) for copy in copies]})
        return Exit.DONE
    call.screen.table(
        ["file", Column("age", right=True), Column("bytes", right=True), "verified", "remark"],
        [
            (
                copy.name,
                ago(copy.age) if copy.age is not None else "?",
                copy.manifest.size if copy.manifest else "?",
                Cell("yes", Tone.GOOD) if copy.verified else Cell("no", Tone.BAD),
                Cell(copy.problem or "", Tone.WARN),
            )
            for copy in copies
        ],
        empty="no backups",
    )
    return Exit.DONE


def _row(copy: ListedBackup) -> Row:
    manifest = copy.manifest
    return {
        "file": copy.name,
        "verified": copy.verified,
        "taken_at": plain(manifest.taken_at) if manifest else None,
        "age_seconds": None if copy.age is None else int(copy.age.total_seconds()),
        "size": manifest.size if manifest else None,
        "sha256": manifest.sha256 if manifest else None,
        "lineage": manifest.lineage if manifest else None,
        "serial": manifest.serial if manifest else None,
        "problem": copy.problem,
    }


@command.command("verify")
@verb("trueup backup verify", "trueup backup verify db_backup_20260105_120000.db")
def verify(
    call: Invocation,
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="Which; the latest when left out.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Checks a copy as a restore would."""
    with desk_for(call) as desk, call.screen.working("checking the copy"):
        found = verify_backup(desk, file)
    if as_json:
        call.screen.json(examination_row(found))
    else:
        show_examination(call, found)
    return Exit.DONE if found.good else Exit.UNVERIFIED


def show_examination(call: Invocation, found: Examination) -> None:
    call.screen.table(
        ["verdict", "check", "found"],
        [
            (Cell(each.verdict.value, TONES[each.verdict]), each.name, each.text)
            for each in found.checks
        ],
    )
    told = ("can be restored", Tone.GOOD) if found.good else ("must not be restored", Tone.BAD)
    call.screen.line(f"{found.path.name} ", Cell(*told))


def examination_row(found: Examination) -> Row:
    return {
        "file": found.path.name,
        "good": found.good,
        "checks": [
            {"name": each.name, "verdict": each.verdict.value, "text": each.text}
            for each in found.checks
        ],
        "row_counts": dict(found.row_counts),
    }


@command.command("prune")
@verb("trueup backup prune")
def prune(call: Invocation, as_json: AsJson = False) -> int:
    """Removes what no rule keeps: never the newest verified copy, nor one that a plan needs."""
    with desk_for(call) as desk:
        removed = prune_backups(desk)
    if as_json:
        call.screen.json({"removed": list(removed)})
    else:
        for name in removed:
            call.screen.line(Cell("- ", Tone.REMOVE), name)
        call.screen.line(f"{len(removed)} removed")
    return Exit.DONE
