"""Nouns as rows of plain text and back: the one spelling shared by book, files and screens."""

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from core.domain.moment import moment_text, parse_moment
from core.domain.money import decimal_text, parse_decimal

Row = dict[str, Any]
T = TypeVar("T")


# --- writing ----------------------------------------------------------------------------------


def to_row(noun: Any) -> Row:
    """Field by field, ready for JSON or a database column (booleans stay booleans)."""
    return {
        name: value if type(value := getattr(noun, name)) in _PLAIN else plain(value)
        for name in _names(type(noun))
    }


def plain(value: Any) -> Any:
    """One value in its canonical spelling."""
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, str):
        return str(value)  # a word of one of our lists, as bare text
    if isinstance(value, datetime):
        # msgspec spells UTC as moment_text does, ten times sooner.
        return msgspec.to_builtins(value) if value.tzinfo is UTC else moment_text(value)
    return value


_PLAIN = frozenset({str, bool, int, types.NoneType})


def differing(before: Any, after: Any) -> tuple[str, ...]:
    """The names of the fields in which two nouns of one type differ."""
    names = _names(type(before))
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))


def _names(noun: type[Any]) -> tuple[str, ...]:
    if noun not in _NAMES:
        _NAMES[noun] = tuple(field.name for field in fields(noun))
    return _NAMES[noun]


# Reflection happens once per class: a plan may hold 100,000 nouns of the same one.
_NAMES: dict[type[Any], tuple[str, ...]] = {}


# --- reading ----------------------------------------------------------------------------------

_Readers = tuple[tuple[str, Callable[[Any], Any]], ...]


def from_row(noun: type[T], row: Mapping[str, Any]) -> T:
    """Builds the noun from text; a ValueError names the field. Unknown fields are ignored."""
    values = dict(row)
    for name, read in _strict_readers(noun):
        value = values.get(name)
        if value is not None:
            try:
                values[name] = read(value)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
    try:
        return msgspec.convert(values, noun)
    except msgspec.ValidationError as error:
        raise ValueError(_field_first(str(error))) from None


def _strict_readers(noun: type[Any]) -> _Readers:
    """For the fields that msgspec by itself would read too freely, or not at all."""
    if noun not in _READERS:
        _READERS[noun] = tuple(
            (name, _STRICT[kind])
            for name, hint in typing.get_type_hints(noun).items()
            for kind in _kinds(hint)
            if kind in _STRICT
        )
    return _READERS[noun]


_READERS: dict[type[Any], _Readers] = {}


def _kinds(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)


def _read_decimal(value: Any) -> Decimal:
    if not isinstance(value, str):
        raise ValueError(f"expected a decimal as text, got {type(value).__name__}")
    return _remembered_decimal(value)


# Quantities, fees and round prices repeat, and reading them costs most.
_remembered_decimal = lru_cache(8192)(parse_decimal)


def _read_bit(value: Any) -> Any:
    # SQLite has no booleans: 0 and 1 come back from the book.
    return value == 1 if type(value) is int and value in (0, 1) else value


def _read_integer(value: Any) -> Any:
    if type(value) is int and not -_INTEGER_END <= value < _INTEGER_END:
        raise ValueError("does not fit into 64 bits")
    return value


_INTEGER_END = 2**63  # what SQLite can hold ends before it
_STRICT: Mapping[Any, Callable[[Any], Any]] = {
    Decimal: _read_decimal,
    datetime: parse_moment,
    bool: _read_bit,
    int: _read_integer,
}


def _field_first(objection: str) -> str:
    why, found, place = objection.rpartition(" - at `$.")
    if found:
        return f"{place[:-1]}: {why:.200}"
    return f"{objection.split('`')[1]}: missing"


# --- showing ----------------------------------------------------------------------------------


def printable(text: str) -> str:
    """Text from outside, with every control, bidi and line-breaking character made visible."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
