"""What the book's executions add up to, per order and per position.

Every row is added up in one light pass, which finds any position whose quantity is not what the
book has stored. Averages and profits take a full fold of a position's rows; that is done where
something is at stake, or for every position when the caller wants to be sure.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from core.domain.errors import BookError
from core.domain.execution import MOVING, BookExecution
from core.domain.holding import folding, key_of
from core.domain.market import Instrument
from core.domain.money import ZERO
from core.domain.observation import ComputedPosition
from core.domain.order import PositionSide, Side
from core.domain.paced import SLICE, Paced
from core.domain.position import Adjustment, BookPosition, PositionKey
from core.domain.tally import is_taken_in_kind
from core.ports import BookReading

_MOVING = frozenset(kind.value for kind in MOVING)
_BUY = Side.BUY.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """`executed` per broker order id; `held` per (symbol, position side), in signed quantities.

    `in_kind` are positions that paid fees from what they hold: only a fold knows their quantity.
    """

    executed: Mapping[str, Decimal]
    held: Mapping[tuple[str, str], Decimal]
    in_kind: Collection[tuple[str, str]]


def add_up(
    book: BookReading,
    account: str,
    instruments: Mapping[str, Instrument],
    meet: Callable[[tuple[Any, ...]], None] | None = None,
) -> Paced[Totals]:
    """`meet` is shown every row on the way, as BookReading.execution_rows hands it out."""
    executed: dict[str, Decimal] = defaultdict(lambda: ZERO)
    held: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    in_kind: set[tuple[str, str]] = set()
    pays_in_kind: dict[tuple[str, str], bool] = {}
    for number, row in enumerate(book.execution_rows(account)):
        if number % SLICE == 0:
            yield
        if meet is not None:
            meet(row)
        _, order, symbol, side, position_side, text, _, _, currency, kind = row
        if kind not in _MOVING:
            continue
        quantity = _quantity(text, row)
        key = (symbol, position_side)
        held[key] += quantity if side == _BUY else -quantity
        if order:
            executed[order] += quantity
        if currency:
            paid = (symbol, currency)
            if paid not in pays_in_kind:
                pays_in_kind[paid] = is_taken_in_kind(symbol, currency, instruments.get(symbol))
            if pays_in_kind[paid]:
                in_kind.add(key)
    return Totals(executed=executed, held=held, in_kind=in_kind)


def _quantity(text: object, row: tuple[Any, ...]) -> Decimal:
    try:
        return Decimal(text)  # type: ignore[arg-type]
    except (InvalidOperation, TypeError, ValueError):
        raise BookError(
            f"executions: the quantity of {row[0]!r:.80} cannot be read: {text!r:.40}"
        ) from None


def at_stake(
    totals: Totals, stored: Collection[BookPosition], adjustments: Collection[Adjustment]
) -> set[tuple[str, str]]:
    """Positions that the light pass cannot vouch for."""
    quantities = {
        (row.symbol, row.side.value): (
            -row.quantity if row.side is PositionSide.SHORT else row.quantity
        )
        for row in stored
    }
    differing = {
        key
        for key in {*totals.held, *quantities}
        if totals.held.get(key, ZERO) != quantities.get(key, ZERO)
    }
    adjusted = {(row.symbol, row.side.value) for row in adjustments}
    return differing | adjusted | set(totals.in_kind)


def fold_positions(
    book: BookReading,
    account: str,
    keys: Collection[tuple[str, str]],
    adjustments: Collection[Adjustment],
    instruments: Mapping[str, Instrument],
) -> Paced[dict[PositionKey, ComputedPosition]]:
    """The full fold of these positions."""
    wanted = {PositionKey(account, symbol, PositionSide(side)) for symbol, side in keys}
    rows: dict[PositionKey, list[BookExecution]] = {key: [] for key in wanted}
    for number, row in enumerate(book.executions_in(account, {key.symbol for key in wanted})):
        if number % SLICE == 0:
            yield
        if (key := key_of(row)) in rows:
            rows[key].append(row)
    folded = {}
    for key in sorted(wanted):
        taken = [row for row in adjustments if key_of(row) == key]
        folded[key] = yield from folding(key, rows[key], taken, instruments.get(key.symbol))
    return folded
