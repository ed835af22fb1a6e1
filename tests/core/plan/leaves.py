"""Every place of a document, and the same document with another value there."""

from collections.abc import Iterator
from copy import copy
from typing import Any

Place = tuple[str | int, ...]


def places(document: Any, place: Place = ()) -> Iterator[Place]:
    """Of every value inside, containers included."""
    inside: Any = ()
    if isinstance(document, dict):
        inside = document.items()
    elif isinstance(document, list):
        inside = enumerate(document)
    for name, value in inside:
        yield (*place, name)
        yield from places(value, (*place, name))


def at(document: Any, place: Place) -> Any:
    for name in place:
        document = document[name]
    return document


def with_value(document: Any, place: Place, value: Any) -> Any:
    """A copy along the way to the place; the rest is shared with the original."""
    if not place:
        return value
    changed = copy(document)
    changed[place[0]] = with_value(document[place[0]] if place[1:] else None, place[1:], value)
    return changed


def without(document: Any, place: Place) -> Any:
    holder = copy(at(document, place[:-1]))
    del holder[place[-1]]
    return with_value(document, place[:-1], holder)


def shown(place: Place) -> str:
    return ".".join(str(name) for name in place)
