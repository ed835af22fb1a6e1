"""staged_actions.json: a plan as the document a person reviews, and back.

The document is the contract of spec 3. This module writes it; reading.py and entries.py read it,
staged.py holds the digests.
"""

from typing import Any

from core.domain.ambiguity import AmbiguousMatch
from core.domain.moment import moment_text
from core.domain.money import decimal_text
from core.domain.text import Row, differing, to_row
from core.plan.change import AdoptPosition, AnyChange, Section, class_of, section_of
from core.plan.entries import action_from_document
from core.plan.plan import Action, Plan
from core.plan.reading import read_staged
from core.plan.staged import (
    FORMAT_VERSION,
    Approval,
    StagedPlan,
    content_digest,
    decisions_digest,
)

__all__ = [
    "FORMAT_VERSION",
    "Approval",
    "StagedPlan",
    "action_document",
    "action_from_document",
    "changed_fields",
    "content_digest",
    "decisions_digest",
    "document_of",
    "match_document",
    "matches_document",
    "read_staged",
    "reviewed",
]


def document_of(plan: Plan, approval: Approval | None = None) -> dict[str, Any]:
    """The whole document, digest included."""
    document: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "plan_id": plan.plan_id,
        "generated_at": moment_text(plan.generated_at),
        "expires_at": moment_text(plan.expires_at),
        "tool_version": plan.tool_version,
        "accounts": list(plan.accounts),
        "base": to_row(plan.base),
        "config": to_row(plan.config),
        "plan": _sections(plan),
        "problems": [to_row(problem) for problem in plan.problems],
    }
    document["content_digest"] = content_digest(document)
    document["approval"] = None if approval is None else to_row(approval)
    return document


def _sections(plan: Plan) -> dict[str, Any]:
    sections: dict[str, Any] = {
        "to_update": [],
        "to_delete": [],
        "to_insert": [],
        "ambiguous_matches": [match_document(match) for match in plan.ambiguous],
        "spy_futures_actions": [],
        "broker_actions": [],
    }
    for action in plan.actions:
        sections[section_of(action.change)].append(action_document(action))
    return sections | {"summary": plan.summary}


def action_document(action: Action) -> Row:
    change = action.change
    document = {
        "id": action.id,
        "kind": change.kind,
        "entity": change.entity,
        "class": class_of(change).value,
        "account": change.account,
        "symbol": change.symbol,
        "target": change.target,
        "before": None if change.before is None else to_row(change.before),
        "after": None if change.after is None else to_row(change.after),
        "changed": list(changed_fields(change)),
        "reason": change.reason,
        "because": change.because,
        "risk": change.risk.value,
        "depends_on": list(action.depends_on),
        "decision": action.decision.value,
        "decision_note": action.decision_note,
    }
    if isinstance(change, AdoptPosition):
        document["unexplained"] = decimal_text(change.unexplained)
    return document


def changed_fields(change: AnyChange) -> tuple[str, ...]:
    """What differs between before and after, where both are the same kind of thing."""
    if change.before is None or type(change.before) is not type(change.after):
        return ()
    return differing(change.before, change.after)


def match_document(match: AmbiguousMatch) -> Row:
    return {
        "id": match.id,
        "account": match.account,
        "reason": match.reason.value,
        "broker_order": to_row(match.broker_order),
        "candidates": [
            {
                "book_order": to_row(candidate.book_order),
                "score": decimal_text(candidate.score),
                "agree": list(candidate.agree),
                "differ": list(candidate.differ),
            }
            for candidate in match.candidates
        ],
    }


def matches_document(plan: Plan) -> dict[str, Any]:
    """ambiguous_matches.json; written even when there are none."""
    return {
        "format_version": FORMAT_VERSION,
        "plan_id": plan.plan_id,
        "generated_at": moment_text(plan.generated_at),
        "count": len(plan.ambiguous),
        "matches": [match_document(match) for match in plan.ambiguous],
    }


def reviewed(staged: StagedPlan, plan: Plan, approval: Approval | None) -> dict[str, Any]:
    """The same document with other decisions: only what a reviewer may change is changed."""
    decisions = {action.id: action for action in plan.actions}
    sections = dict(staged.document["plan"])
    for section in Section:
        sections[section.value] = [
            {
                **entry,
                "decision": decisions[entry["id"]].decision.value,
                "decision_note": decisions[entry["id"]].decision_note,
            }
            for entry in sections[section.value]
        ]
    return {
        **staged.document,
        "plan": sections,
        "approval": None if approval is None else to_row(approval),
    }
