"""What arrives from outside before anybody has believed a word of it."""

from dataclasses import dataclass

from core.domain.signal import Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One message as it came."""

    raw: bytes
    # spool, queue, submit, api
    source: str
    # Where a person would look for it: the file and line, or the queue and its message.
    place: str
    # Told beside the message; what the message says itself goes before it.
    trace_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is taken in together; the cursor moves in the same transaction."""

    items: tuple[Item, ...]
    cursor: Cursor | None = None
