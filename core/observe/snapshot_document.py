"""Writing the snapshot format: what `trueup snapshot` saves, readable and the same every time."""

from collections.abc import Iterable
from typing import Any

import msgspec

from core.domain.moment import moment_text
from core.domain.snapshot import PARTS, BrokerSnapshot, Known, Part, Partial
from core.domain.text import Row, to_row
from core.observe.snapshot_nouns import NOT_TOLD
from core.observe.snapshot_wire import FORMAT

INDENT = 1


def snapshot_document(snapshot: BrokerSnapshot) -> bytes:
    """Keys in the order of the format, numbers and times in their canonical spelling."""
    since = snapshot.executions_since
    return document_bytes(
        {
            "format": FORMAT,
            "taken_at": moment_text(snapshot.taken_at),
            "account": snapshot.account,
            "broker": snapshot.broker,
            "position_mode": snapshot.position_mode,
            # Told only where it is so, as with what orders allow.
            **({"read_only": True} if snapshot.read_only else {}),
            "parts": {name: part_row(snapshot.parts.get(name, NOT_TOLD)) for name in PARTS},
            "executions_since": moment_text(since) if since else None,
            "orders": [order_row(to_row(each)) for each in snapshot.orders],
            "executions": [execution_row(to_row(each)) for each in snapshot.executions],
            "positions": [position_row(to_row(each)) for each in snapshot.positions],
            "balances": _rows(snapshot.balances),
            "instruments": _rows(snapshot.instruments.values()),
            "quotes": _rows(snapshot.quotes.values()),
        }
    )


def document_bytes(document: Row) -> bytes:
    """One JSON object laid out for reading."""
    return msgspec.json.format(msgspec.json.encode(document), indent=INDENT) + b"\n"


def part_row(part: Part) -> str | dict[str, str]:
    if isinstance(part, Known):
        return "known"
    return {"partial" if isinstance(part, Partial) else "unavailable": part.why}


_SELDOM = frozenset({"allows", "expires_at"})


def order_row(row: Row) -> Row:
    """Limits of an order are told only where it has them."""
    return {name: value for name, value in row.items() if name not in _SELDOM or value is not None}


def execution_row(row: Row) -> Row:
    """`corrects` is told only where the broker said so."""
    return {name: value for name, value in row.items() if name != "corrects" or value is not None}


def position_row(row: Row) -> Row:
    """`fees_in_average` is told only where it is so."""
    return {name: value for name, value in row.items() if name != "fees_in_average" or value}


def _rows(nouns: Iterable[Any]) -> list[Row]:
    return [to_row(noun) for noun in nouns]
