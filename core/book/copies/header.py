"""The first hundred bytes of a database file: enough to say in plain words what it is not."""

from pathlib import Path

_MAGIC = b"SQLite format 3\x00"
_PAGE_SIZES = frozenset(1 << n for n in range(9, 17))


class BadHeader(Exception):
    """The file is no whole SQLite database, and why."""


def check_header(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(100)
    if not header:
        raise BadHeader("it is empty")
    if not header.startswith(_MAGIC) or len(header) < 100:
        raise BadHeader("it is not a SQLite database")
    page_size = _number(header, 16, 2)
    # 65536 does not fit into two bytes and is written as 1.
    page_size = 65536 if page_size == 1 else page_size
    if page_size not in _PAGE_SIZES or header[20:24] != b"\x00\x40\x20\x20":
        raise BadHeader("its header is not one that trueup writes")
    _check_length(header, size, page_size)


def _check_length(header: bytes, size: int, page_size: int) -> None:
    pages = _number(header, 28, 4)
    # The page count is only kept by programs that also keep the change counter there.
    if _number(header, 24, 4) == _number(header, 92, 4) and pages * page_size != size:
        how = "truncated" if size < pages * page_size else "longer than its header says"
        raise BadHeader(f"it is {how}: {pages * page_size} bytes by its header, {size} on disk")
    if size % page_size:
        raise BadHeader(f"it is torn: {size} bytes are no whole number of {page_size}-byte pages")


def _number(header: bytes, start: int, length: int) -> int:
    return int.from_bytes(header[start : start + length], "big")
