"""A book in a temporary home, per engine; the contract tests know it by its protocols only."""

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.book.sqlite import SqliteBook
from core.ports import Book

OpenBook = Callable[[], Book]
Sql = Callable[..., list[tuple[Any, ...]]]


class CountedIds:
    """Names that tell how many were asked for."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def token(self, bytes_count: int) -> str:
        return f"{next(self._numbers):0{2 * bytes_count}x}"


def sqlite_book(home: Path) -> SqliteBook:
    return SqliteBook(home / "orders.db", ids=CountedIds(), busy_timeout_seconds=Decimal("0.2"))


# Every engine passes the same contract.
ENGINES: dict[str, Callable[[Path], Book]] = {"sqlite": sqlite_book}


@pytest.fixture(params=ENGINES)
def open_book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenBook]:
    """Each call is another process's view of one and the same book."""
    opened: list[Book] = []

    def another() -> Book:
        opened.append(ENGINES[request.param](tmp_path))
        return opened[-1]

    yield another
    for book in opened:
        book.close()


@pytest.fixture
def book(open_book: OpenBook) -> Book:
    return open_book()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the SQLite book lies."""
    return tmp_path / "orders.db"


@pytest.fixture
def sql(path: Path) -> Sql:
    """A person with the sqlite3 shell."""

    def run(statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(path)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    return run
