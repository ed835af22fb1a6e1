"""What is wrong with a document, and where: bytes turned into paths such as `$.orders[3].price`.

msgspec checks syntax and types. It lets some things pass that a document from outside must not
carry: they are looked for here, before any value is believed.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from core.domain.errors import BrokenDocument

# Full strictness costs about 40 ms per MiB, so it is for documents that a hand may have edited.
# Larger ones are written by programs; of those only the top level is searched for duplicate keys.
STRICT_BYTES_MAX = 1 << 20
PATH_DEPTH_MAX = 20
DIGITS_MAX = 40

_TOKEN = re.compile(rb'"((?:[^"\\]++|\\.)*+)(?:"|\\?\Z)|([{}\[\]:,])', re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)


class Flaw(Exception):
    """Something wrong at a byte of the document, before it is known where that byte lies."""

    def __init__(self, offset: int, reason: str):
        super().__init__(reason)
        self.offset = offset
        self.reason = reason


def broken(path: str, reason: str) -> BrokenDocument:
    return BrokenDocument(f"{path}: {reason}")


def located(
    flaw: Flaw, content: bytes, *, start: int = 0, path: str = "$", first: int | None = None
) -> BrokenDocument:
    """`content` begins at byte `start` of the document, inside `path` or at its item `first`."""
    where = path_at(content, flaw.offset - start, path=path, first=first)
    if start:
        return broken(where, f"{flaw.reason} (byte {flaw.offset})")
    line = content.count(b"\n", 0, flaw.offset) + 1
    return broken(where, f"{flaw.reason} (line {line}, byte {flaw.offset})")


def path_at(content: bytes, offset: int, *, path: str = "$", first: int | None = None) -> str:
    """The path of the value that byte `offset` belongs to.

    With `first` the content begins with a bracket of its own, before the item of that index.
    """
    # One entry per open container: an index for an array, a key (None until read) for an object.
    places: list[int | str | None] = [] if first is None else [first]
    begin = len(places)
    last_text = ""
    for token in _TOKEN.finditer(content, begin, max(offset, begin)):
        if token[2] is None:
            last_text = token[1].decode("utf-8", "replace")
            continue
        _step(places, token[2], last_text)
    shown = "".join(_segment(place) for place in places[:PATH_DEPTH_MAX])
    return path + shown + ("…" if len(places) > PATH_DEPTH_MAX else "")


def _step(places: list[int | str | None], mark: bytes, last_text: str) -> None:
    if mark == b"{":
        places.append(None)
    elif mark == b"[":
        places.append(0)
    elif mark in b"}]" and places:
        places.pop()
    elif mark == b":" and places and not isinstance(places[-1], int):
        places[-1] = last_text
    elif mark == b"," and places:
        places[-1] = places[-1] + 1 if isinstance(places[-1], int) else None


def _segment(place: int | str | None) -> str:
    if place is None:
        return ""
    return f"[{place}]" if isinstance(place, int) else f".{place:.60}"


# --- text --------------------------------------------------------------------------------------


def check_text(content: bytes, start: int = 0) -> None:
    """UTF-8 throughout, and no escape for a NUL or for half a surrogate pair."""
    if not content.isascii():
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Flaw(start + error.start, "invalid UTF-8") from None
    if b"\\" in content:
        _check_escapes(content, start)


def _check_escapes(content: bytes, start: int) -> None:
    high_ends_at = -1
    for escape in _ESCAPE.finditer(content):
        code = int(escape[1], 16) if escape[1] else -1
        if code == 0:
            raise Flaw(start + escape.start(), "a NUL character")
        completes = high_ends_at == escape.start() and 0xDC00 <= code <= 0xDFFF
        if not completes and (high_ends_at >= 0 or 0xDC00 <= code <= 0xDFFF):
            raise Flaw(start + escape.start(), "half of a surrogate pair")
        high_ends_at = escape.end() if 0xD800 <= code <= 0xDBFF else -1
    if high_ends_at >= 0:
        raise Flaw(start + high_ends_at, "half of a surrogate pair")


# --- small documents ---------------------------------------------------------------------------


class _Fault:
    """Stands in the parsed tree for something that must not be there."""

    def __init__(self, reason: str):
        self.reason = reason


def check_strictly(content: bytes) -> None:
    """No duplicate key, no number out of range, no NaN anywhere, ignored fields included."""
    faults: list[_Fault] = []

    def fault(reason: str) -> _Fault:
        faults.append(_Fault(reason))
        return faults[-1]

    def pairs(items: list[tuple[str, Any]]) -> Any:
        if len(found := dict(items)) == len(items):
            return found
        twice, _ = Counter(name for name, _ in items).most_common(1)[0]
        return fault(f"the key {twice!r:.60} is there twice")

    def number(text: str) -> Any:
        if len(text) <= DIGITS_MAX and abs(float(text)) < 2**63:
            return None
        return fault(f"a number out of range: {text:.40}")

    try:
        tree = json.loads(
            content.decode(),
            object_pairs_hook=pairs,
            parse_float=number,
            parse_int=number,
            parse_constant=lambda word: fault(f"{word} is not a number"),
        )
        found = next(_faults(tree, "$")) if faults else None
    except json.JSONDecodeError as error:
        raise Flaw(len(error.doc[: error.pos].encode()), error.msg) from None
    except RecursionError:
        raise broken("$", "nested too deeply") from None
    if found:
        raise broken(found[0], found[1].reason)


def _faults(tree: Any, path: str) -> Iterator[tuple[str, _Fault]]:
    if isinstance(tree, _Fault):
        yield path, tree
    elif isinstance(tree, dict):
        for name, value in tree.items():
            yield from _faults(value, f"{path}.{name:.60}")
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _faults(value, f"{path}[{index}]")
