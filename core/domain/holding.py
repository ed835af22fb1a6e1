"""Positions as the book's rows add up: all of them, or the new ones on top of what is stored.

Three invariants carry everything here. Rows of another account, symbol or side never enter a sum.
`fold` of all rows equals `followed` of the first ones by the rest. A row that happened before an
adjustment but arrived after it replaces its share of the adjustment, it does not add to it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from operator import itemgetter

from core.domain.costs import carried, fee_paid
from core.domain.execution import MOVING, BookExecution
from core.domain.market import Instrument
from core.domain.money import ZERO
from core.domain.observation import ComputedPosition
from core.domain.order import PositionSide
from core.domain.paced import SLICE, Paced, at_once
from core.domain.position import Adjustment, BookPosition, PositionKey, signed
from core.domain.tally import Tally, moved

# A row as it stood and as it stands.
Correction = tuple[BookExecution, BookExecution]


def fold(
    key: PositionKey,
    executions: Iterable[BookExecution],
    adjustments: Iterable[Adjustment] = (),
    instrument: Instrument | None = None,
) -> ComputedPosition:
    """The position that the book's own rows of this key add up to."""
    return at_once(folding(key, executions, adjustments, instrument))


def folding(
    key: PositionKey,
    executions: Iterable[BookExecution],
    adjustments: Iterable[Adjustment] = (),
    instrument: Instrument | None = None,
) -> Paced[ComputedPosition]:
    """The same with pauses: a long history takes its time."""
    rows, taken = (yield from _rows_of(key, executions)), _adjustments_of(key, adjustments)
    left = _whole(key, taken)
    for number, row in enumerate(rows if taken else ()):
        if number % SLICE == 0:
            yield
        _replace_share(row, moved(row, instrument), taken, left, row.recorded_serial)
    tally = Tally(instrument)
    fees: Decimal | None = ZERO
    for number, event in enumerate(_in_turn(rows, taken) if taken else rows):
        if number % SLICE == 0:
            yield
        before = tally.quantity
        if isinstance(event, Adjustment):
            tally.adopt(left[event.id], event.average_price)
            # The average that was taken over contains them already.
            fees = fees if event.average_price is None else ZERO
        else:
            tally.add(event)
            fees = carried(fees, before, tally.quantity, fee_paid(event, instrument))
    return ComputedPosition(
        key=key,
        quantity=signed(tally.quantity, key.side),
        average_price=tally.average,
        realized_pnl=tally.realized,
        fees=fees,
        adjustments_left={name: signed(share, key.side) for name, share in left.items()},
    )


def fold_all(
    executions: Iterable[BookExecution],
    adjustments: Iterable[Adjustment] = (),
    instruments: Mapping[str, Instrument] | None = None,
) -> dict[PositionKey, ComputedPosition]:
    """Every position that the rows speak of, each from its own rows only."""
    rows: dict[PositionKey, list[BookExecution]] = defaultdict(list)
    taken: dict[PositionKey, list[Adjustment]] = defaultdict(list)
    for row in executions:
        if row.kind in MOVING:
            rows[key_of(row)].append(row)
    for each in adjustments:
        taken[key_of(each)].append(each)
    return {
        key: fold(key, rows.get(key, ()), taken.get(key, ()), (instruments or {}).get(key.symbol))
        for key in sorted(rows.keys() | taken.keys())
    }


def followed(
    key: PositionKey,
    stored: BookPosition | None,
    executions: Iterable[BookExecution],
    *,
    corrections: Iterable[Correction] = (),
    adjustments: Iterable[Adjustment] = (),
    left: Mapping[str, Decimal] | None = None,
    instrument: Instrument | None = None,
    gains: MutableMapping[str, Decimal] | None = None,
) -> BookPosition:
    """The stored position once rows that are new to the book, and corrected ones, have moved it.

    `left` is what each adjustment still stood for before these rows (ComputedPosition tells it);
    None means all of it. `gains` is told what each row that closed something won, by its key.
    """
    rows, taken = at_once(_rows_of(key, executions)), _adjustments_of(key, adjustments)
    shares = _whole(key, taken, left)
    tally = Tally(instrument, stored)
    for before, after in corrections:
        tally.take_out(before)
        tally.add(after)
    for row in rows:
        quantity = _replace_share(row, moved(row, instrument), taken, shares, serial=None)
        closes, won = tally.quantity * quantity < 0, tally.realized
        tally.add(row, quantity)
        if gains is not None and closes:
            gains[row.execution_key] = tally.realized - won
    return _stored(key, stored, tally, rows[-1].executed_at if rows else None)


