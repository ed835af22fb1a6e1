"""Text from outside made safe for a screen: nothing in it acts, nothing in it hides."""

import unicodedata


def safe(text: object) -> str:
    """Control, bidi, zero-width and other unseen characters become visible escapes.

    What str.isprintable() refuses is exactly that, and every space but the plain one.
    """
    string = str(text)
    if string.isprintable():
        return string
    return "".join(char if char.isprintable() else _escape(char) for char in string)


def width(text: str) -> int:
    """The number of columns that a terminal gives to a safe text."""
    if text.isascii():
        return len(text)
    return sum(_columns(char) for char in text)


def _escape(char: str) -> str:
    point = ord(char)
    if point < 0x20:
        return _NAMED.get(char) or f"\\x{point:02x}"
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
