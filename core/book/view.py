"""One view of the book for as long as its transaction is open, and how it reads and writes rows."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from core.book.rows import Table
from core.domain.errors import BookError

T = TypeVar("T")

# Every SQLite takes 999 values in one statement.
IDS_PER_QUERY = 900

PLAN_AGAIN = "It was there when the plan was made: plan again."


class View:
    """Reads rows of tables as nouns."""

    def __init__(self, connection: sqlite3.Connection, path: Path):
        self._open: sqlite3.Connection | None = connection
        self._path = path

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            raise BookError(f"{self._path}: the transaction of this view of the book is over")
        return self._open

    def end(self) -> None:
        """Whoever still holds this view can do nothing with it any more."""
        self._open = None

    def _all(self, table: Table[T], where: str, values: Iterable[Any]) -> list[T]:
        return [table.read(row) for row in self._rows(table, where, values)]

    def _one(self, table: Table[T], where: str, values: Iterable[Any]) -> T | None:
        return next(iter(self._all(table, where, values)), None)

    def _rows(self, table: Table[T], where: str, values: Iterable[Any]) -> list[tuple[Any, ...]]:
        select = f"{table.select} WHERE {where}"
        return self._connection.execute(select, tuple(values)).fetchall()

    def _rows_of(
        self, table: Table[T], account: str, column: str, ids: Iterable[str]
    ) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        for some in portions(ids):
            where = f"{column} IN ({marks(some)}) AND account = ?"
            found += self._rows(table, where, (*some, account))
        return found


class WritableView(View):
    """Inserts and changes rows, many at a time."""

    def _insert(self, table: Table[T], nouns: Sequence[T]) -> None:
        self._connection.executemany(table.insert, map(table.stored, nouns))

    def _insert_new(self, table: Table[T], nouns: Sequence[T]) -> list[T]:
        """Those that were not known yet, by any key of theirs."""
        return [
            noun
            for noun in nouns
            if self._connection.execute(table.insert_new, table.stored(noun)).rowcount == 1
        ]

    def _change_each(
        self,
        table: Table[Any],
        sql: str,
        keys: Sequence[str],
        values: Iterable[Sequence[Any]],
        hint: str = PLAN_AGAIN,
    ) -> None:
        """A change that finds no row means that the world moved: all of it is undone."""
        if not keys:
            return
        self._connection.execute("SAVEPOINT change")
        changed = self._connection.executemany(sql, values).rowcount
        if changed != len(keys):
            self._connection.execute("ROLLBACK TO change")
            raise self._missing(table, self._first_missing(table, keys), hint)
        self._connection.execute("RELEASE change")

    def _first_missing(self, table: Table[Any], keys: Sequence[str]) -> str:
        exists = f"SELECT 1 FROM {table.name} WHERE {table.key[0]} = ?"
        found = (key for key in keys if not self._connection.execute(exists, (key,)).fetchone())
        return next(found, keys[-1])

    def _missing(self, table: Table[Any], key: str, hint: str = PLAN_AGAIN) -> BookError:
        return BookError(
            f"{self._path}: no {table.key[0]} {key!r:.80} in the book's table {table.name}",
            hint=hint,
        )


def portions(ids: Iterable[str]) -> Iterator[tuple[str, ...]]:
    remaining = iter(dict.fromkeys(ids))
    while some := tuple(islice(remaining, IDS_PER_QUERY)):
        yield some


def marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
