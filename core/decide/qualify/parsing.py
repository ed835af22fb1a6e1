"""The JSON of a stranger: bounded, without duplicate keys, every number as it was written."""

import json
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from core.domain.text import printable

BYTES_MAX = 64 * 1024
DEPTH_MAX = 20
_NUMBER_LENGTH_MAX = 40
_NUMBER_END = 2**63
_NUMBER_DIGITS_MAX = 20
_REASONS_MAX = 50
_SHOWN_MAX = 60


@dataclass(frozen=True, slots=True)
class Flawed:
    """Stands in the document for something that cannot be believed; its reason is told already."""

    reason: str


class _Twice(dict[str, Any]):
    """An object in which a key appeared twice."""

    twice: str


def parse(raw: bytes) -> tuple[dict[str, Any] | None, list[str]]:
    """The object, with Flawed where a value is wrong, and everything that is wrong with it."""
    try:
        document = _decoded(raw)
    except ValueError as error:
        return None, [str(error)]
    if not isinstance(document, dict):
        return None, [f"expected one JSON object, not {kind_of(document)}"]
    if depth_of(document) > DEPTH_MAX:
        return None, [f"nested deeper than {DEPTH_MAX}"]
    reasons: list[str] = []
    checked = _checked(document, "", reasons)
    return checked, _shortened(reasons)


def _decoded(raw: bytes) -> Any:
    if len(raw) > BYTES_MAX:
        raise ValueError(f"larger than {BYTES_MAX // 1024} KiB")
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("begins with a byte order mark; plain UTF-8 is wanted")
    try:
        return _DECODER.decode(raw.decode())
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not valid JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise ValueError(f"nested deeper than {DEPTH_MAX}") from None


def _shortened(reasons: list[str]) -> list[str]:
    if len(reasons) <= _REASONS_MAX:
        return reasons
    return [*reasons[:_REASONS_MAX], f"and {len(reasons) - _REASONS_MAX} more of the kind"]


# --- values -----------------------------------------------------------------------------------


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    marked = _Twice(found)
    marked.twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
    return marked


def _whole(text: str) -> int | Flawed:
    # Reading thousands of digits as an integer takes seconds.
    if len(text) <= _NUMBER_DIGITS_MAX and -_NUMBER_END <= (value := int(text)) < _NUMBER_END:
        return value
    return _out_of_range(text)


def _fraction(text: str) -> Decimal | Flawed:
    if len(text) > _NUMBER_LENGTH_MAX:
        return _out_of_range(text)
    try:
        value = Decimal(text)
    except InvalidOperation:
        return _out_of_range(text)
    if value.adjusted() >= _NUMBER_DIGITS_MAX or value.copy_abs() >= _NUMBER_END:
        return _out_of_range(text)
    return value


def _out_of_range(text: str) -> Flawed:
    return Flawed(f"a number out of range: {text:.40}")


def _no_number(text: str) -> Flawed:
    return Flawed(f"{text} is not a number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_whole, parse_float=_fraction, parse_constant=_no_number
)


# --- the whole document -------------------------------------------------------------------------


def depth_of(document: Any) -> int:
    """Without recursion: whoever nests deeply wants us to recurse."""
    depth, level = 0, [document]
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        level = [
            inner for each in level for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return depth


def _checked(value: Any, path: str, reasons: list[str]) -> Any:
    """The same value; what is wrong in it is told once, with its place."""
    match value:
        case Flawed(reason):
            reasons.append(f"{path}: {reason}")
        case dict():
            return _checked_object(value, path, reasons)
        case list():
            return [_checked(each, f"{path}[{at}]", reasons) for at, each in enumerate(value)]
        case str() if wrong := _wrong_in(value):
            reasons.append(f"{path}: {wrong}")
            return Flawed(wrong)
    return value


def _checked_object(value: dict[str, Any], path: str, reasons: list[str]) -> dict[str, Any]:
    if isinstance(value, _Twice):
        reasons.append(f"{_below(path, value.twice)}: the key appears twice")
    checked = {}
    for key, each in value.items():
        if (wrong := _wrong_in(key)) is not None:
            reasons.append(f"{_below(path, key)}: the key has {wrong}")
        else:
            checked[key] = _checked(each, _below(path, key), reasons)
    return checked


def _wrong_in(text: str) -> str | None:
    if "\0" in text:
        return "a NUL character"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "half of a surrogate pair"
    return None


def _below(path: str, key: str) -> str:
    name = printable(key[:_SHOWN_MAX])
    return f"{path}.{name}" if path else name


def kind_of(value: Any) -> str:
    """What somebody who writes JSON would call it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case list():
            return "a list"
        case dict():
            return "an object"
    return "a number"
