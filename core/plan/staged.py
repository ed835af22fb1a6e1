"""A staged plan: what its file claims and holds, and the digests that keep the two together.

`content_digest` covers everything but what a reviewer may edit. It is computed over the document as
it stands in the file, so that even a field which this version does not know cannot be changed
unseen.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.plan.change import Section
from core.plan.document import digest_of
from core.plan.plan import Plan

FORMAT_VERSION = "1.0"
_REVIEWABLE = ("decision", "decision_note")
# Neither can cover itself; the approval has a digest of its own.
_CLAIMS = ("content_digest", "approval")
_ACTIONS = frozenset(section.value for section in Section)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A seal: who locked the decisions, over which content and which decisions."""

    by: str
    at: datetime
    content_digest: str
    decisions_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedPlan:
    """A plan as read from a file, with what the file claims and what it really holds.

    Of a file that is not intact only the plan's identity is read; its actions are not believed.
    """

    plan: Plan
    claimed_digest: str
    content_digest: str
    approval: Approval | None
    document: Mapping[str, Any]

    @property
    def intact(self) -> bool:
        return self.claimed_digest == self.content_digest


def content_digest(document: Mapping[str, Any]) -> str:
    """Over everything that a reviewer may not change."""
    bare = _without(_CLAIMS, document)
    sections = document.get("plan")
    if isinstance(sections, dict):
        bare["plan"] = {
            name: _undecided(value) if name in _ACTIONS else value
            for name, value in sections.items()
        }
    return digest_of(bare)


def _undecided(actions: Any) -> Any:
    # Called before the document's shape is known: what is no list of actions is covered as it is.
    if not isinstance(actions, list):
        return actions
    return [
        _without(_REVIEWABLE, action) if isinstance(action, dict) else action for action in actions
    ]


def _without(names: Collection[str], document: Mapping[str, Any]) -> dict[str, Any]:
    rest = dict(document)
    for name in names:
        rest.pop(name, None)
    return rest


def decisions_digest(plan: Plan) -> str:
    return digest_of(
        sorted([action.id, action.decision, action.decision_note] for action in plan.actions)
    )
