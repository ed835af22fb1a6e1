"""One pass over the book's executions: what they add up to, per order and per position."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.decide.reconcile.positions import fold_all
from core.domain.errors import BookError
from core.domain.execution import MOVING, BookExecution
from core.domain.market import Instrument
from core.domain.money import ZERO
from core.domain.observation import ComputedPosition
from core.domain.position import Adjustment, PositionKey
from core.domain.text import from_row
from core.ports import BookReading

# The order in which BookReading.execution_rows hands out its columns.
COLUMNS = (
    "execution_key",
    "execution_id",
    "broker_order_id",
    "symbol",
    "side",
    "position_side",
    "quantity",
    "price",
    "fee",
    "fee_currency",
    "kind",
    "executed_at",
    "recorded_serial",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    executed: Mapping[str, Decimal]
    computed: Mapping[PositionKey, ComputedPosition]
    adjustments: tuple[Adjustment, ...]


def scan_executions(
    book: BookReading,
    account: str,
    instruments: Mapping[str, Instrument],
    meet: Callable[[tuple[Any, ...]], None] | None = None,
) -> Scan:
    """`meet` is shown every row on the way."""
    adjustments = tuple(book.adjustments(account))
    executed: dict[str, Decimal] = defaultdict(lambda: ZERO)

    def rows() -> Iterator[BookExecution]:
        for columns in book.execution_rows(account):
            if meet is not None:
                meet(columns)
            row = read_execution(account, columns)
            if row.kind in MOVING and row.broker_order_id:
                executed[row.broker_order_id] += row.quantity
            yield row

    computed = fold_all(rows(), adjustments, instruments)
    return Scan(executed=executed, computed=computed, adjustments=adjustments)


def read_execution(account: str, columns: tuple[Any, ...]) -> BookExecution:
    row = dict(zip(COLUMNS, columns, strict=True), account=account)
    try:
        return from_row(BookExecution, row)
    except ValueError as error:
        raise BookError(f"executions: row {columns[0]!r:.80} cannot be read: {error}") from None
