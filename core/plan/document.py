"""JSON as it must be: bounded, without duplicate keys, without numbers that are none."""

import hashlib
import json
import re
from collections import Counter
from typing import Any, NoReturn

import msgspec

from core.domain.errors import BrokenDocument


def read_json(content: bytes, *, name: str, bytes_max: int) -> Any:
    """Decodes strictly; whatever a person could not have meant is a BrokenDocument."""
    if len(content) > bytes_max:
        raise BrokenDocument(f"{name} is larger than {bytes_max} bytes")
    try:
        document, as_written = _decoded(content)
        return document if as_written else _decoded_strictly(content)
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


def _decoded(content: bytes) -> tuple[Any, bool]:
    """The document, and whether it is byte for byte as `pretty` writes it.

    Then no key can be there twice and no number be written oddly, in a third of the time that it
    takes to look for them.
    """
    try:
        document = _DECODER.decode(content)
    except ValueError:
        return None, False  # the strict decoder says better what is wrong
    return document, b"\\u" not in content and content == pretty(document)


def _decoded_strictly(content: bytes) -> Any:
    document = json.loads(
        content.decode("utf-8"),
        object_pairs_hook=_unique,
        parse_float=_no_fraction,
        parse_constant=_no_constant,
    )
    if b"\\u0000" in content and _NUL.search(content):
        raise ValueError("it holds a NUL character")
    canonical(document)  # a ValueError for half of a surrogate pair, which only an escape can hide
    return document


# An even number of backslashes before it would make it plain text.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {twice!r:.60} appears twice")
    return document


def _no_fraction(text: str) -> NoReturn:
    raise ValueError(f"the number {text:.40} must be written as text, to keep every digit")


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


_DECODER = msgspec.json.Decoder(float_hook=_no_fraction)
