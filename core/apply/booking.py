"""The book-only actions of a plan as one batch of rows: what to write, computed before writing.

Positions follow from executions here, with the same arithmetic that the plan was made with.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from core.apply.exit_progress import follow_exits
from core.apply.living import follow_executions, follow_orders
from core.apply.progressing import follow_intents
from core.domain.execution import MOVING, BookExecution
from core.domain.holding import Correction, followed, key_of
from core.domain.market import Instrument
from core.domain.observation import BookView, Observation
from core.domain.order import BookOrder
from core.domain.position import Adjustment, BookPosition, PositionKey
from core.domain.record import Audit, Event, OrderEvent
from core.domain.text import Row, plain, to_row
from core.plan.change import (
    AdoptPosition,
    DeleteOrder,
    InsertExecution,
    InsertOrder,
    UpdateExecution,
    UpdateOrder,
)
from core.plan.codec import changed_fields
from core.plan.plan import Action
from core.ports import BookWriting


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What booking needs to know beside the actions themselves."""

    plan_id: str
    approved_by: str
    at: datetime
    serial: int
    backup_file: str | None
    observations: Mapping[str, Observation]
    # Who told of it: a look at the account, or the venue's stream.
    source: str = "reconcile"


@dataclass(slots=True)
class Batch:
    """Rows by table, written in an order that foreign keys accept."""

    new_orders: list[BookOrder] = field(default_factory=list)
    orders: list[BookOrder] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    new_executions: list[BookExecution] = field(default_factory=list)
    executions: list[tuple[str, BookExecution]] = field(default_factory=list)
    positions: list[BookPosition] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)
    order_events: list[OrderEvent] = field(default_factory=list)
    audit: list[Audit] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    # For the lives of positions: rows as they were and as they are, contract sizes, positions that
    # the broker showed to be flat, when.
    corrections: list[Correction] = field(default_factory=list)
    instruments: dict[str, Instrument] = field(default_factory=dict)
    flat: set[PositionKey] = field(default_factory=set)
    at: datetime | None = None

    def write(self, book: BookWriting) -> None:
        book.insert_orders(self.new_orders)
        book.update_orders(self.orders)
        book.insert_executions(self.new_executions)
        book.update_executions(self.executions)
        book.delete_orders(self.erased)
        book.put_positions(self.positions)
        book.insert_adjustments(self.adjustments)
        book.insert_order_events(self.order_events)
        book.insert_audit(self.audit)
        book.insert_events(self.events)
        orders = [*self.new_orders, *self.orders]
        # What was bought and sold comes first: without it an exit that has filled looks like one
        # that has failed.
        self._follow_lives(book, orders)
        follow_intents(book, orders)
        follow_exits(book, orders)

    def _follow_lives(self, book: BookWriting, orders: Iterable[BookOrder]) -> None:
        assert self.at is not None, "a batch is written by whoever made it"
        follow_executions(
            book,
            self.new_executions,
            self.positions,
            corrections=self.corrections,
            instruments=self.instruments,
            flat=self.flat,
            at=self.at,
        )
        moved = {(row.account, row.symbol) for row in self.positions}
        for account, symbol in {(row.account, row.symbol) for row in orders} - moved:
            follow_orders(book, account, symbol, at=self.at)


def batch_of(actions: Sequence[Action], case: Circumstances) -> Batch:
    """Rows, audit and outbox of all the actions, together."""
    batch = Batch(at=case.at)
    adopted: dict[PositionKey, AdoptPosition] = {}
    for action in actions:
        _add_rows(batch, action, case, adopted)
        batch.audit.append(_audit(action, case))
    _follow(batch, adopted, case)
    for seen in case.observations.values():
        batch.instruments.update(seen.broker.instruments)
    batch.flat.update(_shown_flat(batch.positions, case))
    return batch


def _shown_flat(positions: Iterable[BookPosition], case: Circumstances) -> Iterator[PositionKey]:
    """Those that a whole listing of the broker's does not have."""
    for row in positions:
        seen = case.observations[row.account].broker
        shown = {(each.symbol, each.side) for each in seen.positions if each.quantity}
        if seen.knows("positions") and (row.symbol, row.side) not in shown:
            yield PositionKey(row.account, row.symbol, row.side)


def _add_rows(
    batch: Batch, action: Action, case: Circumstances, adopted: dict[PositionKey, AdoptPosition]
) -> None:
    change = action.change
    match change:
        case InsertOrder(after=row):
            batch.new_orders.append(row)
            _tell_order(batch, action, None, row, case)
        case UpdateOrder(before=before, after=row):
            batch.orders.append(row)
            _tell_order(batch, action, before, row, case)
        case DeleteOrder(before=before, after=None):
            batch.erased.append(before.order_id)
            _tell_order(batch, action, before, None, case)
        case DeleteOrder(before=before, after=BookOrder() as row):
            batch.orders.append(row)
            _tell_order(batch, action, before, row, case)
        case InsertExecution(after=execution):
            batch.new_executions.append(replace(execution, recorded_serial=case.serial))
            _tell(batch, action, "execution.recorded", to_row(execution), case)
        case UpdateExecution(before=old, after=execution):
            # A correction stays as old as what it corrects: it is no late row for an adjustment.
            kept = replace(execution, recorded_serial=old.recorded_serial)
            batch.executions.append((old.execution_key, kept))
            _tell(batch, action, "execution.recorded", to_row(execution), case)
        case AdoptPosition(after=position):
            adopted[PositionKey(change.account, change.symbol, position.side)] = change
            payload = {"unexplained": plain(change.unexplained), **to_row(position)}
            _tell(batch, action, "position.discrepancy", payload, case)


