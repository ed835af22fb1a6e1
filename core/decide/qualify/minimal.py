"""The shortest line a producer may write: symbol, side, ts, strategy_id, and params for the rest.

`params` holds `amount`, and whatever else a signal can say under the names that a whole signal
has; what it says beside that is kept in the signal's metadata. Without a confidence it has none,
which is 0: such a signal never goes to the market by itself, and a threshold holds it back.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from core.decide.qualify.fields import kept
from core.domain.moment import moment_text

# The name in a whole signal, and what the short line calls it.
SHORT_NAMES: Mapping[str, str] = {"asset": "symbol", "signal_type": "side", "timestamp": "ts"}
_NAMES_OF_MEANING = UUID("5f0c1f0e-8f3b-5d0a-9a41-6f1f5f1f7c2d")


def is_minimal(document: Mapping[str, Any]) -> bool:
    """Some of the short names and none of those that they stand for."""
    return any(name in document for name in SHORT_NAMES.values()) and not any(
        name in document for name in SHORT_NAMES
    )


def widened(
    document: Mapping[str, Any], params: Mapping[str, Any], known: frozenset[str]
) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """The line as a whole signal, how each of its fields was called, and what is said twice."""
    inside = {name: value for name, value in params.items() if name in known}
    whole = {"confidence": Decimal(0), **inside}
    told_as = {name: f"params.{name}" for name in ("amount", *inside)}
    outside = {
        name: value
        for name in known
        if (value := document.get(SHORT_NAMES.get(name, name))) is not None
    }
    twice = sorted(outside.keys() & inside.keys())
    whole |= outside
    told_as = {name: told for name, told in told_as.items() if name not in outside}
    rest = {name: kept(value) for name, value in params.items() if name not in known}
    metadata = whole.get("metadata")
    if rest and (metadata is None or isinstance(metadata, dict)):
        whole["metadata"] = {**(metadata or {}), "params": rest}
    return whole, {**told_as, **SHORT_NAMES}, twice


def derived_id(symbol: str, side: str, at: datetime, strategy_id: str) -> str:
    """The same request has the same id, however often and wherever it is written."""
    meaning = json.dumps([symbol, side, moment_text(at), strategy_id])
    return str(uuid5(_NAMES_OF_MEANING, meaning))
