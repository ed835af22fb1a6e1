"""reconcile_status.json: how the last run ended, for cron and monitors."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.config.gates import Gates
from core.domain.text import Row, to_row
from core.operate.desk import Desk
from core.plan.document import pretty
from core.plan.plan import Plan


class RunState(StrEnum):
    NOT_STARTED = "NOT_STARTED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    DRY_RUN_COMPLETED = "RECONCILE_DRY_RUN_COMPLETED"
    AWAITING_CONFIRM = "AWAITING_DRY_RUN_CONFIRM"
    SAFE_MODE_ACTIVE = "SAFE_MODE_ACTIVE"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """The counts are of what was done, never of what is merely planned."""

    status: RunState
    last_run: datetime | None = None
    plan_id: str | None = None
    inserted: int = 0
    deleted: int = 0
    updated: int = 0
    broker_actions: int = 0
    ambiguous_count: int = 0
    backup_file: str | None = None
    error: str | None = None


def after_looking(plan: Plan, gates: Gates) -> RunState:
    """What a run that only looked amounts to, under the gates of the moment."""
    if not plan.base.complete:
        return RunState.PARTIAL
    if gates.dry_run:
        return RunState.DRY_RUN_COMPLETED
    if gates.safe_mode:
        return RunState.SAFE_MODE_ACTIVE
    return RunState.AWAITING_CONFIRM if plan.differs or plan.ambiguous else RunState.COMPLETED


def write_status(desk: Desk, status: RunStatus) -> None:
    desk.files.replace(desk.home.status_file, pretty(to_row(status)))


def read_status(desk: Desk) -> Row:
    """As it stands in the file; one that is missing or unreadable says NOT_STARTED."""
    try:
        row = json.loads(desk.files.read(desk.home.status_file))
    except (OSError, ValueError):
        row = None
    return row if isinstance(row, dict) else to_row(RunStatus(status=RunState.NOT_STARTED))


def note_look(desk: Desk, plan: Plan) -> None:
    """The status after a plan or a stage."""
    write_status(
        desk,
        RunStatus(
            status=after_looking(plan, desk.gates()),
            last_run=plan.generated_at,
            plan_id=plan.plan_id,
            ambiguous_count=len(plan.ambiguous),
            error=None if plan.base.complete else "the broker could only be read in part",
        ),
    )
