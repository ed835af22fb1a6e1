"""review: decisions on the actions of the staged plan, and the seal that locks them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from core.domain.errors import Blocked, Stale, Tampered, Usage
from core.domain.record import PlanState
from core.operate.desk import Desk
from core.operate.staging import staged_plan
from core.plan.change import Section, is_informational, section_of
from core.plan.codec import Approval, StagedPlan, decisions_digest, reviewed
from core.plan.document import pretty
from core.plan.plan import Action, Decision, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What the reviewer says; names are action ids, kinds, section names or `all`."""

    approve: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    note: str = ""
    by_id: Mapping[str, tuple[Decision, str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.approve or self.skip or self.reject or self.by_id)


def review(desk: Desk, decisions: Decisions, *, seal: bool = False) -> StagedPlan:
    """Decides and, when asked to, seals. A sealed plan takes no further decision."""
    staged = staged_plan(desk)
    check_reviewable(desk, staged)
    plan = decide(staged.plan, decisions)
    approval = _seal(desk, staged, plan) if seal else staged.approval
    desk.files.replace(desk.home.staged_file, pretty(reviewed(staged, plan, approval)))
    with desk.book.write() as book:
        book.note_review(
            plan.plan_id,
            at=desk.clock.now(),
            sealed_by=approval.by if approval else None,
            decisions_digest=approval.decisions_digest if approval else None,
        )
    desk.log.event("reviewed", plan_id=plan.plan_id, by=desk.actor, sealed=approval is not None)
    return staged_plan(desk)


def check_reviewable(desk: Desk, staged: StagedPlan) -> None:
    """Raises when deciding about this plan would be of no use."""
    if not staged.intact:
        raise Tampered(
            f"the content of {staged.plan.plan_id} was changed after it was staged",
            hint="trueup stage",
        )
    with desk.book.read() as book:
        registered = book.plan(staged.plan.plan_id)
    if registered is None or registered.content_digest != staged.content_digest:
        raise Tampered(f"the book has not registered {staged.plan.plan_id}", hint="trueup stage")
    if registered.state is not PlanState.STAGED:
        raise Stale(f"{staged.plan.plan_id} is {registered.state}", hint="trueup stage")
    if staged.approval or registered.sealed_by:
        by = staged.approval.by if staged.approval else registered.sealed_by
        raise Blocked(
            f"{staged.plan.plan_id} was sealed by {by}; its decisions stand",
            hint=_after_seal(staged),
        )


def _after_seal(staged: StagedPlan) -> str:
    plan_id = staged.plan.plan_id
    undecided = [a.id for a in staged.plan.actions if a.decision is Decision.PENDING]
    if not undecided:
        return f"trueup apply --confirm {plan_id}, or trueup stage to start over"
    return "trueup stage to start over: it was sealed with actions undecided"


def _seal(desk: Desk, staged: StagedPlan, plan: Plan) -> Approval:
    return Approval(
        by=desk.actor,
        at=desk.clock.now(),
        content_digest=staged.content_digest,
        decisions_digest=decisions_digest(plan),
    )


def decide(plan: Plan, decisions: Decisions) -> Plan:
    chosen: dict[str, tuple[Decision, str]] = dict(decisions.by_id)
    for names, decision in (
        (decisions.approve, Decision.APPROVE),
        (decisions.skip, Decision.SKIP),
        (decisions.reject, Decision.REJECT),
    ):
        for action in named(plan, names):
            if is_informational(action.change):
                continue  # nothing to approve
            earlier = chosen.get(action.id)
            if earlier and earlier[0] is not decision:
                raise Usage(f"{action.id} is given two decisions: {earlier[0]} and {decision}")
            chosen[action.id] = (decision, decisions.note or action.decision_note)
    return plan.decided(chosen)


def named(plan: Plan, names: Iterable[str]) -> list[Action]:
    """The actions that ids, kinds, section names or `all` stand for."""
    found: dict[str, Action] = {}
    for name in names:
        matching = [action for action in plan.actions if _is_named(action, name)]
        if not matching and name not in ("all", *Section):
            raise Usage(
                f"{plan.plan_id} has no action, kind or section called {name!r:.40}",
                hint="trueup review",
            )
        found.update((action.id, action) for action in matching)
    return [action for action in plan.actions if action.id in found]


def _is_named(action: Action, name: str) -> bool:
    change = action.change
    return name in ("all", action.id, change.kind, section_of(change).value)
