"""A snapshot file: its header at once, its rows a piece at a time, so that size costs no memory.

    with SnapshotFile(path) as file:
        file.header                          # a BrokerSnapshot without orders and executions
        for first, orders in file.orders():
            ...                              # orders[0] is `$.orders[first]`

The header comes from the whole document, in whatever order its keys are. That every row is sound is
known only when the rows have been read to their end.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeVar

import msgspec

from core.domain.snapshot import PARTS, BrokerSnapshot, Known, Part
from core.observe.snapshot_decode import Document
from core.observe.snapshot_flaw import broken
from core.observe.snapshot_nouns import (
    POSITION_MODES,
    balance_from,
    broker_execution_from,
    broker_order_from,
    broker_position_from,
    instrument_from,
    parts_from,
    quote_from,
    read_moment,
    read_name,
)
from core.observe.snapshot_wire import FORMAT, ROWS, SCALARS, WireExecution, WireOrder

Read = TypeVar("Read")
Noun = TypeVar("Noun")


class SnapshotFile:
    """One reading of a document; a BrokenDocument names the path inside it."""

    def __init__(self, source: bytes | Path | BinaryIO):
        self._document = Document(source)
        try:
            self.header = _header(self._document)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        self._document.close()

    def orders(self) -> Iterator[tuple[int, list[WireOrder]]]:
        """Lots of rows, each with the index of its first."""
        return self._document.pieces("orders", WireOrder)

    def executions(self) -> Iterator[tuple[int, list[WireExecution]]]:
        """Lots of rows, each with the index of its first."""
        return self._document.pieces("executions", WireExecution)


def read_snapshot(source: bytes | Path | BinaryIO) -> BrokerSnapshot:
    """The whole of a snapshot as nouns; for accounts of thousands of rows, not of millions."""
    with SnapshotFile(source) as file:
        return replace(
            file.header,
            orders=tuple(
                broker_order_from(wire, f"$.orders[{index}]")
                for first, rows in file.orders()
                for index, wire in enumerate(rows, first)
            ),
            executions=tuple(
                broker_execution_from(wire, f"$.executions[{index}]")
                for first, rows in file.executions()
                for index, wire in enumerate(rows, first)
            ),
        )


# --- the header --------------------------------------------------------------------------------


def _header(document: Document) -> BrokerSnapshot:
    _check_format(document)
    parts = parts_from(_scalar(document, "parts"))
    _check_arrays(document, parts)
    _check_ignored(document)
    positions = _nouns(document, "positions", broker_position_from, "symbol", "side")
    balances = _nouns(document, "balances", balance_from, "currency")
    instruments = _nouns(document, "instruments", instrument_from, "symbol")
    quotes = _nouns(document, "quotes", quote_from, "symbol")
    return BrokerSnapshot(
        account=_required(document, "account", read_name),
        broker=_required(document, "broker", read_name),
        taken_at=_required(document, "taken_at", read_moment),
        position_mode=_position_mode(document),
        parts=parts,
        read_only=bool(_scalar(document, "read_only")),
        executions_since=_optional(document, "executions_since", read_moment),
        positions=tuple(positions),
        balances=tuple(balances),
        instruments={each.symbol: each for each in instruments},
        quotes={each.symbol: each for each in quotes},
    )


def _check_format(document: Document) -> None:
    if (told := _scalar(document, "format")) != FORMAT:
        found = "missing" if told is None else f"{told!r:.60}"
        raise broken("$.format", f"{found}; this reads {FORMAT!r}")


def _check_arrays(document: Document, parts: dict[str, Part]) -> None:
    for name, row in ROWS.items():
        if document.is_array(name):
            continue
        document.whole(name, list[row] | None)  # type: ignore[valid-type]
        if name in PARTS and isinstance(parts[name], Known):
            raise broken(f"$.{name}", f"missing or null, though $.parts.{name} says known")


def _check_ignored(document: Document) -> None:
    """Keys that mean nothing here must still be JSON."""
    for name in document.names():
        if document.is_array(name):
            if name not in ROWS:
                for _ in document.pieces(name, msgspec.Raw):
                    pass
        elif name not in SCALARS:
            document.whole(name, msgspec.Raw)


def _scalar(document: Document, name: str) -> Any:
    return document.whole(name, SCALARS[name])


def _optional(document: Document, name: str, read: Callable[[str], Read]) -> Read | None:
    text = _scalar(document, name)
    if text is None:
        return None
    try:
        return read(text)
    except ValueError as error:
        raise broken(f"$.{name}", str(error)) from None


def _required(document: Document, name: str, read: Callable[[str], Read]) -> Read:
    if (value := _optional(document, name, read)) is None:
        raise broken(f"$.{name}", "missing")
    return value


def _position_mode(document: Document) -> str:
    mode = _optional(document, "position_mode", read_name) or POSITION_MODES[0]
    if mode not in POSITION_MODES:
        raise broken("$.position_mode", f"{mode!r:.40} is none of {', '.join(POSITION_MODES)}")
    return mode


def _nouns(
    document: Document, name: str, read: Callable[[Any, str], Noun], *key: str
) -> Iterator[Noun]:
    """Each item once: two of the same name would be two truths."""
    seen: set[tuple[Any, ...]] = set()
    for first, rows in document.pieces(name, ROWS[name]):
        for index, wire in enumerate(rows, first):
            noun = read(wire, f"$.{name}[{index}]")
            names = tuple(getattr(noun, field) for field in key)
            if names in seen:
                raise broken(f"$.{name}[{index}]", f"{' '.join(names)} is there twice")
            seen.add(names)
            yield noun
