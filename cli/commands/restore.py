"""restore: bring a backup back, and say what the restored book has forgotten."""

from typing import Annotated

import typer

from cli.commands.backup import examination_row, show_examination
from cli.desk_work import desk_for
from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import AsJson, verb
from cli.screen import Cell, Column, Tone
from core.domain.backup import Restoration
from core.domain.text import Row, to_row
from core.operate.keeping import locate, rehearse_restore, restore


@verb(
    "trueup restore db_backup_20260105_120000.db --dry-run",
    "trueup restore db_backup_20260105_120000.db --confirm db_backup_20260105_120000.db",
)
def command(
    call: Invocation,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A .db or .sql backup.")],
    confirm: Annotated[
        str | None, typer.Option(metavar="NAME", help="The file's name, to say that you mean it.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check; change nothing.")] = False,
    as_json: AsJson = False,
) -> int:
    """Turns safe mode on, keeps the present book as a backup, restores, and leaves safe mode on."""
    with desk_for(call) as desk, call.screen.working("checking and restoring"):
        if dry_run:
            report = rehearse_restore(desk, file)
        else:
            if confirm is None:
                name = locate(desk, file).name
                confirm = call.screen.ask(f"Type {name} to restore it:")
            report = restore(desk, file, confirm)
    if as_json:
        call.screen.json(_document(report))
    else:
        _show(call, report)
    return Exit.DONE


def _show(call: Invocation, report: Restoration) -> None:
    screen = call.screen
    show_examination(call, report.examination)
    if report.simulated:
        screen.line(Cell("simulated: nothing was changed", Tone.WARN))
    else:
        screen.line(Cell(f"{report.candidate.name} is the book now", Tone.GOOD))
    before = report.rows_before or {}
    screen.table(
        ["table", Column("before", right=True), Column("restored", right=True)],
        [
            (table, before.get(table, "?"), count)
            for table, count in sorted(report.rows_after.items())
        ],
    )
    if report.previous:
        screen.pairs([("the book as it was", report.previous.name)])
    for path in report.aside:
        screen.pairs([("moved aside", path)])
    _show_forgotten(call, report)
    if not report.simulated:
        screen.line(Cell("SAFE_MODE is on and stays on; every older plan is stale.", Tone.WARN))
        screen.next("trueup plan")


def _show_forgotten(call: Invocation, report: Restoration) -> None:
    gone = report.forgotten
    if gone is None or not gone.total:
        return
    call.screen.line(Cell(f"{gone.total} applied actions are not in the restored book:", Tone.WARN))
    call.screen.table(
        ["at", "plan", "id", "action", "account", "symbol", "target"],
        [
            (
                each.at,
                each.plan_id,
                each.action_id,
                each.kind,
                each.account,
                each.symbol,
                each.target,
            )
            for each in gone.actions
        ],
        indent=2,
    )


def _document(report: Restoration) -> Row:
    gone = report.forgotten
    return {
        "restored": None if report.simulated else report.candidate.name,
        "simulated": report.simulated,
        "examination": examination_row(report.examination),
        "previous": report.previous.name if report.previous else None,
        "old_lineage": report.old.lineage if report.old else None,
        "new_lineage": report.new.lineage if report.new else None,
        "rows_before": dict(report.rows_before or {}),
        "rows_after": dict(report.rows_after),
        "forgotten": {
            "total": gone.total if gone else 0,
            "actions": [to_row(each) for each in gone.actions] if gone else [],
        },
    }
