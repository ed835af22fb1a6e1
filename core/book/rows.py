"""Nouns as rows of a table: how each is stored, and the one place where a row is believed."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from operator import attrgetter
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from msgspec import to_builtins

from core.domain.errors import BookError
from core.domain.moment import moment_text
from core.domain.money import decimal_text, parse_decimal
from core.domain.text import from_row, plain

T = TypeVar("T")

MEND = "Correct it with SQL, or restore a copy: `trueup backup list`."


class Table(Generic[T]):
    """A table whose columns are the fields of one noun, under the same names."""

    def __init__(self, name: str, noun: type[T], key: tuple[str, ...]):
        self.name = name
        self.noun = noun
        self.key = key
        self.columns = tuple(field.name for field in fields(noun))  # type: ignore[arg-type]

    # --- storing ------------------------------------------------------------------------------

    @cached_property
    def insert(self) -> str:
        marks = ", ".join("?" * len(self.columns))
        return f"INSERT INTO {self.name} ({_listed(self.columns)}) VALUES ({marks})"

    @cached_property
    def insert_new(self) -> str:
        """Leaves out a row that is known already, by any of its keys."""
        return f"{self.insert} ON CONFLICT DO NOTHING"

    @cached_property
    def put(self) -> str:
        """Inserts, or replaces the row with the same key."""
        rest = [name for name in self.columns if name not in self.key]
        changes = ", ".join(f'"{name}" = excluded."{name}"' for name in rest)
        return f"{self.insert} ON CONFLICT ({_listed(self.key)}) DO UPDATE SET {changes}"

    @cached_property
    def replace(self) -> str:
        """Replaces the row of a key, which comes last."""
        # A key that is set to itself still costs a look at every row that refers to it.
        changes = ", ".join(
            f'"{name}" = ?{number}'
            for number, name in enumerate(self.columns, start=1)
            if name not in self.key
        )
        return f"UPDATE {self.name} SET {changes} WHERE {self.key[0]} = ?{len(self.columns) + 1}"

    @cached_property
    def rekey(self) -> str:
        """The same, where the key itself may change too."""
        return self.replace.replace(" SET ", f" SET {self.key[0]} = ?1, ", 1)

    def stored(self, noun: T) -> list[Any]:
        """The noun's values in the order of the columns, as text, integers and None."""
        values = list(self._read_fields(noun))
        for index, spell in self._spellings:
            value = values[index]
            if value is not None:
                values[index] = spell(value)
        return values

    @cached_property
    def _read_fields(self) -> Callable[[T], tuple[Any, ...]]:
        return attrgetter(*self.columns)

    @cached_property
    def _spellings(self) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
        hints = get_type_hints(self.noun)
        spells = (_spelling(hints[name]) for name in self.columns)
        return tuple((index, spell) for index, spell in enumerate(spells) if spell is not None)

    # --- reading ------------------------------------------------------------------------------

    @cached_property
    def select(self) -> str:
        return f"SELECT {_listed(self.columns)} FROM {self.name}"

    def read(self, row: Sequence[Any]) -> T:
        """The noun of a stored row; what was left out (NULL) takes the noun's default."""
        values = dict(zip(self.columns, row, strict=True))
        for name in self._defaulted:
            if values[name] is None:
                del values[name]
        try:
            for name in self._documents:
                values[name] = _document(name, values[name])
            return from_row(self.noun, values)
        except ValueError as error:
            key = ", ".join(f"{name} {values.get(name)}" for name in self.key)
            raise BookError(
                f"the book's table {self.name} has an unreadable row: {key}: column {error}",
                hint=MEND,
            ) from None

    @cached_property
    def _defaulted(self) -> tuple[str, ...]:
        known = fields(self.noun)  # type: ignore[arg-type]
        return tuple(f.name for f in known if f.default is not MISSING and f.default is not None)

    @cached_property
    def _documents(self) -> tuple[str, ...]:
        hints = get_type_hints(self.noun)
        return tuple(name for name in self.columns if hints[name] == Mapping[str, object])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _spelling(hint: Any) -> Callable[[Any], Any] | None:
    """How values of a type become text or a number; None for what a database takes as it is."""
    kinds = {hint, *get_args(hint)}
    if Decimal in kinds:
        return _number_text
    if datetime in kinds:
        return _moment_text
    if bool in kinds:
        return int
    if hint == Mapping[str, object]:
        return document_text
    if any(isinstance(kind, type) and issubclass(kind, StrEnum) for kind in kinds):
        # SQLite would take it as text too, but asks twice what it is.
        return _ENUM_TEXT
    return None


_ENUM_TEXT = attrgetter("_value_")


def _moment_text(moment: datetime) -> str:
    # msgspec spells UTC as moment_text does, ten times sooner.
    return str(to_builtins(moment)) if moment.tzinfo is UTC else moment_text(moment)


def _number_text(number: Decimal) -> str:
    text = decimal_text(number)
    # Nothing may go in that would be refused when it is read; only long texts can be.
    if len(text) > 20:
        try:
            parse_decimal(text)
        except ValueError:
            raise BookError(
                f"a number with more than 20 digits before or after the point: {text:.60}",
                hint="Nothing was stored.",
            ) from None
    return text


def _spell_inside(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    text = plain(value)
    if text is value:
        raise TypeError(f"a {type(value).__name__} cannot stand in a document")
    return text


_ENCODE = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_spell_inside
).encode


def document_text(document: Mapping[str, object]) -> str:
    return _ENCODE(document) if document else "{}"


def _document(name: str, text: Any) -> Mapping[str, object]:
    try:
        document = json.loads(text)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name}: not a JSON document: {error}") from None
    if not isinstance(document, dict):
        raise ValueError(f"{name}: not a JSON object: {text!r:.40}")
    return document
