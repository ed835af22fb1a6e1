"""What the book keeps about our own doings: plans, steps, audit, events, alerts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class PlanState(StrEnum):
    STAGED = "staged"
    SUPERSEDED = "superseded"
    USED = "used"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRecord:
    """The book's own memory of a staged plan, against which the file is held."""

    plan_id: str
    content_digest: str
    generated_at: datetime
    expires_at: datetime
    state: PlanState = PlanState.STAGED
    sealed_by: str | None = None
    sealed_at: datetime | None = None
    decisions_digest: str | None = None
    # When a person last decided something about it, by command or screen.
    reviewed_at: datetime | None = None
    backup_file: str | None = None


class StepState(StrEnum):
    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


# A step may only move along these; begun and unknown are the ones that block new applies.
STEP_MOVES: Mapping[StepState, frozenset[StepState]] = {
    StepState.BEGUN: frozenset({StepState.DONE, StepState.FAILED, StepState.UNKNOWN}),
    # Sent once more under the same key, after the venue conclusively had no such order.
    StepState.UNKNOWN: frozenset({StepState.BEGUN, StepState.DONE, StepState.FAILED}),
    StepState.DONE: frozenset(),
    StepState.FAILED: frozenset(),
}


# How the outcome of a step begins when nothing of it reached the venue.
NOT_SENT = "not sent: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One journaled broker call. `request` is the change as it stood in the plan."""

    step_id: str
    plan_id: str
    action_id: str
    account: str
    symbol: str
    kind: str
    idempotency_key: str
    request: Mapping[str, object]
    # The book's order that this step creates or changes.
    order_id: str | None = None
    state: StepState = StepState.BEGUN
    attempts: int = 1
    begun_at: datetime
    settled_at: datetime | None = None
    broker_order_id: str | None = None
    outcome: str | None = None

    @property
    def never_sent(self) -> bool:
        """Whether it may be tried again without asking anybody."""
        return self.state is StepState.FAILED and (self.outcome or "").startswith(NOT_SENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One row of `order_audit`."""

    timestamp: datetime
    correlation_id: str
    action_type: str
    order_id: str | None = None
    broker_order_id: str | None = None
    reason: str = ""
    details: Mapping[str, object] = field(default_factory=dict)
    backup_file: str | None = None
    executed: bool
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """One row of `order_events`."""

    order_id: str
    account: str
    event_type: str
    from_status: str | None = None
    to_status: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    # Who told us: reconcile, apply, resume, resolve, manage, stream.
    source: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One row of `outbox`, written in the transaction of the change that it tells of."""

    event_id: str
    event_type: str
    occurred_at: datetime
    account: str | None = None
    symbol: str | None = None
    trace_id: str | None = None
    correlation_id: str | None = None
    payload: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted(Event):
    """An event as it lies in the outbox: committed, and at its place in the order of all."""

    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayCursor:
    """One row of `relay_cursors`: up to which event of the outbox a sink has been told."""

    sink: str
    sequence: int
    at: datetime


class Severity(StrEnum):
    INFO = "INFO"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    alert_id: str
    at: datetime
    type: str
    severity: Severity
    message: str
    account: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class BookIdentity:
    """`lineage` names this book since creation or restore; `serial` moves with every change."""

    lineage: str
    serial: int
    schema_version: int
