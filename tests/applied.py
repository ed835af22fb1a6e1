"""The book after a proposal's book changes, without a door or a database."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from core.domain.execution import MOVING, BookExecution
from core.domain.holding import Correction, fold_all, followed, key_of
from core.domain.observation import BookView, Observation
from core.domain.order import BookOrder
from core.domain.position import Adjustment, BookPosition, PositionKey
from core.plan.change import (
    AdoptPosition,
    DeleteOrder,
    InsertExecution,
    InsertOrder,
    UpdateExecution,
    UpdateOrder,
)
from core.plan.proposal import Proposal


def apply_changes(seen: Observation, proposal: Proposal) -> Observation:
    """The same broker, and a book that has caught up with it."""
    serial = seen.book.serial + 1
    executions = _executions(seen.book, proposal, serial)
    adjustments = (*seen.book.adjustments, *_adjustments(seen, proposal, serial))
    view = replace(
        seen.book,
        serial=serial,
        orders=_orders(seen.book, proposal),
        executions={row.execution_key: row for row in executions},
        executed=_executed(executions),
        positions=_positions(seen, proposal),
        computed=fold_all(executions, adjustments, seen.broker.instruments),
        adjustments=adjustments,
    )
    return replace(seen, book=view)


def _orders(book: BookView, proposal: Proposal) -> tuple[BookOrder, ...]:
    rows = {row.order_id: row for row in book.orders}
    for change in proposal.changes:
        if isinstance(change, InsertOrder):
            assert change.target not in rows, f"{change.target} is inserted twice"
        if isinstance(change, UpdateOrder | DeleteOrder):
            assert rows[change.target] == change.before
        if isinstance(change, DeleteOrder) and change.after is None:
            del rows[change.target]
        elif isinstance(change, InsertOrder | UpdateOrder | DeleteOrder) and change.after:
            rows[change.target] = change.after
    return tuple(rows.values())


def _executions(book: BookView, proposal: Proposal, serial: int) -> list[BookExecution]:
    rows = dict(book.executions)
    for change in proposal.changes:
        if isinstance(change, UpdateExecution):
            assert rows.pop(change.target) == change.before
            rows[change.after.execution_key] = change.after
        if isinstance(change, InsertExecution):
            assert change.target not in rows, f"{change.target} is inserted twice"
            rows[change.target] = replace(change.after, recorded_serial=serial)
    return list(rows.values())


def _executed(executions: Iterable[BookExecution]) -> dict[str, Decimal]:
    executed: dict[str, Decimal] = defaultdict(Decimal)
    for row in executions:
        if row.kind in MOVING and row.broker_order_id:
            executed[row.broker_order_id] += row.quantity
    return executed


def _adjustments(seen: Observation, proposal: Proposal, serial: int) -> list[Adjustment]:
    return [
        Adjustment(
            id=f"adj-{serial}-{change.target}",
            account=change.account,
            symbol=change.symbol,
            side=change.after.side,
            quantity=change.unexplained,
            average_price=change.after.average_price,
            as_of=seen.broker.taken_at,
            recorded_serial=serial,
            by="test",
            reason=change.reason,
        )
        for change in proposal.changes
        if isinstance(change, AdoptPosition)
    ]


def _positions(seen: Observation, proposal: Proposal) -> tuple[BookPosition, ...]:
    rows = {PositionKey(row.account, row.symbol, row.side): row for row in seen.book.positions}
    new: dict[PositionKey, list[BookExecution]] = defaultdict(list)
    corrected: dict[PositionKey, list[Correction]] = defaultdict(list)
    for change in proposal.changes:
        if isinstance(change, InsertExecution):
            new[key_of(change.after)].append(change.after)
        if isinstance(change, UpdateExecution):
            corrected[key_of(change.after)].append((change.before, change.after))
    for key in new.keys() | corrected.keys():
        computed = seen.book.computed.get(key)
        rows[key] = followed(
            key,
            rows.get(key),
            new[key],
            corrections=corrected[key],
            adjustments=[each for each in seen.book.adjustments if key_of(each) == key],
            left=computed.adjustments_left if computed else None,
            instrument=seen.broker.instruments.get(key.symbol),
        )
    for change in proposal.changes:
        if isinstance(change, AdoptPosition):
            rows[PositionKey(change.account, change.symbol, change.after.side)] = change.after
    return tuple(rows.values())
