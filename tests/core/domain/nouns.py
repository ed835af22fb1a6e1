"""Every noun that can be a row, and any value that such a row may hold."""

import importlib
import pkgutil
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from hypothesis import strategies as st

import core.domain

# Anything that JSON and UTF-8 can carry, which leaves out halves of surrogate pairs.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
decimals = st.decimals("-1e20", "1e20", places=12).filter(lambda value: abs(value) < 10**20)
moments = st.datetimes(timezones=st.just(UTC))
objects = st.dictionaries(texts, st.none() | st.booleans() | texts, max_size=3)
integers = st.integers(-(2**63), 2**63 - 1)

_SIMPLE: Mapping[Any, st.SearchStrategy[Any]] = {
    str: texts,
    bool: st.booleans(),
    int: integers,
    Decimal: decimals,
    datetime: moments,
    types.NoneType: st.none(),
}


def kinds_of(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)


def any_of(noun: type[Any]) -> st.SearchStrategy[Any]:
    """Nouns with every field anything that its type allows."""
    hints = typing.get_type_hints(noun)
    return st.builds(noun, **{field.name: _values(hints[field.name]) for field in fields(noun)})


def _values(hint: Any) -> st.SearchStrategy[Any]:
    return st.one_of([_simple(kind) for kind in kinds_of(hint)])


def _simple(kind: Any) -> st.SearchStrategy[Any]:
    if typing.get_origin(kind) is Mapping:
        return objects
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return st.sampled_from(kind)
    return _SIMPLE[kind]


def required(noun: type[Any]) -> list[str]:
    return [
        field.name
        for field in fields(noun)
        if field.default is MISSING and field.default_factory is MISSING
    ]


def _nouns() -> Iterator[type[Any]]:
    for found in pkgutil.iter_modules(core.domain.__path__):
        module = importlib.import_module(f"core.domain.{found.name}")
        for value in vars(module).values():
            if is_dataclass(value) and getattr(value, "__module__", None) == module.__name__:
                assert isinstance(value, type)
                yield value


def _is_row(noun: type[Any]) -> bool:
    """Whether each of its fields is text, a figure, a moment, a word or an object of those."""
    kinds = [kind for hint in typing.get_type_hints(noun).values() for kind in kinds_of(hint)]
    return bool(kinds) and all(
        kind in _SIMPLE
        or kind == Mapping[str, object]
        or (isinstance(kind, type) and issubclass(kind, StrEnum))
        for kind in kinds
    )


ROWS = [noun for noun in _nouns() if _is_row(noun)]
