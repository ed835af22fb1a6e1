"""Writing the book, inside one transaction. Rows go in bulk: a plan may change 100,000 of them."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from core.book.intake_writing import IntakeWriting
from core.book.position_writing import PositionWriting
from core.book.reading import SqliteReading
from core.book.rows import Table
from core.book.tables import (
    ADJUSTMENTS,
    ALERTS,
    AUDIT,
    DECISIONS,
    EXECUTIONS,
    JOURNAL,
    ORDER_EVENTS,
    ORDERS,
    OUTBOX,
    PLANS,
    POSITIONS,
)
from core.domain.ambiguity import MatchDecision
from core.domain.errors import BookError
from core.domain.execution import BookExecution
from core.domain.moment import moment_text
from core.domain.order import BookOrder
from core.domain.position import Adjustment, BookPosition
from core.domain.record import (
    STEP_MOVES,
    Alert,
    Audit,
    Event,
    OrderEvent,
    PlanRecord,
    PlanState,
    Step,
    StepState,
)

T = TypeVar("T")

SETTLED = frozenset({StepState.DONE, StepState.FAILED})

NOTE_REVIEW = """
UPDATE plans SET reviewed_at = :at, decisions_digest = coalesce(:digest, decisions_digest),
  sealed_by = coalesce(:by, sealed_by),
  sealed_at = CASE WHEN :by IS NULL THEN sealed_at ELSE :at END
WHERE plan_id = :plan_id
"""

# What is not told stays. Sent once more means begun anew: the quarantine counts from the last send.
MOVE_STEP = """
UPDATE journal SET state = :to, broker_order_id = coalesce(:broker_order_id, broker_order_id),
  outcome = coalesce(:outcome, outcome), attempts = coalesce(:attempts, attempts),
  begun_at = coalesce(:begun_at, begun_at), settled_at = coalesce(:settled_at, settled_at)
WHERE step_id = :step_id
"""


class SqliteWriting(SqliteReading, IntakeWriting, PositionWriting):
    """Fulfils BookWriting for as long as its transaction is open."""

    def __init__(self, connection: sqlite3.Connection, path: Path):
        super().__init__(connection, path)
        self._facts_changed = False
        self._bumped: int | None = None

    def finish(self) -> None:
        """The last thing before the commit: facts never change without the serial."""
        if self._facts_changed:
            self.bump_serial()

    # --- facts --------------------------------------------------------------------------------

    def insert_orders(self, orders: Sequence[BookOrder]) -> None:
        self._insert_facts(ORDERS, orders)

    def update_orders(self, orders: Sequence[BookOrder]) -> None:
        self._replace(ORDERS, ORDERS.replace, [(order.order_id, order) for order in orders])

    def delete_orders(self, order_ids: Sequence[str]) -> None:
        keys = list(dict.fromkeys(order_ids))
        delete = "DELETE FROM orders WHERE order_id = ?"
        self._change_facts(ORDERS, delete, keys, ((key,) for key in keys))

    def insert_executions(self, executions: Sequence[BookExecution]) -> None:
        self._insert_facts(EXECUTIONS, executions)

    def update_executions(self, changes: Sequence[tuple[str, BookExecution]]) -> None:
        self._replace(EXECUTIONS, EXECUTIONS.rekey, changes)

    def put_positions(self, positions: Sequence[BookPosition]) -> None:
        self._connection.executemany(POSITIONS.put, map(POSITIONS.stored, positions))
        self._facts_changed |= bool(positions)

    def insert_adjustments(self, adjustments: Sequence[Adjustment]) -> None:
        self._insert_facts(ADJUSTMENTS, adjustments)

    def bump_serial(self) -> int:
        if self._bumped is None:
            self._connection.execute("UPDATE meta SET serial = serial + 1")
            self._bumped = self.identity().serial
        return self._bumped

    # --- what happened ------------------------------------------------------------------------

    def insert_order_events(self, events: Sequence[OrderEvent]) -> None:
        self._insert(ORDER_EVENTS, events)

    def insert_audit(self, rows: Sequence[Audit]) -> None:
        self._insert(AUDIT, rows)

    def insert_events(self, events: Sequence[Event]) -> None:
        self._insert(OUTBOX, events)

    def insert_alert(self, alert: Alert) -> None:
        self._insert(ALERTS, (alert,))

    # --- plans and steps ----------------------------------------------------------------------

    def register_plan(self, plan: PlanRecord) -> None:
        supersede = "UPDATE plans SET state = ? WHERE state = ?"
        self._connection.execute(supersede, (PlanState.SUPERSEDED.value, PlanState.STAGED.value))
        self._insert(PLANS, (plan,))

    def move_plan(self, plan_id: str, to: PlanState, *, backup_file: str | None = None) -> bool:
        moved = self._connection.execute(
            "UPDATE plans SET state = ?, backup_file = coalesce(?, backup_file)"
            " WHERE plan_id = ? AND state = ?",
            (to.value, backup_file, plan_id, PlanState.STAGED.value),
        )
        return moved.rowcount == 1

    def note_review(
        self,
        plan_id: str,
        *,
        at: datetime,
        sealed_by: str | None = None,
        decisions_digest: str | None = None,
    ) -> None:
        noted = self._connection.execute(
            NOTE_REVIEW,
            {
                "plan_id": plan_id,
                "at": moment_text(at),
                "by": sealed_by,
                "digest": decisions_digest,
            },
        )
        if noted.rowcount != 1:
            raise self._missing(PLANS, plan_id)

    def insert_step(self, step: Step) -> None:
        self._insert(JOURNAL, (step,))

    def move_step(
        self,
        step_id: str,
        to: StepState,
        *,
        at: datetime,
        broker_order_id: str | None = None,
        outcome: str | None = None,
        attempts: int | None = None,
    ) -> None:
        state = self._step_state(step_id)
        if to not in STEP_MOVES[state]:
            raise BookError(
                f"{self._path}: step {step_id} is {state} and cannot become {to}",
                hint="Another process settled it first: `trueup status`.",
            )
        self._connection.execute(
            MOVE_STEP,
            {
                "step_id": step_id,
                "to": to.value,
                "begun_at": moment_text(at) if to is StepState.BEGUN else None,
                "settled_at": moment_text(at) if to in SETTLED else None,
                "broker_order_id": broker_order_id,
                "outcome": outcome,
                "attempts": attempts,
            },
        )

    def put_decision(self, decision: MatchDecision) -> None:
        self._connection.execute(DECISIONS.put, DECISIONS.stored(decision))

    def _step_state(self, step_id: str) -> StepState:
        found = self._all(JOURNAL, "step_id = ?", (step_id,))
        if not found:
            raise self._missing(JOURNAL, step_id)
        return found[0].state

    # --- how ----------------------------------------------------------------------------------

    def _insert_facts(self, table: Table[T], nouns: Sequence[T]) -> None:
        self._insert(table, nouns)
        self._facts_changed |= bool(nouns)

    def _replace(self, table: Table[T], sql: str, changes: Sequence[tuple[str, T]]) -> None:
        keys = [key for key, _ in changes]
        values = ([*table.stored(noun), key] for key, noun in changes)
        self._change_facts(table, sql, keys, values)

    def _change_facts(
        self, table: Table[Any], sql: str, keys: Sequence[str], values: Iterable[Sequence[Any]]
    ) -> None:
        self._change_each(table, sql, keys, values)
        self._facts_changed |= bool(keys)
