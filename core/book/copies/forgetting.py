"""What a restored book has forgotten: actions applied since its backup was taken.

The copy of the journal outside the book remembers them. Its last line may be torn, and a line more
or less changes nothing for the others.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from core.book.copies.deadline import Deadline
from core.domain.backup import Forgotten, ForgottenAction

SHOWN_MAX = 200
_LINE_BYTES_MAX = 64 * 1024
_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_FIELDS = ("plan_id", "action_id", "kind", "account", "symbol", "target", "at", "idempotency_key")
_REQUIRED = _FIELDS[:-1]

_REMEMBERED = """
CREATE TEMP TABLE applied (
  plan_id TEXT, action_id TEXT, kind TEXT, account TEXT, symbol TEXT, target TEXT, at TEXT,
  idempotency_key TEXT, line INTEGER, PRIMARY KEY (plan_id, action_id)
) WITHOUT ROWID
"""
_KNOWN = (
    """
    DELETE FROM applied WHERE (plan_id, action_id) IN (
      SELECT correlation_id, json_extract(details, '$.action_id') FROM main.order_audit
      WHERE executed = 1 AND json_valid(details))
    """,
    """
    DELETE FROM applied WHERE (plan_id, action_id) IN (
      SELECT plan_id, action_id FROM main.journal WHERE state = 'done')
    """,
)


def forgotten_by(
    connection: sqlite3.Connection, journal_copy: Path, deadline: Deadline
) -> Forgotten:
    """The applied actions that neither the audit nor the journal of the connected book knows."""
    unreadable = 0
    connection.execute(_REMEMBERED)
    for number, line in enumerate(_lines(journal_copy)):
        deadline.check()
        if (fields := _fields(line)) is None:
            unreadable += 1
        else:
            connection.execute(
                "INSERT OR REPLACE INTO applied VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*fields, number),
            )
    for statement in _KNOWN:
        connection.execute(statement)
    (total,) = connection.execute("SELECT count(*) FROM applied").fetchone()
    latest = connection.execute(
        f"SELECT {', '.join(_FIELDS)} FROM applied ORDER BY line DESC LIMIT {SHOWN_MAX}"
    ).fetchall()
    return Forgotten(
        total=total,
        actions=tuple(
            ForgottenAction(**dict(zip(_FIELDS, row, strict=True))) for row in reversed(latest)
        ),
        unreadable_lines=unreadable,
    )


def _lines(journal_copy: Path) -> Iterator[bytes]:
    """Nothing when there is no copy yet; a line too long comes in pieces that do not read."""
    try:
        descriptor = os.open(journal_copy, _OPEN)
    except FileNotFoundError:
        return
    with os.fdopen(descriptor, "rb") as file:
        while line := file.readline(_LINE_BYTES_MAX):
            if line.strip():
                yield line


def _fields(line: bytes) -> tuple[str | None, ...] | None:
    """The line's values in order; None for what is no line of ours."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not all(isinstance(told.get(n), str) for n in _REQUIRED):
        return None
    key = told.get("idempotency_key")
    return (*(told[name] for name in _REQUIRED), key if isinstance(key, str) else None)
