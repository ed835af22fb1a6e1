"""The lines of logs/trades: what happened in words, and in brackets the figures of it.

    2026-01-05T12:00:00Z main pos-7:3 BTCUSDT long open → trailing: stop_moved (position_id=pos-7 …)

The first three words are the time, the account and the event's id, by which a line that is repeated
is known. The figures are `name=value` under the book's own names, quoted as in JSON where a value
is more than a word; a line that does not end with its bracket was torn by a crash.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from types import MappingProxyType

from core.domain.moment import moment_text
from core.domain.record import Event
from core.domain.text import printable

Told = Mapping[str, object]

_ONE_WORD = re.compile(r'[^\s"()=]+')

_LIFE = ("position_id", "quantity", "volume", "entry_price", "stop_price", "exit_price",
         "realized_pnl", "realized_pnl_pct", "leverage", "signal_id")  # fmt: skip
_STOP = ("position_id", "quantity", "stop_was", "stop_price", "stop_order_id")
_EXIT = ("exit_intent_id", "trade_id", "position_id", "episode", "quantity")

_FIGURES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "execution.recorded": (
            "side", "quantity", "price", "fee", "fee_currency", "realized_pnl", "position_side",
            "order_id", "execution_key", "executed_at",
        ),
        "position.state_changed": _LIFE,
        "position.closed": (*_LIFE, "exit_reason", "entry_time", "exit_time"),
        "position.stop_updated": _STOP,
        "position.trail_activated": _STOP,
        "position.discrepancy": ("side", "quantity", "average_price", "unexplained"),
        "position.pnl_warning": ("position_id", "quantity", "entry_price", "price", "roe_pct"),
        "exit_signal.published": (
            "exit_signal_id", "trade_id", "position_id", "episode", "price", "quantity", "by",
        ),
    }
)  # fmt: skip


def trade_line(event: Event) -> str | None:
    """None for an event that is no part of a position's history."""
    found = _words_for(event.event_type)
    if found is None:
        return None
    words, names = found
    # What a row lacks must not hold up the lines behind it.
    told = defaultdict(lambda: "?", {**event.payload, "symbol": event.symbol})
    head = (moment_text(event.occurred_at), event.account or "-", event.event_id)
    figures = " ".join(f"{name}={_quoted(told[name])}" for name in names if _is_told(told, name))
    return f"{' '.join(map(_as_word, head))} {printable(words(told))} ({figures})"


def _words_for(event_type: str) -> tuple[Callable[[Told], str], tuple[str, ...]] | None:
    if event_type.startswith("exit_intent."):
        return _exit_intent, _EXIT
    words = _WORDS.get(event_type)
    return (words, _FIGURES[event_type]) if words else None


def _is_told(told: Told, name: str) -> bool:
    return told.get(name) is not None


def _as_word(text: str) -> str:
    return printable(text).replace(" ", "\\x20")


def _quoted(value: object) -> str:
    text = str(value)
    return text if _ONE_WORD.fullmatch(text) and text.isprintable() else json.dumps(text)


# --- words ----------------------------------------------------------------------------------------


def _execution(told: Told) -> str:
    done = {"buy": "bought", "sell": "sold"}.get(str(told["side"]), str(told["side"]))
    kind = "" if told.get("kind") in (None, "trade") else f"{told['kind']}: "
    return f"{told['symbol']} {kind}{done} {told['quantity']} @ {told['price']}"


def _state_changed(told: Told) -> str:
    return f"{_whose(told)} {told.get('from_state') or 'new'} → {told['state']}: {told['reason']}"


def _closed(told: Told) -> str:
    price = told.get("exit_price")
    left = f"left at {price}" if price else "left at an unknown price"
    return f"{_whose(told)} is over: {told['reason']}, {left}, realized {told['realized_pnl']}"


def _stop_updated(told: Told) -> str:
    return f"{_whose(told)} stop {told.get('stop_was') or 'none'} → {told['stop_price']}"


def _trail_activated(told: Told) -> str:
    return f"{_whose(told)} stop has begun to follow the price"


def _discrepancy(told: Told) -> str:
    side = "" if told["side"] == "both" else f" {told['side']}"
    return (
        f"{told['symbol']}{side} adopted as {told['quantity']}, unexplained {told['unexplained']}"
    )


def _pnl_warning(told: Told) -> str:
    return f"{_whose(told)} has lost much of its equity at {told['price']}"


def _exit_signal(told: Told) -> str:
    return f"{told['symbol']} {told['cause']}: {told['because']}"


def _exit_intent(told: Told) -> str:
    """Its new state, and what led to it."""
    reasons = told.get("reasons")
    why = [str(told["outcome"])] if told.get("outcome") else []
    if isinstance(reasons, list):
        why = [f"{each['code']}: {each['message']}" for each in reasons if isinstance(each, dict)]
    state = str(told["state"]).lower()
    return f"{told['symbol']} exit {told['cause']} {state}" + (f": {'; '.join(why)}" if why else "")


def _whose(told: Told) -> str:
    return f"{told['symbol']} {told['direction']}"


_WORDS: Mapping[str, Callable[[Told], str]] = MappingProxyType(
    {
        "execution.recorded": _execution,
        "position.state_changed": _state_changed,
        "position.closed": _closed,
        "position.stop_updated": _stop_updated,
        "position.trail_activated": _trail_activated,
        "position.discrepancy": _discrepancy,
        "position.pnl_warning": _pnl_warning,
        "exit_signal.published": _exit_signal,
    }
)
