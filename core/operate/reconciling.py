"""reconcile: one cron-sized round of observe and stage, or apply when that is what was reviewed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.apply.ledger import Ledger
from core.domain.errors import BrokenDocument
from core.domain.record import PlanRecord, PlanState
from core.operate.applying import Selection, apply_staged
from core.operate.desk import Desk
from core.operate.planning import make_plan
from core.operate.staging import stage, staged_plan
from core.plan.codec import StagedPlan, document_of
from core.plan.plan import Decision, Plan


class Round(StrEnum):
    """How a round ended."""

    CLEAN = "clean"
    INCOMPLETE = "incomplete"
    STAGED = "staged"
    AWAITING_REVIEW = "awaiting_review"
    APPLIED = "applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundReport:
    ended: Round
    plan: Plan
    ledger: Ledger | None = None


async def reconcile(
    desk: Desk, accounts: Sequence[str], interrupted: Callable[[], bool], ledger: Ledger
) -> RoundReport:
    """A staged plan that still says the same is kept with its decisions; another is superseded."""
    plan = await make_plan(desk, accounts)
    if not plan.base.complete:
        return RoundReport(ended=Round.INCOMPLETE, plan=plan)
    staged = _still_current(desk, plan)
    if staged is None:
        stage(desk, plan)
        return RoundReport(ended=Round.STAGED if _asks(plan) else Round.CLEAN, plan=plan)
    if not _asks(staged.plan):
        return RoundReport(ended=Round.CLEAN, plan=staged.plan)
    if not _may_apply(desk, staged):
        return RoundReport(ended=Round.AWAITING_REVIEW, plan=staged.plan)
    # Armed and reviewed: the operator's confirmation is the review of exactly this plan.
    await apply_staged(
        desk,
        confirmed=staged.plan.plan_id,
        ask=lambda plan_id: None,
        selection=Selection(),
        interrupted=interrupted,
        ledger=ledger,
    )
    return RoundReport(ended=Round.APPLIED, plan=staged.plan, ledger=ledger)


def stage_if_new(desk: Desk, plan: Plan) -> bool:
    """Stages the plan unless what is staged says the same already, or nothing has to be said."""
    if not is_new(desk, plan):
        return False
    stage(desk, plan)
    return True


def is_new(desk: Desk, plan: Plan) -> bool:
    if not plan.base.complete or _still_current(desk, plan) is not None:
        return False
    return _asks(plan) or desk.files.exists(desk.home.staged_file)


def _asks(plan: Plan) -> bool:
    """Whether there is anything for a person to look at; an open question alone is enough."""
    return plan.differs or bool(plan.ambiguous)


def _still_current(desk: Desk, fresh: Plan) -> StagedPlan | None:
    """The staged plan, when a fresh look proposes exactly the same from the same book."""
    try:
        staged = staged_plan(desk)
    except BrokenDocument:
        return None
    registered = _registered(desk, staged)
    usable = (
        staged.intact
        and registered is not None
        and registered.state is PlanState.STAGED
        and desk.clock.now() < staged.plan.expires_at
    )
    return staged if usable and says_the_same(staged.plan, fresh) else None


def says_the_same(staged: Plan, fresh: Plan) -> bool:
    """The same actions and matches from the same book; marks, times and decisions aside."""
    return (
        staged.accounts == fresh.accounts
        # What was staged in a dry run is marked so, and is staged again once it is not.
        and staged.config.dry_run == fresh.config.dry_run
        and staged.base.book_lineage == fresh.base.book_lineage
        and staged.base.book_serial == fresh.base.book_serial
        and _substance(staged) == _substance(fresh)
    )


# What moves by itself between two looks and changes nothing about what would be done.
_VOLATILE = frozenset({"mark_price", "unrealized_pnl", "updated_at", "last_snapshot_at"})


def _substance(plan: Plan) -> list[object]:
    sections = document_of(plan)["plan"]
    return [
        (
            name,
            [
                {
                    key: _steady(value)
                    for key, value in entry.items()
                    if key not in ("decision", "decision_note", "because")
                }
                for entry in entries
            ],
        )
        for name, entries in sorted(sections.items())
        if name != "summary"
    ]


def _steady(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {name: inner for name, inner in value.items() if name not in _VOLATILE}


def _registered(desk: Desk, staged: StagedPlan) -> PlanRecord | None:
    with desk.book.read() as book:
        return book.plan(staged.plan.plan_id)


def _may_apply(desk: Desk, staged: StagedPlan) -> bool:
    """Armed, every action decided, and a person has had this very plan before them."""
    gates = desk.gates()
    if gates.restricted or staged.plan.ambiguous:
        return False
    if any(action.decision is Decision.PENDING for action in staged.plan.actions):
        return False
    return was_reviewed(staged, _registered(desk, staged), gates.confirm)


def was_reviewed(staged: StagedPlan, registered: PlanRecord | None, armed: bool | str) -> bool:
    """Decided or sealed by command, armed by its id, or staged unarmed and armed by a person since.

    A home that is armed all the time has said nothing about this plan.
    """
    by_command = registered is not None and registered.reviewed_at is not None
    by_id = armed == staged.plan.plan_id
    armed_since = staged.plan.config.dry_run_confirm is False and armed is True
    return by_command or by_id or armed_since
