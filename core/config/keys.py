"""The configuration as a table of keys, read off the dataclasses of settings.py."""

import typing
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from core.config.settings import Settings

# A dataclass of settings.py.
Shape = Any


class Key(NamedTuple):
    """One key inside its section; `kind` is the type its value must have."""

    name: str
    kind: Any
    default: Any
    limits: Mapping[str, Any]

    @property
    def meaning(self) -> str:
        return str(self.limits["meaning"])


class Section(NamedTuple):
    """A group of keys; a named one stands once for every name, like the accounts."""

    name: str
    shape: Shape
    meaning: str
    named: bool
    # The names that a named section has when nobody writes any.
    names: tuple[str, ...] = ()


@cache
def keys_of(shape: Shape) -> Mapping[str, Key]:
    """The keys that stand directly in one dataclass, by name."""
    hints = typing.get_type_hints(shape)
    return MappingProxyType(
        {
            each.name: Key(
                name=each.name,
                kind=hints[each.name],
                default=each.default if each.default_factory is MISSING else each.default_factory(),
                limits=each.metadata,
            )
            for each in fields(shape)
            if not _is_section(hints[each.name])
        }
    )


@cache
def sections_of(shape: Shape) -> Mapping[str, Section]:
    """The sections of one dataclass, by name."""
    hints = typing.get_type_hints(shape)
    found = {}
    for each in fields(shape):
        hint = hints[each.name]
        if not _is_section(hint):
            continue
        named = not is_dataclass(hint)
        default = each.default_factory() if each.default_factory is not MISSING else {}
        found[each.name] = Section(
            name=each.name,
            shape=typing.get_args(hint)[1] if named else hint,
            meaning=str(each.metadata["meaning"]),
            named=named,
            names=tuple(default) if named else (),
        )
    return MappingProxyType(found)


def all_keys(names: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, Key]]:
    """Every key with its dotted path; `names` says which names each named section has."""
    yield from keys_of(Settings).items()
    for section in sections_of(Settings).values():
        prefixes = [section.name]
        if section.named:
            prefixes = [f"{section.name}.{name}" for name in names[section.name]]
        for prefix in prefixes:
            for key in keys_of(section.shape).values():
                yield f"{prefix}.{key.name}", key


def _is_section(hint: Any) -> bool:
    if is_dataclass(hint):
        return True
    return typing.get_origin(hint) is dict and is_dataclass(typing.get_args(hint)[1])
