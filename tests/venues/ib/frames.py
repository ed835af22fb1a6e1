"""Frames of the TWS socket protocol: a 4-byte big-endian length, then NUL-terminated text fields.

Both directions use the same frame. Only the very first bytes of a client differ: the literal
`API` and a NUL, before its first frame.
"""

from __future__ import annotations

from asyncio import IncompleteReadError, StreamReader
from decimal import Decimal
from typing import TypeAlias

Message: TypeAlias = tuple[str, ...]

PREAMBLE = b"API\0"
LENGTH_BYTES = 4
FRAME_BYTES_MAX = 16 * 1024 * 1024

# How the protocol writes "no value": the largest double and the largest 32-bit integer.
UNSET = "1.7976931348623157E308"
UNSET_INTEGER = "2147483647"


class NotSpokenHere(Exception):
    """The peer sent something that is not this protocol, or a part of it that is not emulated."""


def message(*values: object) -> Message:
    """A message of the given values, each already written as the wire writes it."""
    return tuple(text(value) for value in values)


def text(value: object) -> str:
    """One field: booleans as digits, decimals without exponent, nothing as the empty field."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (int, str)):
        return str(value)
    raise TypeError(f"no wire form for {value!r}")


def frame(fields: Message) -> bytes:
    """The bytes of one message."""
    body = "".join(f"{field}\0" for field in fields).encode()
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def fields_of(body: bytes) -> Message:
    """The fields of one frame's body; a body without its closing NUL is not ours."""
    if not body.endswith(b"\0"):
        raise NotSpokenHere(f"frame does not end in NUL: {body[-20:]!r}")
    return tuple(body[:-1].decode().split("\0"))


async def read_preamble(reader: StreamReader) -> str:
    """The range of versions that the client offers, such as `v157..176`."""
    opening = await reader.readexactly(len(PREAMBLE))
    if opening != PREAMBLE:
        raise NotSpokenHere(f"a client opens with {PREAMBLE!r}, this one with {opening!r}")
    # The version range is the one frame of the protocol whose body has no NUL.
    return (await read_body(reader)).decode().rstrip("\0")


async def read_message(reader: StreamReader) -> Message | None:
    """The next message, or None once the peer is gone; a killed peer may leave half a frame."""
    try:
        return fields_of(await read_body(reader))
    except (IncompleteReadError, ConnectionError):
        return None


async def read_body(reader: StreamReader) -> bytes:
    """The body of the next frame."""
    length = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
    if length > FRAME_BYTES_MAX:
        raise NotSpokenHere(f"a frame of {length} bytes")
    return await reader.readexactly(length)
