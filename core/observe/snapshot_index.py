"""Where each top-level value of a snapshot lies, found without parsing the rows in between.

Long arrays are cut into pieces that can be read one at a time. Windows without brackets or
backslashes, which is nearly all of them, are searched at memory speed; the others token by token.
A cut is only proposed here: it is proved when the piece on either side of it parses.
"""

import io
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from core.observe.snapshot_flaw import Flaw

# A lot of rows that stays in the processor's cache while it is cut and parsed.
WINDOW_BYTES = 1 << 17
ITEM_BYTES_MAX = 16 << 20
DEPTH_MAX = 200
KEYS_MAX = 1000
CANDIDATES_MAX = 4

_SPACE = b" \t\n\r"
_KEY = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_SCALAR = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[^\s,\]}"\[{]+', re.DOTALL)
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+("|\\?\Z)|[{}\[\],]', re.DOTALL)
_BETWEEN_ROWS = re.compile(rb"\}\s*(,)\s*\Z")

Span = tuple[int, int]


class Source:
    """A document's bytes, wherever they are, read from any place."""

    def __init__(self, source: bytes | Path | BinaryIO):
        self._owned = not hasattr(source, "read")
        self._file = _opened(source)
        if not self._file.seekable():
            self._file = io.BytesIO(self._file.read())
        self.size = self._file.seek(0, os.SEEK_END)

    def read(self, start: int, size: int) -> bytes:
        self._file.seek(start)
        return self._file.read(size)

    def close(self) -> None:
        """Leaves a file that was handed over open."""
        if self._owned:
            self._file.close()


def _opened(source: bytes | Path | BinaryIO) -> BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    return source.open("rb") if isinstance(source, Path) else source


@dataclass(frozen=True, slots=True)
class Value:
    """From its first byte to past its last; an array's items in spans of about one window each."""

    start: int
    end: int
    pieces: tuple[Span, ...] = ()


def index_of(source: Source) -> Mapping[str, Value]:
    """Every top-level key with its value's place; a Flaw names the byte that is out of order."""
    return _Indexing(source).run()


class _Indexing:
    def __init__(self, source: Source):
        self._source = source
        self._at = 0

    def run(self) -> dict[str, Value]:
        values: dict[str, Value] = {}
        self._expect(b"{")
        if self._peek() == b"}":
            self._at += 1
        else:
            while True:
                key_at, key = self._at, self._key()
                if key in values:
                    raise Flaw(key_at, f"the key {key!r:.60} is there twice")
                if len(values) == KEYS_MAX:
                    raise Flaw(key_at, f"more than {KEYS_MAX} keys")
                self._expect(b":")
                values[key] = self._value()
                if self._peek() == b"}":
                    self._at += 1
                    break
                self._expect(b",")
                self._peek()
        if self._peek():
            raise Flaw(self._at, "something follows the end of the document")
        return values

    def _peek(self) -> bytes:
        """The next byte that is not white space, which `_at` then stands on; empty at the end."""
        while window := self._source.read(self._at, 4096):
            text = window.lstrip(_SPACE)
            self._at += len(window) - len(text)
            if text:
                return text[:1]
        return b""

    def _expect(self, mark: bytes) -> None:
        if (found := self._peek()) != mark:
            wanted = mark.decode()
            raise Flaw(self._at, f"expected {wanted!r}" if found else f"ends before {wanted!r}")
        self._at += 1

    def _key(self) -> str:
        key = _KEY.match(self._source.read(self._at, 4096))
        if not key:
            raise Flaw(self._at, "expected a key")
        try:
            # Decoded, so that one name spelt in two ways is still there twice.
            name = msgspec.json.decode(key[0], type=str)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Flaw(self._at, "a key that is not text") from None
        self._at += key.end()
        return name

    def _value(self) -> Value:
        opening, start = self._peek(), self._at
        if opening == b"[":
            self._at += 1
            pieces = self._items()
            return Value(start, self._at, tuple(pieces))
        if opening == b"{":
            self._at += 1
            self._close(start)
        else:
            scalar = _SCALAR.match(self._source.read(start, WINDOW_BYTES))
            if not scalar:
                raise Flaw(start, "expected a value")
            self._at += scalar.end()
        return Value(start, self._at)

    def _close(self, start: int) -> None:
        """Moves past the end of the object whose inside begins here."""
        depth, size = 1, WINDOW_BYTES
        while depth:
            window = self._source.read(self._at, size)
            walk = _walk(window, depth)
            self._at += walk.end
            depth = walk.depth
            if self._at - start > ITEM_BYTES_MAX:
                raise Flaw(start, f"larger than {ITEM_BYTES_MAX >> 20} MiB")
            if depth and len(window) < size:
                raise Flaw(self._source.size, "the document ends early")
            if depth and not walk.end:
                raise Flaw(self._at, "a text longer than a window")
            if depth > DEPTH_MAX:
                raise Flaw(self._at, "nested too deeply")
        if self._source.read(self._at - 1, 1) != b"}":
            raise Flaw(self._at - 1, "expected '}'")

    def _items(self) -> list[Span]:
        """Moves past the array's end; the spans leave out the commas between them."""
        pieces: list[Span] = []
        size = WINDOW_BYTES
        while True:
            self._peek()
            window = self._source.read(self._at, size)
            cut = _fast_cut(window) or _slow_cut(window)
            if cut is None and len(window) < size:
                raise Flaw(self._source.size, "the document ends early")
            if cut is None and size >= ITEM_BYTES_MAX:
                raise Flaw(self._at, f"an item larger than {ITEM_BYTES_MAX >> 20} MiB")
            if cut is None:
                size = min(size * 4, ITEM_BYTES_MAX)
                continue
            length, closing = cut
            if closing and window[length : length + 1] != b"]":
                raise Flaw(self._at + length, "expected ']'")
            if length:
                pieces.append((self._at, self._at + length))
            elif pieces or not closing:
                raise Flaw(self._at, "expected an item")
            self._at += length + 1
            size = WINDOW_BYTES
            if closing:
                return pieces


# A cut is the length of the items before a comma or closing bracket, and whether it is the bracket.
Cut = tuple[int, bool]


def _fast_cut(window: bytes) -> Cut | None:
    """None when only a look at every token can tell."""
    closing = window.find(b"]")
    reach = len(window) if closing < 0 else closing
    if window.find(b"[", 0, reach) >= 0 or window.find(b"\\", 0, reach) >= 0:
        return None
    if closing >= 0:
        return (closing, True) if _outside_text(window, closing) else None
    opening = len(window)
    for _ in range(CANDIDATES_MAX):
        opening = max(window.rfind(b"{", 0, opening), 0)
        between = _BETWEEN_ROWS.search(window, max(opening - 64, 0), opening)
        if between and _outside_text(window, between.start(1)):
            return between.start(1), False
    return None


def _outside_text(window: bytes, position: int) -> bool:
    """Quotes pair up from the start; without backslashes a word in quotes is a nearer start."""
    anchor = max(window.rfind(b'"symbol"', 0, position), 0)
    return window.count(b'"', anchor, position) % 2 == 0


def _slow_cut(window: bytes) -> Cut | None:
    """None when the window holds no whole item."""
    walk = _walk(window, 1)
    if walk.depth == 0:
        return walk.end - 1, True
    return None if walk.last_comma < 0 else (walk.last_comma, False)


@dataclass(frozen=True, slots=True)
class _Walk:
    """How deep the window's end lies, where it stands, and the last comma at the first level."""

    depth: int
    end: int
    last_comma: int


def _walk(window: bytes, depth: int) -> _Walk:
    level, last_comma = depth, -1
    for token in _TOKEN.finditer(window):
        mark = window[token.start()]
        if mark in b"{[":
            depth += 1
        elif mark in b"}]":
            depth -= 1
            if depth == 0:
                return _Walk(depth, token.end(), last_comma)
        elif mark == 0x2C:
            last_comma = token.start() if depth == level else last_comma
        elif token[1] != b'"':
            # A text that the window cuts off: the next one begins with it.
            return _Walk(depth, token.start(), last_comma)
    return _Walk(depth, len(window), last_comma)
