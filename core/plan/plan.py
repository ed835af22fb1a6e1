"""A plan: the proposed changes, numbered, each with its decision and what it waits for."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from core.domain.ambiguity import AmbiguousMatch
from core.domain.order import Side
from core.domain.problem import Problem
from core.plan.change import (
    RANK,
    AdoptPosition,
    AnyChange,
    CancelDuplicateStop,
    CancelOrder,
    ChangeClass,
    InsertExecution,
    InsertOrder,
    PlaceOrder,
    PlaceStop,
    ResizeStop,
    Section,
    UpdateExecution,
    class_of,
    is_hard_erase,
    is_informational,
    section_of,
)
from core.plan.proposal import Proposal


class Decision(StrEnum):
    APPROVE = "approve"
    PENDING = "pending"
    SKIP = "skip"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One change in a plan. `id` is stable for the same book and the same snapshot."""

    id: str
    change: AnyChange
    depends_on: tuple[str, ...] = ()
    decision: Decision = Decision.PENDING
    decision_note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What the plan was made from; all of it must still hold when it is applied."""

    book_lineage: str
    book_serial: int
    broker_fingerprint: str
    observed_at: datetime
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GateValues:
    """The gates as they stood, in the file's own words."""

    dry_run: bool
    safe_mode: bool
    dry_run_confirm: bool | str
    force_sync_delete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    plan_id: str
    generated_at: datetime
    expires_at: datetime
    tool_version: str
    accounts: tuple[str, ...]
    base: Base
    config: GateValues
    actions: tuple[Action, ...] = ()
    ambiguous: tuple[AmbiguousMatch, ...] = ()
    problems: tuple[Problem, ...] = ()
    unchanged: int = 0

    @property
    def summary(self) -> dict[str, int]:
        """The figures of the closing line."""
        counts = dict.fromkeys(Section, 0)
        for action in self.actions:
            counts[section_of(action.change)] += 1
        return {
            "insert": counts[Section.INSERT],
            "update": counts[Section.UPDATE],
            "delete": counts[Section.DELETE],
            "ambiguous": len(self.ambiguous),
            "spy_futures": counts[Section.SPY_FUTURES],
            "broker": counts[Section.BROKER],
            "unchanged": self.unchanged,
        }

    @property
    def differs(self) -> bool:
        """Whether anything could be done; information alone is no difference."""
        return any(not is_informational(action.change) for action in self.actions)

    def action(self, action_id: str) -> Action | None:
        return next((action for action in self.actions if action.id == action_id), None)

    def decided(self, decisions: Mapping[str, tuple[Decision, str]]) -> "Plan":
        """The same plan with these decisions, by action id."""
        actions = tuple(
            replace(action, decision=decisions[action.id][0], decision_note=decisions[action.id][1])
            if action.id in decisions
            else action
            for action in self.actions
        )
        return replace(self, actions=actions)


def number_actions(proposal: Proposal) -> tuple[Action, ...]:
    """Orders the changes so that facts come before what follows from them, and names each one."""
    changes = _in_order(proposal.changes)
    ids = _names("a", len(changes))
    waits = _Prerequisites(zip(ids, changes, strict=True))
    return tuple(
        Action(
            id=action_id,
            change=change,
            depends_on=waits(change),
            decision=first_decision(change),
        )
        for action_id, change in zip(ids, changes, strict=True)
    )


def number_matches(proposal: Proposal) -> tuple[AmbiguousMatch, ...]:
    matches = sorted(
        proposal.ambiguous,
        key=lambda match: (
            match.account,
            match.broker_order.symbol,
            match.broker_order.broker_order_id,
        ),
    )
    ids = _names("m", len(matches))
    return tuple(replace(match, id=name) for name, match in zip(ids, matches, strict=True))


def _in_order(changes: Iterable[AnyChange]) -> list[AnyChange]:
    """The same order however the changes came, so that the same state gets the same ids."""
    changes = tuple(changes)
    crowded = {place for place, count in Counter(map(_place, changes)).items() if count > 1}
    return sorted(
        changes,
        key=lambda change: (
            place := _place(change),
            # Costly, and only two changes of one subject need it.
            repr(change) if place in crowded else "",
        ),
    )


def _place(change: AnyChange) -> tuple[int, str, str, str]:
    return RANK[change.kind], change.account, change.symbol, change.target


def _names(letter: str, count: int) -> list[str]:
    """a001, a002, …: as many digits as the last one needs, so that text sorts as numbers do."""
    width = max(3, len(str(count)))
    return [f"{letter}{index:0{width}d}" for index in range(1, count + 1)]


def first_decision(change: AnyChange) -> Decision:
    """Facts are approved unless someone objects; everything else waits for a person."""
    if is_informational(change):
        return Decision.SKIP
    kind = class_of(change)
    if kind is ChangeClass.RECORD or (kind is ChangeClass.ERASE and not is_hard_erase(change)):
        return Decision.APPROVE
    return Decision.PENDING


class _Prerequisites:
    """Who waits for whom: an execution for its order's row, an adoption for its executions.

    And a stop that is one too many for the one that makes it so: a position is never left bare.
    And a signal's order for what makes way for it, and for the part of the same intent before it.
    """

    def __init__(self, numbered: Iterable[tuple[str, AnyChange]]):
        self._orders: dict[str, str] = {}
        self._executions: dict[tuple[str, str], list[str]] = {}
        self._stops: dict[tuple[str, str, Side], str] = {}
        self._cancels: dict[tuple[str, str], list[str]] = {}
        self._placed: dict[tuple[str, int], str] = {}
        for action_id, change in numbered:
            match change:
                case InsertOrder():
                    self._orders[change.after.order_id] = action_id
                case InsertExecution() | UpdateExecution():
                    self._executions.setdefault((change.account, change.symbol), []).append(
                        action_id
                    )
                case CancelOrder():
                    self._cancels.setdefault((change.account, change.symbol), []).append(action_id)
                case PlaceOrder(after=order):
                    self._placed[order.intent_id, order.sequence] = action_id
                case PlaceStop(after=stop) | ResizeStop(after=stop):
                    self._stops[change.account, change.symbol, stop.side] = action_id

    def __call__(self, change: AnyChange) -> tuple[str, ...]:
        match change:
            case InsertExecution(after=row) | UpdateExecution(after=row) if (
                row.order_id in self._orders
            ):
                return (self._orders[row.order_id],)
            case PlaceOrder(after=order):
                before = self._placed.get((order.intent_id, order.sequence - 1))
                cleared = self._cancels.get((change.account, change.symbol), [])
                return (*cleared, *([before] if before else []))
            case AdoptPosition():
                return tuple(self._executions.get((change.account, change.symbol), ()))
            # The side of a stop tells the leg, too, in hedge mode.
            case CancelDuplicateStop(before=stop):
                waits_for = self._stops.get((change.account, change.symbol, stop.side))
                return (waits_for,) if waits_for else ()
        return ()
