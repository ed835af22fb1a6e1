"""From proposals to a plan: numbering, naming, and the facts it rests on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.domain.snapshot import BrokerSnapshot
from core.domain.text import Row, to_row
from core.plan.codec import document_of
from core.plan.document import digest_of
from core.plan.plan import Base, GateValues, Plan, number_actions, number_matches
from core.plan.proposal import Proposal


def assemble_plan(
    proposal: Proposal,
    *,
    accounts: Sequence[str],
    base: Base,
    config: GateValues,
    generated_at: datetime,
    ttl: timedelta,
    tool_version: str,
) -> Plan:
    """The plan's id derives from its content, so it names exactly this plan."""
    plan = Plan(
        plan_id="",
        generated_at=generated_at,
        expires_at=generated_at + ttl,
        tool_version=tool_version,
        accounts=tuple(accounts),
        base=base,
        config=config,
        actions=number_actions(proposal),
        ambiguous=number_matches(proposal),
        problems=tuple(sorted(proposal.problems)),
        unchanged=proposal.unchanged,
    )
    content = document_of(plan)["content_digest"].removeprefix("sha256:")
    return replace(plan, plan_id=f"p-{generated_at.astimezone(UTC):%Y%m%d}-{content[:6]}")


def broker_fingerprint(snapshots: Sequence[BrokerSnapshot]) -> str:
    """Names what the brokers said, in whatever order, without what moves by itself."""
    return digest_of([_lasting(snapshot) for snapshot in snapshots])


def _lasting(snapshot: BrokerSnapshot) -> Row:
    orders = sorted(snapshot.orders, key=lambda row: (row.symbol, row.broker_order_id))
    executions = sorted(snapshot.executions, key=lambda row: (row.symbol, row.execution_id))
    positions = sorted(snapshot.positions, key=lambda row: (row.symbol, row.side))
    return {
        "account": snapshot.account,
        "position_mode": snapshot.position_mode,
        "orders": [to_row(order) for order in orders],
        "executions": [to_row(execution) for execution in executions],
        "positions": [
            to_row(replace(position, mark_price=None, unrealized_pnl=None))
            for position in positions
        ],
    }
