"""Writing down facts that the broker told, one transaction at a time, without a plan to review.

Facts need nobody's approval: only changes that a plan would approve by itself are recorded here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.apply.booking import Batch, Circumstances, batch_of
from core.domain.errors import Stale
from core.domain.observation import Observation
from core.plan.change import AnyChange
from core.plan.plan import Action, Decision, first_decision
from core.ports import Book, Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    book: Book
    clock: Clock
    # Stands in the audit as the one who let it in.
    by: str
    source: str = "reconcile"

    def record(self, seen: Observation, changes: Sequence[AnyChange]) -> Batch | None:
        """All of them or none; Stale when the book has moved since the look."""
        for change in changes:
            if change.at_broker or first_decision(change) is not Decision.APPROVE:
                raise ValueError(f"{change.kind} of {change.target} is not a fact to be recorded")
        if not changes:
            return None
        with self.book.write() as book:
            identity = book.identity()
            if (identity.lineage, identity.serial) != (seen.book.lineage, seen.book.serial):
                raise Stale("the book changed while the broker was being read")
            serial = book.bump_serial()
            batch = batch_of(
                [
                    Action(id=f"f{number:03}", change=change)
                    for number, change in enumerate(changes, start=1)
                ],
                Circumstances(
                    plan_id=f"r-{identity.lineage[:6]}-{serial}",
                    approved_by=self.by,
                    at=self.clock.now(),
                    serial=serial,
                    backup_file=None,
                    observations={seen.account: seen},
                    source=self.source,
                ),
            )
            batch.write(book)
        return batch
