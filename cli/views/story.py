"""The rows of a history as sentences: what a person would tell of each."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from cli.views.intents import sentences

Line = Mapping[str, Any]

# The book's bookkeeping about its own doings; --verbose shows it too.
BACKSTAGE = frozenset({"audit", "outbox", "snapshot"})


def told(line: Line) -> str:
    """One line's sentence; a kind that has none of its own is told column by column."""
    return _TOLD.get(line["what"], columns)(line)


def columns(line: Line) -> str:
    """The row's own words, without what stands beside them already."""
    left_out = {"at", "what", "id", "account", "sequence"}
    return ", ".join(
        f"{name} {value}"
        for name, value in line.items()
        if name not in left_out and value not in (None, "", "{}")
    )


def _signal(line: Line) -> str:
    wanted = f"{line['signal_type']} {line['amount']} of {line['symbol']}"
    sent = f"confidence {line['confidence']}, {line['strategy_id']} by {line['source']}"
    why = f": {line['reason']}" if line.get("reason") else ""
    return f"{wanted}, {sent} → {line['request_status']}{why}"


def _delivery(line: Line) -> str:
    return f"to {line['account']}: {line['state'].lower()}"


def _intent(line: Line) -> str:
    """Its decision, and each sentence that led to it."""
    why = sentences(line.get("reasons")) or sentences(line.get("because"))
    outcome = f" ({line['outcome']})" if line.get("outcome") else ""
    return f"{line['state']}{outcome}: {why}" if why else f"{line['state']}{outcome}"


def _order(line: Line) -> str:
    kind = " ".join(filter(None, [line.get("order_type"), line["side"]]))
    at = _at(line.get("price")) or _at(line.get("trigger_price"))
    filled = f", {line['filled_quantity']} filled" if _is_some(line.get("filled_quantity")) else ""
    average = f" @ {line['average_price']}" if filled and line.get("average_price") else ""
    return f"{kind} {line['quantity']} {line['symbol']}{at}{filled}{average} → {line['status']}"


def _step(line: Line) -> str:
    outcome = f": {line['outcome']}" if line.get("outcome") else ""
    return f"{line['kind']} of {line['plan_id']} → {line['state']}{outcome}"


def _order_event(line: Line) -> str:
    moved = " → ".join(filter(None, [line.get("from_status"), line.get("to_status")]))
    changed = _changed(line.get("details"))
    return f"{line['event_type']} by {line['source']}: {moved}{changed}"


def _changed(details: object) -> str:
    """Old and new of each field, beside the status, that an event changed."""
    row = _document(details)
    moves = [
        f"{name} {_word(pair[0])} → {_word(pair[1])}"
        for name, pair in row.items()
        if isinstance(pair, list) and len(pair) == 2 and name not in ("status", "updated_at")
    ]
    return f", {', '.join(moves)}" if moves else ""


def _execution(line: Line) -> str:
    kind = "" if line["kind"] == "trade" else f"{line['kind']} "
    paid = f"{line.get('fee') or ''} {line.get('fee_currency') or ''}".strip()
    fee = f", fee {paid}" if line.get("fee") else ""
    won = f", realised {line['realized_pnl']}" if line.get("realized_pnl") else ""
    return f"{kind}{line['side']} {line['quantity']} @ {line['price']}{fee}{won}"


def _adjustment(line: Line) -> str:
    return f"{line['quantity']} adopted by {line['by']}: {line['reason']}"


# --- positions ------------------------------------------------------------------------------------


def _position(line: Line) -> str:
    """From its entry to its end, as far as it has come."""
    entered = f"{line['direction']} {line['volume']} {line['symbol']}{_at(line['entry_price'])}"
    stop = f", stop{_at(line['stop_price'])}" if line["stop_order_id"] else ""
    return f"{entered}{stop}{_left(line)} → {line['state']}"


def _trade(line: Line) -> str:
    entered = f"{line['kind']} {line['direction']} {line['quantity']}{_at(line['entry_price'])}"
    return f"{entered}{_left(line)} → {line['status']}"


def _left(line: Line) -> str:
    if not line["exit_reason"]:
        return ""
    price = line["exit_price"] or "an unknown price"
    return f", left at {price} ({line['exit_reason']}), realised {line['realized_pnl']}"


def _transition(line: Line) -> str:
    return f"{line['from_state'] or 'new'} → {line['to_state']}: {line['reason']}"


def _stop(line: Line) -> str:
    told = _document(line["payload"])
    return f"{_word(told.get('stop_was'))} → {told.get('stop_price')} ({told.get('stop_order_id')})"


def _snapshot(line: Line) -> str:
    stop = f", stop{_at(line['stop_price'])}" if line["stop_price"] else ""
    held = f"{line['quantity']}{_at(line['average_price'])}, mark {_word(line['mark_price'])}"
    return f"{held}, unrealised {_word(line['unrealized_pnl'])}{stop}"


def _exit_signal(line: Line) -> str:
    return f"{line['cause']}{_at(line['price'])} by {line['by']}: {line['because']}"


def _exit(line: Line) -> str:
    wanted = f"{line['cause']} {line['side']} {_word(line['quantity'])}"
    again = f", try {line['tries']}" if line["tries"] > 1 else ""
    if refused := sentences(line.get("reasons")):
        return f"{wanted}{again} → {line['state']}: {refused}"
    return f"{wanted}{again} → {_intent(line)}"


# --- words ----------------------------------------------------------------------------------------


def _at(price: object) -> str:
    return f" at {price}" if price else ""


def _is_some(figure: object) -> bool:
    return figure not in (None, "", "0")


def _word(value: object) -> object:
    return "–" if value is None else value


def _document(text: object) -> Mapping[str, Any]:
    try:
        row = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return {}
    return row if isinstance(row, Mapping) else {}


_TOLD: Mapping[str, Callable[[Line], str]] = MappingProxyType(
    {
        "signal": _signal,
        "delivery": _delivery,
        "intent": _intent,
        "order": _order,
        "journal": _step,
        "order event": _order_event,
        "execution": _execution,
        "adjustment": _adjustment,
        "position": _position,
        "trade": _trade,
        "transition": _transition,
        "stop": _stop,
        "snapshot": _snapshot,
        "exit signal": _exit_signal,
        "exit": _exit,
    }
)
