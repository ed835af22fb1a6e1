"""Executions that the broker told again because it corrected them: the last word counts."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.execution import BookExecution, BrokerExecution

# Symbol, broker order and the id that all revisions of one execution share.
Family = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class LastWord:
    """How the broker tells an execution in the end, and the book's row of it, if there is one."""

    told: BrokerExecution
    held: BookExecution | None


class Revisions:
    """Which ids speak of one execution: by the broker's word, and on IB by the ids' shape."""

    def __init__(self, told: Iterable[BrokerExecution], *, by_last_part: bool):
        self._by_last_part = by_last_part
        self._corrects = {_name(row): row.corrects for row in told if row.corrects}

    def family(self, row: BrokerExecution | BookExecution) -> Family:
        symbol, order, first = _name(row)
        for earlier in self._chain(row):
            first = earlier
        return symbol, order, first.rpartition(".")[0] or first if self._by_last_part else first

    def rank(self, row: BrokerExecution | BookExecution) -> tuple[str, int]:
        """The later revision ranks higher."""
        last = row.execution_id.rpartition(".")[2] if self._by_last_part else ""
        return last.zfill(9), len(self._chain(row))

    def _chain(self, row: BrokerExecution | BookExecution) -> list[str]:
        """The ids that this row corrects, one after the other; a circle ends where it closes."""
        symbol, order, name = _name(row)
        chain: list[str] = []
        while (name := self._corrects.get((symbol, order, name), "")) and name not in chain:
            chain.append(name)
        return chain


def last_words(
    told: Iterable[BrokerExecution], held: Iterable[BookExecution], *, by_last_part: bool
) -> list[LastWord]:
    """One per execution, however often it was told; an older word than the book's is left out."""
    told = list(told)
    revisions = Revisions(told, by_last_part=by_last_part)
    newest: dict[Family, BrokerExecution] = {}
    for row in sorted(told, key=lambda row: (*revisions.rank(row), row.executed_at)):
        newest[revisions.family(row)] = row
    ours: dict[Family, list[BookExecution]] = defaultdict(list)
    for each in held:
        ours[revisions.family(each)].append(each)
    words = [LastWord(row, _ours(row, ours[family], revisions)) for family, row in newest.items()]
    return [
        word
        for word in words
        if word.held is None or revisions.rank(word.held) <= revisions.rank(word.told)
    ]


def _ours(
    told: BrokerExecution, held: Iterable[BookExecution], revisions: Revisions
) -> BookExecution | None:
    """The row of this very id, else the latest of those that it could replace."""
    by_rank = sorted(held, key=revisions.rank, reverse=True)
    itself = (row for row in by_rank if row.execution_id == told.execution_id)
    return next(itself, by_rank[0] if by_rank else None)


def _name(row: BrokerExecution | BookExecution) -> Family:
    return row.symbol, row.broker_order_id or "", row.execution_id
