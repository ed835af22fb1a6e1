"""A few rows that the broker told of, against just what the book holds of them.

A glance proves presence and never absence, and it costs the same however large the book has grown.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from core.domain.execution import MOVING, BookExecution, BrokerExecution
from core.domain.market import Instrument
from core.domain.money import ZERO
from core.domain.observation import BookView, Observation
from core.domain.order import BrokerOrder
from core.domain.paced import at_once
from core.domain.position import Adjustment
from core.domain.snapshot import PARTS, BrokerSnapshot, Partial
from core.observe.observe import touched_orders
from core.observe.scan import fold_positions
from core.ports import BookReading

_A_GLANCE = Partial("this is what the venue told by itself, not a listing")


def told_snapshot(
    account: str,
    broker: str,
    at: datetime,
    *,
    orders: Sequence[BrokerOrder] = (),
    executions: Sequence[BrokerExecution] = (),
    instruments: Mapping[str, Instrument] | None = None,
) -> BrokerSnapshot:
    """What the venue told as a snapshot of which every part is partial."""
    return BrokerSnapshot(
        account=account,
        broker=broker,
        taken_at=at,
        parts=dict.fromkeys(PARTS, _A_GLANCE),
        orders=tuple(orders),
        executions=tuple(executions),
        instruments=instruments or {},
    )


def glance(book: BookReading, snapshot: BrokerSnapshot) -> Observation:
    account = snapshot.account
    identity = book.identity()
    rows: list[BrokerOrder | BrokerExecution] = [*snapshot.orders, *snapshot.executions]
    executions = book.executions_of(account, {row.broker_order_id for row in rows})
    symbols = {row.symbol for row in rows}
    positions = [row for row in book.positions(account) if row.symbol in symbols]
    adjustments = [row for row in book.adjustments(account) if row.symbol in symbols]
    late = _late(snapshot, adjustments)
    view = BookView(
        account=account,
        lineage=identity.lineage,
        serial=identity.serial,
        orders=tuple(touched_orders(book, snapshot)),
        executions={row.execution_key: row for row in executions},
        executed=_executed(executions),
        positions=tuple(positions),
        computed=at_once(fold_positions(book, account, late, adjustments, snapshot.instruments)),
        adjustments=tuple(adjustments),
        decisions=tuple(book.decisions(account)),
        open_steps=tuple(book.open_steps(account)),
    )
    return Observation(account=account, broker=snapshot, book=view)


def _late(snapshot: BrokerSnapshot, adjustments: Sequence[Adjustment]) -> set[tuple[str, str]]:
    """Positions of which something is told that an adjustment may stand for already: how much of it
    is left, only all rows tell. For all others the stored position carries all that is needed."""
    as_of: dict[tuple[str, str], datetime] = {}
    for each in adjustments:
        key = each.symbol, each.side.value
        as_of[key] = max(each.as_of, as_of.get(key, each.as_of))
    told = ((row.symbol, row.position_side.value, row.executed_at) for row in snapshot.executions)
    return {
        (symbol, side)
        for symbol, side, at in told
        if (symbol, side) in as_of and at <= as_of[symbol, side]
    }


def _executed(executions: Sequence[BookExecution]) -> dict[str, Decimal]:
    executed: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in executions:
        if row.kind in MOVING and row.broker_order_id:
            executed[row.broker_order_id] += row.quantity
    return dict(executed)
