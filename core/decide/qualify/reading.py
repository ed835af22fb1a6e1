"""A signal as its producer wrote it, read once for all who bring one: spool, queue, submit, REST.

On the wire a symbol is an `asset` and an aim is an `intent`. Whatever is wrong is told at once, so
that a producer is mended in one round.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.config.settings import Settings
from core.decide.qualify.checks import objections
from core.decide.qualify.fields import Fields, kept
from core.decide.qualify.minimal import derived_id, is_minimal, widened
from core.decide.qualify.parsing import parse
from core.domain.money import decimal_text
from core.domain.order import OrderType, Side
from core.domain.signal import Aim, Signal

# Every name that a whole signal may carry; others are left unread, so that producers can grow.
WIRE_NAMES = frozenset(
    (
        *("signal_id", "signal_type", "asset", "amount", "confidence", "timestamp", "strategy_id"),
        *("model_version", "is_warmup", "market_data_snapshot", "metadata", "trace_id", "account"),
        *("direction", "confluence_type", "effective_floor", "effective_ceiling", "order_type"),
        *("urgency", "leverage", "stop_loss_pct", "take_profit_pct", "expires_at", "intent"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """No signal, and everything that speaks against it."""

    reasons: tuple[str, ...]
    signal_id: str | None = None
    # As far as it could be read, when what matters of it could.
    signal: Signal | None = None


def read_signal(raw: bytes, *, now: datetime, settings: Settings) -> Signal | Refused:
    document, reasons = parse(raw)
    if document is None:
        return Refused(reasons=tuple(reasons))
    short = is_minimal(document)
    fields = _fields_of_short(document, reasons) if short else Fields(document, reasons)
    values = _values(fields, short)
    for name, why in objections(values, now=now, settings=settings):
        fields.wrong(name, why)
    signal = _signal(values)
    if signal is not None and not reasons:
        return signal
    return Refused(reasons=tuple(reasons), signal_id=values["signal_id"], signal=signal)


def _fields_of_short(document: Mapping[str, Any], reasons: list[str]) -> Fields:
    params = Fields(document, reasons).object("params")
    whole, told_as, twice = widened(document, params, WIRE_NAMES)
    fields = Fields(whole, reasons, told_as=told_as)
    for name in twice:
        fields.wrong(name, "also in params")
    return fields


def _values(fields: Fields, short: bool) -> dict[str, Any]:
    """Field by field, None for what is missing or wrong."""
    values = {
        "signal_id": fields.uuid("signal_id", required=not short),
        "signal_type": fields.word("signal_type", Side.BUY, Side.SELL, required=True),
        "symbol": fields.symbol("asset"),
        "amount": fields.number("amount", required=True, above=0),
        "confidence": fields.number("confidence", required=True, at_least=0, at_most=1),
        "timestamp": fields.moment("timestamp", required=True, or_seconds=short),
        "strategy_id": fields.text("strategy_id", required=True),
        "model_version": fields.text("model_version"),
        "is_warmup": fields.flag("is_warmup"),
        "market_data_snapshot": _market(fields),
        "metadata": kept(fields.object("metadata")),
        "trace_id": fields.text("trace_id"),
        "account": fields.text("account"),
        "direction": fields.text("direction"),
        "confluence_type": fields.text("confluence_type"),
        "effective_floor": fields.number("effective_floor", at_least=0),
        "effective_ceiling": fields.number("effective_ceiling", at_least=0),
        "order_type": fields.word("order_type", OrderType.MARKET, OrderType.LIMIT),
        "urgency": fields.flag("urgency"),
        "leverage": fields.number("leverage", above=0),
        "stop_loss_pct": fields.number("stop_loss_pct", above=0),
        "take_profit_pct": fields.number("take_profit_pct", above=0),
        "expires_at": fields.moment("expires_at"),
        "aim": fields.word("intent", Aim.OPEN, Aim.CLOSE, otherwise=Aim.OPEN),
    }
    if short and not fields.has("signal_id"):
        values["signal_id"] = _derived(values)
    return values


def _derived(values: Mapping[str, Any]) -> str | None:
    meaning = [values[name] for name in ("symbol", "signal_type", "timestamp", "strategy_id")]
    return None if None in meaning else derived_id(*meaning)


_NEEDED = (
    *("signal_id", "signal_type", "symbol", "amount", "confidence", "timestamp", "strategy_id"),
)


def _signal(values: Mapping[str, Any]) -> Signal | None:
    if any(values[name] is None for name in _NEEDED):
        return None
    day = None
    if values["confluence_type"] is not None:
        day = values["timestamp"].astimezone(UTC).date().isoformat()
    return Signal(**values, signal_day=day)


# --- the market as the producer saw it ----------------------------------------------------------


def _market(fields: Fields) -> dict[str, Any]:
    snapshot = fields.below("market_data_snapshot")
    depth = snapshot.below("orderbook_depth")
    figures = {
        "price": snapshot.number("price", above=0),
        "spread": snapshot.number("spread", at_least=0),
        "volume_24h": snapshot.number("volume_24h", at_least=0),
        "volatility": snapshot.number("volatility", at_least=0),
        "bid_depth": depth.number("bid_depth", at_least=0),
        "ask_depth": depth.number("ask_depth", at_least=0),
    }
    market: dict[str, Any] = {
        name: decimal_text(value) for name, value in figures.items() if value is not None
    }
    if indicators := snapshot.object("technical_indicators"):
        market["technical_indicators"] = kept(indicators)
    return market
