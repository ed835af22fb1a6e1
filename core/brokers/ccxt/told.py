"""Rows of one part of an account, and what is known to be missing from them."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from core.brokers.ccxt.figures import UNREADABLE, Row
from core.brokers.ccxt.meaning import safe
from core.domain.errors import Unavailable as NotAnswered
from core.domain.snapshot import Known, Part, Partial, Unavailable

T = TypeVar("T")
Read = Callable[[Row], T]
# More reasons than this are of no use to anybody.
_REASONS_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(Generic[T]):
    rows: tuple[T, ...] = ()
    # Why there may be more rows than these.
    lacking: tuple[str, ...] = ()
    # Why there was no answer at all.
    missing: str | None = None

    @property
    def part(self) -> Part:
        if self.missing is not None:
            return Unavailable(self.missing)
        if self.lacking:
            return Partial(_listed(self.lacking))
        return Known()

    @property
    def reasons(self) -> tuple[str, ...]:
        return self.lacking if self.missing is None else (self.missing,)


Rows = Told[Row]


async def asked(answer: Awaitable[Told[T]]) -> Told[T]:
    """A part that fails says so and leaves the others alone."""
    try:
        with readable("the answer"):
            return await answer
    except NotAnswered as error:
        return Told(missing=error.message)


@contextmanager
def readable(what: str) -> Iterator[None]:
    """An answer that makes no sense is no answer."""
    try:
        yield
    except UNREADABLE as error:
        why = safe(_why(error))
    else:
        return
    raise NotAnswered(f"{what} cannot be read: {why}")


def read_each(told: Told[Row], read: Read[T], what: str, key: str) -> Told[T]:
    """A row that cannot be read is missing, and is named by its `key`."""
    rows: list[T] = []
    lacking = list(told.lacking)
    for row in told.rows:
        try:
            rows.append(read(row))
        except UNREADABLE as error:
            lacking.append(
                safe(f"{what} {safe(str(row.get(key))):.40} cannot be read: {_why(error)}")
            )
    return Told(rows=tuple(rows), lacking=tuple(lacking), missing=told.missing)


def joined(parts: Iterable[Told[T]]) -> Told[T]:
    """Several answers as one; where any of them failed, the whole is partial."""
    parts = list(parts)
    if parts and all(part.missing is not None for part in parts):
        return Told(missing=parts[0].missing)
    return Told(
        rows=tuple(row for part in parts for row in part.rows),
        lacking=tuple(reason for part in parts for reason in part.reasons),
    )


def once(rows: Iterable[T], key: Callable[[T], Any]) -> tuple[T, ...]:
    """Overlapping pages tell a row twice; the later telling counts."""
    return tuple({key(row): row for row in rows}.values())


def row_of(value: object) -> Row:
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, got {type(value).__name__}")
    return value


def rows_of(value: object) -> list[Row]:
    if not isinstance(value, list):
        raise ValueError(f"expected a list, got {type(value).__name__}")
    return [row_of(each) for each in value]


def _why(error: Exception) -> str:
    return f"unknown word {error}" if isinstance(error, KeyError) else str(error)


def _listed(reasons: Sequence[str]) -> str:
    told = "; ".join(reasons[:_REASONS_MAX])
    more = len(reasons) - _REASONS_MAX
    return f"{told}; and {more} more" if more > 0 else told
