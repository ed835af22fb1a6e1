"""Whose a position is: ours when any order of ours has traded in it since it was last flat."""

from collections.abc import Iterable, Iterator

from core.domain.execution import MOVING, BookExecution
from core.domain.holding import key_of
from core.domain.money import ZERO
from core.domain.order import Origin
from core.domain.paced import SLICE, Paced
from core.domain.position import PositionKey
from core.ports import BookReading


def foreign_positions(book: BookReading, account: str) -> Paced[frozenset[PositionKey]]:
    """Open positions whose every execution since then is of an order that is not ours."""
    held = {
        PositionKey(account, row.symbol, row.side)
        for row in book.positions(account)
        if row.quantity
    }
    rows: dict[PositionKey, list[BookExecution]] = {key: [] for key in held}
    for number, row in enumerate(book.executions_in(account, {key.symbol for key in held})):
        if number % SLICE == 0:
            yield
        if (key := key_of(row)) in rows:
            rows[key].append(row)
    made_by = {key: {row.order_id for row in _since_flat(rows[key])} for key in held}
    names = {name for named in made_by.values() for name in named if name}
    ours = {
        row.order_id for row in book.orders(account, order_ids=names) if row.origin is Origin.OWNED
    }
    return frozenset(key for key, named in made_by.items() if not named & ours)


def _since_flat(executions: Iterable[BookExecution]) -> Iterator[BookExecution]:
    rows: list[BookExecution] = []
    quantity = ZERO
    for row in sorted(executions, key=lambda row: (row.executed_at, row.execution_key)):
        if row.kind not in MOVING:
            continue
        rows.append(row)
        quantity += row.side.sign * row.quantity
        if not quantity:
            rows = []
    yield from rows
