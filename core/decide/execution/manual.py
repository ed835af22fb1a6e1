"""Trades that somebody made past us: a position that moved without an order of ours.

| quantity was | and is now      | it is a      |
|--------------|-----------------|--------------|
| zero         | not zero        | manual entry |
| not zero     | further from it | manual DCA   |
| not zero     | zero            | manual exit  |

A position that turned around was left and entered at once. One that only shrank is neither.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from core.domain.execution import MOVING, BookExecution
from core.domain.holding import key_of
from core.domain.money import ZERO
from core.domain.order import Origin
from core.domain.position import BookPosition, PositionKey


class ManualTrade(StrEnum):
    ENTRY = "manual_entry"
    DCA = "manual_dca"
    EXIT = "manual_exit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manual:
    kind: ManualTrade
    position: BookPosition
    before: Decimal


def manual_trades(
    before: Iterable[BookPosition],
    after: Iterable[BookPosition],
    executions: Iterable[BookExecution],
    origins: Mapping[str, Origin],
) -> Iterator[Manual]:
    """`origins` are those of the executions' orders, by order id; liquidations are told apart."""
    had = {_key(row): row.quantity for row in before}
    foreign = {
        key_of(row)
        for row in executions
        if row.kind in MOVING
        and origins.get(row.order_id or "", Origin.EXTERNAL) is Origin.EXTERNAL
    }
    for position in after:
        key = _key(position)
        if key in foreign:
            was = had.get(key, ZERO)
            for kind in _kinds(was, position.quantity):
                yield Manual(kind=kind, position=position, before=was)


def _kinds(was: Decimal, now: Decimal) -> Iterator[ManualTrade]:
    if was and (not now or was * now < 0):
        yield ManualTrade.EXIT
    if now and was * now <= 0:
        yield ManualTrade.ENTRY
    if was * now > 0 and abs(now) > abs(was):
        yield ManualTrade.DCA


def _key(row: BookPosition) -> PositionKey:
    return PositionKey(row.account, row.symbol, row.side)
