"""Everything that keeps the door shut before anything is touched, most telling reason first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.config.gates import Gates
from core.decide.gates import Gate, Verdict, objections
from core.domain.errors import Ambiguous, Blocked, Refused, Stale, Tampered, Unresolved
from core.domain.moment import moment_text
from core.domain.record import BookIdentity, PlanRecord, PlanState, Step
from core.plan.codec import StagedPlan, decisions_digest
from core.plan.plan import Action, Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstance:
    """All that the question "may this plan be applied?" depends on."""

    staged: StagedPlan
    registered: PlanRecord | None
    identity: BookIdentity
    gates: Gates
    # The plan id that the operator typed or passed, when there was one.
    confirmed: str | None
    chosen: Sequence[Action]
    open_steps: Sequence[Step]
    now: datetime


def refuse(case: Circumstance) -> None:
    """Raises the first reason, with the others as details; returns when there is none."""
    reasons = list(_reasons(case))
    if reasons:
        first = reasons[0]
        first.details = (*first.details, *(f"also: {other.message}" for other in reasons[1:]))
        raise first


def only_confirmation_is_missing(case: Circumstance) -> bool:
    """Whether typing the plan's id would open the door."""
    unconfirmed = list(_reasons(case))
    confirmed = list(_reasons(replace(case, confirmed=case.staged.plan.plan_id)))
    return bool(unconfirmed) and not confirmed


def _reasons(case: Circumstance) -> Iterator[Refused]:
    yield from _file(case)
    yield from _unresolved(case)
    yield from _plan(case)
    yield from _gates(case)
    yield from _decisions(case)
    yield from _confirmation(case)


def _file(case: Circumstance) -> Iterator[Refused]:
    """File, digest and book must tell the same plan."""
    staged, registered = case.staged, case.registered
    if not staged.intact:
        yield Tampered(
            f"the content of {staged.plan.plan_id} was changed after it was staged: "
            f"the file says {staged.claimed_digest}, its content is {staged.content_digest}",
            hint="trueup stage",
        )
    elif registered is not None and registered.content_digest != staged.content_digest:
        yield Tampered(
            f"the book registered another content under {staged.plan.plan_id}",
            hint="trueup stage",
        )
    elif registered is not None and registered.decisions_digest not in (
        None,
        decisions_digest(staged.plan),
    ):
        yield Tampered(
            f"the decisions of {staged.plan.plan_id} were changed after "
            f"{registered.sealed_by} sealed them",
            hint="trueup stage, or put the sealed file back",
        )


def _unresolved(case: Circumstance) -> Iterator[Refused]:
    """Before the plan's own age: staging anew would not help as long as nobody knows."""
    if case.open_steps:
        yield Unresolved(
            f"{len(case.open_steps)} steps of an earlier run have no known outcome",
            hint="trueup apply --resume",
            details=[
                f"{step.action_id} {step.kind} {step.symbol} of {step.plan_id}: {step.state}"
                for step in case.open_steps
            ],
        )


def _plan(case: Circumstance) -> Iterator[Refused]:
    plan, registered = case.staged.plan, case.registered
    if plan.base.book_lineage != case.identity.lineage:
        yield Stale(
            f"{plan.plan_id} was made from another book: lineage "
            f"{plan.base.book_lineage} → {case.identity.lineage}",
            hint="trueup stage",
        )
    elif registered is None:
        yield Tampered(f"the book has never seen {plan.plan_id}", hint="trueup stage")
    elif registered.state is PlanState.USED:
        yield Stale(f"{plan.plan_id} has been used already", hint="trueup stage")
    elif registered.state is PlanState.SUPERSEDED:
        yield Stale(f"{plan.plan_id} was superseded by a later stage", hint="trueup stage")
    if case.now >= plan.expires_at:
        yield Stale(
            f"{plan.plan_id} expired at {moment_text(plan.expires_at)}", hint="trueup stage"
        )
    if plan.ambiguous:
        yield Ambiguous(f"{len(plan.ambiguous)} ambiguous matches are open", hint="trueup resolve")


def _gates(case: Circumstance) -> Iterator[Refused]:
    """What stands for `not now`, whoever asks."""
    for verdict in _verdicts(case):
        if verdict.code is not Gate.NOT_CONFIRMED:
            yield verdict.refusal()


def _confirmation(case: Circumstance) -> Iterator[Refused]:
    """Last, because typing the id helps only when nothing else is in the way."""
    for verdict in _verdicts(case):
        if verdict.code is Gate.NOT_CONFIRMED:
            yield verdict.refusal()


def _verdicts(case: Circumstance) -> Iterator[Verdict]:
    return objections(case.gates, case.staged.plan.plan_id, case.confirmed)


def _decisions(case: Circumstance) -> Iterator[Refused]:
    pending = [action.id for action in case.chosen if action.decision is Decision.PENDING]
    if pending:
        yield Blocked(
            f"{len(pending)} actions still wait for a decision: {', '.join(pending[:10])}"
            + (" …" if len(pending) > 10 else ""),
            hint=(
                "trueup stage, and decide before sealing"
                if case.staged.approval
                else f"trueup review --approve {pending[0]}"
            ),
        )
