"""JSON as it must be: bounded, without duplicate keys, without numbers that are none."""

import hashlib
import json
import re
from collections import Counter
from typing import Any, NoReturn

import msgspec

from core.domain.errors import BrokenDocument

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_INTEGER_MAX = 2**63 - 1


def read_json(content: bytes, *, name: str, bytes_max: int) -> Any:
    """Decodes strictly; whatever a person could not have meant is a BrokenDocument.

    What it returns can be encoded again, byte for byte the same values.
    """
    if len(content) > bytes_max:
        raise BrokenDocument(f"{name} is larger than {bytes_max} bytes")
    try:
        document = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_int=_bounded_integer,
            parse_float=_no_fraction,
            parse_constant=_no_constant,
        )
        if b"\\u" in content:
            _check_escapes(content, document)
        return document
    except UnicodeDecodeError as error:
        raise BrokenDocument(f"{name} is not UTF-8: byte {error.start}") from None
    except RecursionError:
        raise BrokenDocument(f"{name} is nested too deeply") from None
    except ValueError as error:
        raise BrokenDocument(f"{name} is not valid JSON: {error}") from None


def canonical(document: Any) -> bytes:
    """One spelling of a document, for digests: keys sorted, no spaces."""
    return msgspec.json.encode(document, order="sorted")


def digest_of(document: Any) -> str:
    return "sha256:" + hashlib.sha256(canonical(document)).hexdigest()


def pretty(document: Any) -> bytes:
    """For files that a person opens."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _check_escapes(content: bytes, document: Any) -> None:
    """Escapes can say what raw UTF-8 cannot."""
    if b"\\u0000" in content and _NUL.search(content):
        raise ValueError("it holds a NUL character")
    canonical(document)  # a ValueError for half of a surrogate pair


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {twice!r:.60} appears twice")
    return document


def _bounded_integer(text: str) -> int:
    # Length first: turning digits into an integer takes time that grows with their square.
    if len(text) > 20 or not -_INTEGER_MAX <= (number := int(text)) <= _INTEGER_MAX:
        raise ValueError(f"the integer {text:.40} is too large")
    return number


def _no_fraction(text: str) -> NoReturn:
    raise ValueError(f"the number {text:.40} must be written as text, to keep every digit")


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")