def _stored(
    key: PositionKey, before: BookPosition | None, tally: Tally, latest: datetime | None
) -> BookPosition:
    base = before or BookPosition(
        account=key.account, symbol=key.symbol, side=key.side, quantity=ZERO, mode=mode_of(key.side)
    )
    return replace(
        base,
        quantity=signed(tally.quantity, key.side),
        average_price=tally.average,
        realized_pnl=tally.realized,
        state=state_of(tally.quantity, base.state),
        dust=is_dust(tally.quantity, tally.instrument),
        updated_at=max(filter(None, (base.updated_at, latest)), default=None),
    )


# --- words about one position -------------------------------------------------------------------


def key_of(row: BookExecution | Adjustment) -> PositionKey:
    """Whose position the row speaks of."""
    side = row.side if isinstance(row, Adjustment) else row.position_side
    return PositionKey(row.account, row.symbol, side)


def is_dust(quantity: Decimal, instrument: Instrument | None) -> bool:
    """A remainder too small for the venue to trade."""
    least = instrument.min_quantity if instrument else None
    return least is not None and 0 < abs(quantity) < least


def mode_of(side: PositionSide) -> str:
    return "one-way" if side is PositionSide.BOTH else "hedge"


def state_of(quantity: Decimal, before: str | None) -> str:
    """Where the position is in its life, as far as its quantity tells."""
    if not quantity:
        return "closed"
    return "open" if before in (None, "closed") else before


# --- rows and adjustments -----------------------------------------------------------------------


def _rows_of(key: PositionKey, executions: Iterable[BookExecution]) -> Paced[list[BookExecution]]:
    """The rows that move the position, in time order."""
    rows = []
    for number, row in enumerate(executions):
        if number % SLICE == 0:
            yield
        if row.kind in MOVING:
            _must_belong(key, row)
            rows.append((row.executed_at, row.execution_key, row))
    rows.sort(key=itemgetter(0, 1))
    return [row for _, _, row in rows]


def _adjustments_of(key: PositionKey, adjustments: Iterable[Adjustment]) -> list[Adjustment]:
    """The oldest first."""
    taken = sorted(adjustments, key=lambda each: (each.as_of, each.recorded_serial, each.id))
    for each in taken:
        _must_belong(key, each)
    return taken


def _must_belong(key: PositionKey, row: BookExecution | Adjustment) -> None:
    if key_of(row) != key:
        raise ValueError(f"a row of {key_of(row)} cannot enter the position {key}")


def _in_turn(
    rows: Sequence[BookExecution], adjustments: Sequence[Adjustment]
) -> Iterator[BookExecution | Adjustment]:
    """Each adjustment after the rows that what the broker said included; rows in time order."""
    between: dict[int, list[BookExecution]] = defaultdict(list)
    for row in rows:
        between[sum(not _is_included(row, each) for each in adjustments)].append(row)
    for number, each in enumerate(adjustments):
        yield from between[number]
        yield each
    yield from between[len(adjustments)]


def _is_included(row: BookExecution, adjustment: Adjustment) -> bool:
    """Known by then, whatever the clocks say, or told later of an earlier time."""
    return row.recorded_serial <= adjustment.recorded_serial or row.executed_at <= adjustment.as_of


def _whole(
    key: PositionKey, adjustments: Sequence[Adjustment], left: Mapping[str, Decimal] | None = None
) -> dict[str, Decimal]:
    """What each adjustment stands for before further rows, with shorts below zero."""
    return {
        each.id: signed((left or {}).get(each.id, each.quantity), key.side) for each in adjustments
    }


def _replace_share(
    row: BookExecution,
    quantity: Decimal,
    adjustments: Sequence[Adjustment],
    left: MutableMapping[str, Decimal],
    serial: int | None,
) -> Decimal:
    """Lets a late row replace what adjustments stood for, oldest first; returns what it still adds.

    `serial` is when the row arrived; None means now, after every adjustment.
    """
    for each in adjustments:
        late = serial is None or serial > each.recorded_serial
        if late and row.executed_at <= each.as_of and left[each.id] * quantity > 0:
            share = min(quantity, left[each.id], key=abs)
            left[each.id] -= share
            quantity -= share
    return quantity
