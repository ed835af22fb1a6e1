"""A signal as its producer would write it: for sending one by hand, or once more."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from core.decide.qualify.minimal import is_minimal
from core.decide.qualify.parsing import parse
from core.domain.moment import moment_text
from core.domain.signal import Signal
from core.domain.text import plain

# Figures go out as numbers, digit for digit.
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_RENAMED = {"symbol": "asset", "aim": "intent"}
_DERIVED = ("signal_day",)
_DEPTHS = ("bid_depth", "ask_depth")


def encoded(document: Mapping[str, Any]) -> bytes:
    """One line."""
    return _ENCODER.encode({name: value for name, value in document.items() if value is not None})


def wire_line(signal: Signal) -> bytes:
    """The same signal, field by field; reading it gives an equal one."""
    document: dict[str, Any] = {}
    for name in Signal.__slots__:
        value = getattr(signal, name)
        if name not in _DERIVED and not (value is None or value is False or value == {}):
            told = value if isinstance(value, Decimal) else plain(value)
            document[_RENAMED.get(name, name)] = told
    if market := document.get("market_data_snapshot"):
        document["market_data_snapshot"] = _market(market)
    return encoded(document)


def _market(kept: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in kept.items() if name not in _DEPTHS}
    if depth := {name: kept[name] for name in _DEPTHS if name in kept}:
        told["orderbook_depth"] = depth
    return told


def stamped(raw: bytes, now: datetime) -> bytes:
    """The same message with another time; what cannot be read stays as it is."""
    document, reasons = parse(raw)
    if document is None or reasons:
        return raw
    document["ts" if is_minimal(document) else "timestamp"] = moment_text(now)
    return encoded(document)
