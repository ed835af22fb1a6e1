"""A document opened for reading: values as a whole, long arrays a piece at a time."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from core.domain.errors import BrokenDocument
from core.observe.snapshot_flaw import (
    STRICT_BYTES_MAX,
    Flaw,
    broken,
    check_strictly,
    check_text,
    located,
)
from core.observe.snapshot_index import ITEM_BYTES_MAX, Source, Value, index_of

_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_AT_BYTE = re.compile(r" \(byte (\d+)\)$")
_AT_PATH = re.compile(r" - at `\$(?:\[(\d+)\])?(.*)`$")


class Document:
    """The top-level values of one JSON object."""

    def __init__(self, source: bytes | Path | BinaryIO):
        try:
            self._source = Source(source)
        except OSError as error:
            raise BrokenDocument(f"cannot be read: {error}") from error
        try:
            self._values = self._checked_index()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._source.close()

    def names(self) -> tuple[str, ...]:
        return tuple(self._values)

    def whole(self, name: str, kind: Any) -> Any:
        """The value decoded, or None when the key is missing."""
        if (value := self._values.get(name)) is None:
            return None
        if value.end - value.start > ITEM_BYTES_MAX:
            raise broken(f"$.{name}", f"larger than {ITEM_BYTES_MAX >> 20} MiB")
        content = self._source.read(value.start, value.end - value.start)
        return _decoded(kind, content, f"$.{name:.60}", start=value.start)

    def pieces(self, name: str, kind: Any) -> Iterator[tuple[int, list[Any]]]:
        """Items of an array, and the index of the first of each lot."""
        first = 0
        for start, end in self._values[name].pieces if name in self._values else ():
            content = b"[" + self._source.read(start, end - start) + b"]"
            items = _decoded(list[kind], content, f"$.{name:.60}", start=start - 1, first=first)
            yield first, items
            first += len(items)

    def is_array(self, name: str) -> bool:
        return name in self._values and self._source.read(self._values[name].start, 1) == b"["

    def _checked_index(self) -> Mapping[str, Value]:
        if self._source.read(0, 3).startswith(_ORDER_MARKS):
            raise broken("$", "begins with a byte order mark; plain UTF-8 is wanted")
        small = self._source.size <= STRICT_BYTES_MAX
        content = self._source.read(0, STRICT_BYTES_MAX) if small else b""
        try:
            if small:
                check_text(content)
                check_strictly(content)
            return index_of(self._source)
        except Flaw as flaw:
            if small:
                raise located(flaw, content) from None
            raise broken("$", f"{flaw.reason} (byte {flaw.offset})") from None


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _decoded(kind: Any, content: bytes, path: str, *, start: int, first: int | None = None) -> Any:
    """`first` is given when the content is an array of items that begins at that index."""
    try:
        check_text(content, start)
        return _decoder(kind).decode(content)
    except Flaw as flaw:
        raise located(flaw, content, start=start, path=path, first=first) from None
    except msgspec.ValidationError as error:
        raise _mistyped(str(error), path, first) from None
    except msgspec.DecodeError as error:
        malformed = _malformed(str(error), start, len(content))
        raise located(malformed, content, start=start, path=path, first=first) from None
    except RecursionError:
        raise broken(path, "nested too deeply") from None


def _mistyped(message: str, path: str, first: int | None) -> BrokenDocument:
    if not (place := _AT_PATH.search(message)):
        return broken(path, message)
    index = "" if place[1] is None else f"[{int(place[1]) + (first or 0)}]"
    return broken(f"{path}{index}{place[2]}", message[: place.start()])


def _malformed(message: str, start: int, length: int) -> Flaw:
    if place := _AT_BYTE.search(message):
        return Flaw(start + int(place[1]), message[: place.start()])
    return Flaw(start + length, message)
