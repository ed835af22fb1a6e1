"""plan: look, think, say what differs. Writes nothing but status and log."""

from collections.abc import Sequence
from datetime import timedelta

from core.apply.door import Look
from core.config.durations import parse_duration
from core.operate.desk import Desk
from core.operate.looking import look
from core.operate.run_status import note_look
from core.plan.assemble import assemble_plan
from core.plan.plan import GateValues, Plan


async def make_plan(
    desk: Desk,
    accounts: Sequence[str],
    *,
    symbol: str | None = None,
    ttl: timedelta | None = None,
) -> Plan:
    plan = plan_from(desk, accounts, await look(desk, accounts, symbol=symbol), ttl=ttl)
    note_look(desk, plan)
    desk.log.event(
        "planned", plan_id=plan.plan_id, complete=plan.base.complete, summary=plan.summary
    )
    return plan


def plan_from(
    desk: Desk, accounts: Sequence[str], seen: Look, *, ttl: timedelta | None = None
) -> Plan:
    return assemble_plan(
        seen.proposal,
        accounts=accounts,
        base=seen.base,
        config=gate_values(desk),
        generated_at=desk.clock.now(),
        ttl=ttl or parse_duration(desk.settings.RECONCILE.stage_ttl),
        tool_version=desk.tool_version,
    )


def gate_values(desk: Desk) -> GateValues:
    """The gates of the moment, as a plan records them."""
    gates = desk.gates()
    return GateValues(
        dry_run=gates.dry_run,
        safe_mode=gates.safe_mode,
        dry_run_confirm=gates.confirm,
        force_sync_delete=desk.settings.FORCE_SYNC_DELETE,
    )