# --- positions --------------------------------------------------------------------------------


def _follow(
    batch: Batch, adopted: Mapping[PositionKey, AdoptPosition], case: Circumstances
) -> None:
    """Every position that new or corrected executions moved, or that a person adopts."""
    fresh: dict[PositionKey, list[BookExecution]] = defaultdict(list)
    corrected: dict[PositionKey, list[Correction]] = defaultdict(list)
    for row in batch.new_executions:
        if row.kind in MOVING:
            fresh[key_of(row)].append(row)
    for old_key, row in batch.executions:
        before = case.observations[row.account].book.executions[old_key]
        if row.kind in MOVING:
            corrected[key_of(row)].append((before, row))
            batch.corrections.append((before, row))
    gains: dict[str, Decimal] = {}
    for key in sorted({*fresh, *corrected, *adopted}):
        position = _followed(key, fresh[key], corrected[key], case, gains)
        if key in adopted:
            position = _adopt(batch, key, position, adopted[key], case)
        batch.positions.append(position)
    batch.new_executions = [
        replace(row, realized_pnl=gains[row.execution_key]) if row.execution_key in gains else row
        for row in batch.new_executions
    ]


def _followed(
    key: PositionKey,
    rows: Iterable[BookExecution],
    corrections: Iterable[Correction],
    case: Circumstances,
    gains: MutableMapping[str, Decimal],
) -> BookPosition:
    seen = case.observations[key.account]
    computed = seen.book.computed.get(key)
    position = followed(
        key,
        _stored(seen.book, key),
        rows,
        corrections=corrections,
        adjustments=_adjustments(seen.book, key),
        left=computed.adjustments_left if computed else None,
        instrument=seen.broker.instruments.get(key.symbol),
        gains=gains,
    )
    return replace(position, updated_at=case.at)


def _stored(book: BookView, key: PositionKey) -> BookPosition | None:
    rows = (row for row in book.positions if (row.symbol, row.side) == (key.symbol, key.side))
    return next(rows, None)


def _adjustments(book: BookView, key: PositionKey) -> list[Adjustment]:
    return [row for row in book.adjustments if key_of(row) == key]


def _adopt(
    batch: Batch,
    key: PositionKey,
    position: BookPosition,
    change: AdoptPosition,
    case: Circumstances,
) -> BookPosition:
    """The broker's figures; what no row explains stays behind as an adjustment, with its why."""
    batch.adjustments.append(
        Adjustment(
            id=f"adj-{case.plan_id}-{key.target}-{key.account}",
            account=key.account,
            symbol=key.symbol,
            side=key.side,
            quantity=change.unexplained,
            average_price=change.after.average_price,
            as_of=case.observations[key.account].broker.taken_at,
            recorded_serial=case.serial,
            by=case.approved_by,
            reason=change.because,
        )
    )
    return replace(change.after, realized_pnl=position.realized_pnl, updated_at=case.at)


# --- telling ----------------------------------------------------------------------------------


def _audit(action: Action, case: Circumstances) -> Audit:
    change = action.change
    row = change.after if change.after is not None else change.before
    return Audit(
        timestamp=case.at,
        correlation_id=case.plan_id,
        action_type=change.kind,
        order_id=getattr(row, "order_id", None),
        broker_order_id=getattr(row, "broker_order_id", None),
        reason=change.reason,
        details={
            "action_id": action.id,
            "target": change.target,
            "because": change.because,
            "changed": list(changed_fields(change)),
            "decided": action.decision_note,
            "by": case.approved_by,
        },
        backup_file=case.backup_file,
        executed=True,
    )


def _tell_order(
    batch: Batch,
    action: Action,
    before: BookOrder | None,
    after: BookOrder | None,
    case: Circumstances,
) -> None:
    """The order's own history, and the world's: what it was, what it is, which ids it had."""
    row = after or before
    assert row is not None
    batch.order_events.append(
        OrderEvent(
            order_id=row.order_id,
            account=row.account,
            event_type=action.change.kind,
            from_status=before.status if before else None,
            to_status=after.status if after else None,
            details=_moves(before, after),
            source=case.source,
            occurred_at=case.at,
        )
    )
    status = after.status if after else "erased"
    _tell(batch, action, f"order.{status}", to_row(row), case)


def _moves(before: BookOrder | None, after: BookOrder | None) -> Row:
    """Field by field, old and new; the old venue id of a replaced order survives here."""
    if before is None or after is None:
        return {}
    old, new = to_row(before), to_row(after)
    return {name: [old[name], new[name]] for name in new if old[name] != new[name]}


def _tell(batch: Batch, action: Action, event_type: str, payload: Row, case: Circumstances) -> None:
    change = action.change
    batch.events.append(
        Event(
            event_id=f"{case.plan_id}:{action.id}",
            event_type=event_type,
            occurred_at=case.at,
            account=change.account,
            symbol=change.symbol,
            trace_id=payload.get("trace_id"),
            correlation_id=case.plan_id,
            payload=payload,
        )
    )
