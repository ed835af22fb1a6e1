"""What became of each action of a run; printed whole, whatever happens."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from core.plan.change import class_of
from core.plan.plan import Action


class Outcome(StrEnum):
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    NOT_REACHED = "not_reached"
    SIMULATED = "simulated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    action_id: str
    kind: str
    change_class: str
    account: str
    symbol: str
    target: str
    outcome: Outcome
    note: str = ""
    idempotency_key: str | None = None
    broker_order_id: str | None = None


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Grows while the door works, so that an interrupted run still knows what it did."""

    plan_id: str | None = None
    simulated: bool = False
    backup_file: str | None = None
    entries: dict[str, Entry] = field(default_factory=dict)
    interrupted: bool = False

    def note(self, action: Action, outcome: Outcome, note: str = "", **ids: str | None) -> None:
        change = action.change
        self.entries[action.id] = Entry(
            action_id=action.id,
            kind=change.kind,
            change_class=class_of(change).value,
            account=change.account,
            symbol=change.symbol,
            target=change.target,
            outcome=outcome,
            note=note,
            **ids,
        )

    def note_all(self, actions: Iterable[Action], outcome: Outcome, note: str = "") -> None:
        for action in actions:
            self.note(action, outcome, note)

    def outcome_of(self, action_id: str) -> Outcome | None:
        entry = self.entries.get(action_id)
        return entry.outcome if entry else None

    def blocker_of(self, action: Action) -> str | None:
        """The first thing that this action waits for and that was not done."""
        waits = (name for name in action.depends_on if name in self.entries)
        return next((name for name in waits if self.outcome_of(name) is not Outcome.DONE), None)

    def sorted(self) -> list[Entry]:
        """In the order of the plan."""
        return sorted(self.entries.values(), key=lambda entry: entry.action_id)

    @property
    def counts(self) -> Mapping[Outcome, int]:
        counts = dict.fromkeys(Outcome, 0)
        for entry in self.entries.values():
            counts[entry.outcome] += 1
        return counts

    @property
    def failed(self) -> bool:
        return self.counts[Outcome.FAILED] > 0

    @property
    def unknown(self) -> bool:
        return self.counts[Outcome.UNKNOWN] > 0

    @property
    def touched(self) -> bool:
        """Whether anything has been, or may have been, changed."""
        return self.counts[Outcome.DONE] > 0 or self.unknown

    @property
    def whole(self) -> bool:
        """Every action that was to be carried out has been."""
        counts = self.counts
        return not (
            counts[Outcome.FAILED] or counts[Outcome.UNKNOWN] or counts[Outcome.NOT_REACHED]
        )
