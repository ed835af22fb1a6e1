"""The sieve: rows of a snapshot file that the book holds word for word need no further thought.

It only ever drops what a decider could do nothing with: a row whose every identifier and every
compared field has the same text on both sides, that is not live (or is live, not ours and protects
nothing), and whose executions are all known. Whatever is odd in any way stays. Sieve and decider
together say the same as the decider alone; a test holds them to it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from operator import attrgetter
from typing import Any

from core.domain.execution import BrokerExecution, execution_key
from core.domain.order import COMPARED, LIVE, STOP_TYPES, Origin
from core.domain.snapshot import BrokerSnapshot
from core.observe.snapshot_file import SnapshotFile
from core.observe.snapshot_nouns import broker_execution_from, broker_order_from
from core.observe.snapshot_wire import WireExecution, WireOrder
from core.ports import BookReading

_TOLD = attrgetter(*(broker_name for broker_name, _ in COMPARED))
_TOLD_EXECUTION = attrgetter("quantity", "price", "fee", "fee_currency", "kind")

# A row of BookReading.order_rows: order_id, the compared columns, created_at, origin.
_COMPARED_COLUMNS = slice(1, 1 + len(COMPARED))
_STATUS, _TYPE, _REDUCE_ONLY = 1, 7, 9
_BROKER_ORDER_ID = 11
_EXTERNAL = Origin.EXTERNAL.value
_LIVE = frozenset(status.value for status in LIVE)
_STOPS = frozenset(kind.value for kind in STOP_TYPES)


@dataclass(slots=True)
class Sifted:
    """What is left to think about, and what was found equal."""

    snapshot: BrokerSnapshot
    unchanged: int = 0
    # Live book orders that were found equal; they are listed although the snapshot lacks them now.
    equal_live: set[str] = field(default_factory=set)


def sift(
    file: SnapshotFile,
    book: BookReading,
    executions: "ExecutionSieve",
    executed: Mapping[str, Decimal],
) -> Sifted:
    """`executions` has met every row of the book by now, and `executed` is what they sum up to."""
    sifted = Sifted(
        snapshot=replace(file.header, executions=executions.left()), unchanged=executions.equal
    )
    _sift_orders(file, book, executed, sifted)
    _recall(file, book, sifted)
    return sifted


def _sift_orders(
    file: SnapshotFile, book: BookReading, executed: Mapping[str, Decimal], sifted: Sifted
) -> None:
    left = []
    for first, wires in file.orders():
        held = _rows_by_broker_id(book, file.header.account, wires)
        for at, wire in enumerate(wires, start=first):
            row = held.get(wire.broker_order_id)
            if row is not None and _is_settled(wire, row, executed):
                sifted.unchanged += 1
                if wire.status in _LIVE:
                    sifted.equal_live.add(row[0])
            else:
                left.append(broker_order_from(wire, f"$.orders[{at}]"))
    sifted.snapshot = replace(sifted.snapshot, orders=tuple(left))


def _recall(file: SnapshotFile, book: BookReading, sifted: Sifted) -> None:
    """Brings back equal rows whose book row is claimed by an order that was not equal.

    Which of the two is right takes both of them; it is rare, so the file is simply read once more.
    """
    left = sifted.snapshot.orders
    rows = book.orders(
        file.header.account,
        client_order_ids={order.client_order_id for order in left if order.client_order_id},
        perm_ids={order.perm_id for order in left if order.perm_id},
    )
    claimed = {row.broker_order_id: row.order_id for row in rows if row.broker_order_id}
    missing = claimed.keys() - {order.broker_order_id for order in left}
    if not missing:
        return
    recalled = [
        broker_order_from(wire, f"$.orders[{at}]")
        for first, wires in file.orders()
        for at, wire in enumerate(wires, start=first)
        if wire.broker_order_id in missing
    ]
    sifted.unchanged -= len(recalled)
    sifted.equal_live -= {claimed[order.broker_order_id] for order in recalled}
    sifted.snapshot = replace(sifted.snapshot, orders=(*left, *recalled))


def _rows_by_broker_id(
    book: BookReading, account: str, wires: Iterable[WireOrder]
) -> dict[str, tuple[Any, ...] | None]:
    """One row per id; an id that two rows claim is odd, so it stands for none."""
    held: dict[str, tuple[Any, ...] | None] = {}
    for row in book.order_rows(account, [wire.broker_order_id for wire in wires]):
        held[row[_BROKER_ORDER_ID]] = None if row[_BROKER_ORDER_ID] in held else row
    return held


def _is_settled(wire: WireOrder, row: tuple[Any, ...], executed: Mapping[str, Decimal]) -> bool:
    return (
        _says_the_same(_TOLD(wire), row[_COMPARED_COLUMNS])
        and (wire.status not in _LIVE or _is_idle(row))
        and _is_explained(wire, executed)
    )


def _says_the_same(told: tuple[Any, ...], held: tuple[Any, ...]) -> bool:
    """Text for text; what the broker leaves out says nothing."""
    if told == held:
        return True
    return all(one is None or one == other for one, other in zip(told, held, strict=True))


def _is_idle(row: tuple[Any, ...]) -> bool:
    """Live, but neither ours (it could be stale) nor a stop (it could be one too many)."""
    return row[-1] == _EXTERNAL and row[_TYPE] not in _STOPS and not row[_REDUCE_ONLY]


def _is_explained(wire: WireOrder, executed: Mapping[str, Decimal]) -> bool:
    filled = wire.filled_quantity
    if filled == "0":
        return True
    known = executed.get(wire.broker_order_id)
    # The same text as the book's row, so it is a number; what is not known says nothing.
    return filled is not None and known is not None and known >= Decimal(filled)


class ExecutionSieve:
    """The file's executions, waiting to meet the same rows in the book."""

    def __init__(self, file: SnapshotFile):
        account = file.header.account
        self.equal = 0
        self._waiting: dict[str, tuple[int, WireExecution]] = {
            execution_key(account, wire.symbol, wire.broker_order_id, wire.execution_id): (at, wire)
            for first, wires in file.executions()
            for at, wire in enumerate(wires, start=first)
        }

    def meet(self, row: tuple[Any, ...]) -> None:
        """A row as BookReading.execution_rows hands it out."""
        met = self._waiting.get(row[0])
        if met is not None and _says_the_same(_TOLD_EXECUTION(met[1]), row[5:10]):
            del self._waiting[row[0]]
            self.equal += 1

    def left(self) -> tuple[BrokerExecution, ...]:
        """Those that the book has not, or has otherwise."""
        return tuple(
            broker_execution_from(wire, f"$.executions[{at}]")
            for at, wire in sorted(self._waiting.values(), key=lambda each: each[0])
        )
