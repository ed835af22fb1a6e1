"""Nouns of one kind beside the file's rows they came from, so that unknown fields are kept."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from core.domain.text import Row, to_row

Key = TypeVar("Key", bound=Hashable)
Noun = TypeVar("Noun")


class Rows(Generic[Key, Noun]):
    """Keyed by what names the noun at the venue. `marks` are the venue's own notes on a row."""

    def __init__(self, rows: list[Row], nouns: Sequence[Noun], key: Callable[[Noun], Key]):
        self._rows = rows
        self._key = key
        self._nouns: dict[Key, Noun] = {}
        self._row_of: dict[Key, Row] = {}
        for noun, row in zip(nouns, rows, strict=True):
            if key(noun) in self._nouns:
                raise ValueError(f"{key(noun)} is there twice")
            self._nouns[key(noun)] = noun
            self._row_of[key(noun)] = row
        self.changed = False

    def __iter__(self) -> Iterator[Noun]:
        """Over the rows as they are now: they may change while somebody walks them."""
        return iter(list(self._nouns.values()))

    def __contains__(self, key: object) -> bool:
        return key in self._nouns

    def get(self, key: Key) -> Noun | None:
        return self._nouns.get(key)

    def put(self, noun: Noun, **marks: Any) -> Noun:
        """Adds or replaces; a mark of None is rubbed out, one that is not named stays."""
        key = self._key(noun)
        if key not in self._row_of:
            self._row_of[key] = {}
            self._rows.append(self._row_of[key])
        row = self._row_of[key]
        row.update(to_row(noun))
        for name, value in marks.items():
            row[name] = value
            if value is None:
                del row[name]
        self._nouns[key] = noun
        self.changed = True
        return noun

    def remove(self, key: Key) -> None:
        del self._nouns[key]
        gone = self._row_of.pop(key)
        self._rows[:] = [row for row in self._rows if row is not gone]
        self.changed = True

    def mark(self, noun: Noun, name: str) -> Any:
        return self._row_of[self._key(noun)].get(name)
