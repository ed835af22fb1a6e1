"""Small builders of domain nouns: account main, symbol BTCUSDT, Monday noon, everything else short.

Figures may be given as ints or text, enums by their words, moments as a time of that Monday.
"""

import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from core.config.settings import Settings
from core.domain.ambiguity import MatchDecision
from core.domain.execution import MOVING, BookExecution, BrokerExecution, execution_key
from core.domain.exit import ExitIntent
from core.domain.holding import fold_all, key_of
from core.domain.intent import TradeIntent, intent_name
from core.domain.life import Life
from core.domain.market import Instrument, Quote
from core.domain.observation import BookView, ComputedPosition, Observation, OpenStep
from core.domain.order import COMPARED, BookOrder, BrokerOrder
from core.domain.position import Adjustment, BookPosition, BrokerPosition, PositionKey
from core.domain.signal import Delivery, SignalRecord
from core.domain.snapshot import PARTS, BrokerSnapshot, Known, Lookup, Part
from core.domain.trade import Trade

Noun = TypeVar("Noun")

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def clock(text: str) -> datetime:
    """A time of that Monday: 11:00, 11:00:01."""
    return datetime.fromisoformat(f"2026-01-05T{text}+00:00")


# --- the broker's side ------------------------------------------------------------------------


def order(broker_order_id: str = "V-1", **given: Any) -> BrokerOrder:
    """A limit order to buy 10 at 100, open for an hour."""
    values = _order_values(given, "type") | {"broker_order_id": broker_order_id} | given
    return _noun(BrokerOrder, values)


def stop(broker_order_id: str = "S-1", quantity: Any = 5, **given: Any) -> BrokerOrder:
    """A reduce-only stop that sells at 90."""
    values = {"side": "sell", "type": "stop", "trigger_price": 90, "reduce_only": True}
    return order(broker_order_id, **(values | {"quantity": quantity} | given))


def execution(execution_id: str = "T-1", quantity: Any = 5, **given: Any) -> BrokerExecution:
    """A purchase at 100, of order V-1, without a fee."""
    values = {
        "execution_id": execution_id,
        "broker_order_id": "V-1",
        "symbol": "BTCUSDT",
        "side": "buy",
        "quantity": quantity,
        "price": 100,
        "fee": 0,
        "fee_currency": "USDT",
        "executed_at": "11:00:01",
    }
    return _noun(BrokerExecution, values | given)


def position(quantity: Any = 5, **given: Any) -> BrokerPosition:
    """Held at an average of 100."""
    values = {"symbol": "BTCUSDT", "quantity": quantity, "average_price": 100}
    return _noun(BrokerPosition, values | given)


def instrument(symbol: str = "BTCUSDT", **given: Any) -> Instrument:
    values = {
        "symbol": symbol,
        "base": "BTC",
        "quote": "USDT",
        "price_tick": "0.1",
        "quantity_step": "0.001",
        "min_quantity": "0.001",
    }
    return _noun(Instrument, values | given)


def quote(symbol: str = "BTCUSDT", **given: Any) -> Quote:
    return _noun(Quote, {"symbol": symbol, "bid": 100, "ask": 101, "at": "12:00"} | given)


def snapshot(
    *rows: Any, account: str = "main", parts: Mapping[str, Part] | None = None, **given: Any
) -> BrokerSnapshot:
    """Rows of any kind; every part is known unless `parts` says otherwise."""
    values: dict[str, Any] = {"account": account, "broker": "paper", "taken_at": NOON}
    return BrokerSnapshot(
        **(values | given),
        parts=dict.fromkeys(PARTS, Known()) | dict(parts or {}),
        orders=_those(rows, BrokerOrder),
        executions=_those(rows, BrokerExecution),
        positions=_those(rows, BrokerPosition),
        instruments={row.symbol: row for row in _those(rows, Instrument)},
        quotes={row.symbol: row for row in _those(rows, Quote)},
    )


# --- the book's side --------------------------------------------------------------------------


def book_order(
    order_id: str = "o-1", broker_order_id: str | None = "V-1", **given: Any
) -> BookOrder:
    """The row of what `order()` builds."""
    values = _order_values(given, "order_type") | {
        "order_id": order_id,
        "account": "main",
        "broker_order_id": broker_order_id,
        "origin": "external",
    }
    return _noun(BookOrder, values | given)


def booked(told: BrokerOrder, order_id: str = "o-1", **given: Any) -> BookOrder:
    """The row that says exactly what the broker tells."""
    values: dict[str, Any] = {ours: getattr(told, theirs) for theirs, ours in COMPARED} | {
        name: getattr(told, name)
        for name in ("symbol", "side", "position_side", "created_at", "updated_at")
    }
    return _noun(
        BookOrder, values | {"order_id": order_id, "account": "main", "origin": "external"} | given
    )


def book_execution(execution_id: str = "T-1", quantity: Any = 5, **given: Any) -> BookExecution:
    """The row of what `execution()` builds."""
    account = given.pop("account", "main")
    rest = {name: given.pop(name) for name in _ONLY_IN_BOOK & given.keys()}
    told = execution(execution_id, quantity, **given)
    values = {
        "execution_key": execution_key(account, told.symbol, told.broker_order_id, execution_id),
        "account": account,
        **{f.name: getattr(told, f.name) for f in fields(BookExecution) if hasattr(told, f.name)},
    }
    return _noun(BookExecution, values | rest)


def stored(quantity: Any = 5, **given: Any) -> BookPosition:
    """Held at an average of 100."""
    values = {
        "account": "main",
        "symbol": "BTCUSDT",
        "quantity": quantity,
        "average_price": 100,
        "mode": "one-way",
        "state": "open",
    }
    return _noun(BookPosition, values | given)


def adjustment(quantity: Any = 5, **given: Any) -> Adjustment:
    """Taken over at noon with an average of 100."""
    values = {
        "id": "adj-1",
        "account": "main",
        "symbol": "BTCUSDT",
        "side": "both",
        "quantity": quantity,
        "average_price": 100,
        "as_of": NOON,
        "recorded_serial": 10,
        "by": "ana",
        "reason": "position_unexplained",
    }
    return _noun(Adjustment, values | given)


def decision(choice: str, order_id: str | None = None, **given: Any) -> MatchDecision:
    """Ana's word on the broker's order V-1."""
    values = {
        "account": "main",
        "broker_order_id": "V-1",
        "choice": choice,
        "order_id": order_id,
        "by": "ana",
        "at": NOON,
    }
    return _noun(MatchDecision, values | given)


def open_step(**given: Any) -> OpenStep:
    values = {
        "step_id": "s-1",
        "plan_id": "p-1",
        "action_id": "a001",
        "account": "main",
        "symbol": "BTCUSDT",
        "kind": "place_stop",
        "idempotency_key": "tu-step",
    }
    return _noun(OpenStep, values | given)


def book_view(*rows: Any, account: str = "main", serial: int = 20) -> BookView:
    """Rows of any kind. A stored position without rows of its own counts as computed, too."""
    executions, adjustments = _those(rows, BookExecution), _those(rows, Adjustment)
    positions, computed = _those(rows, BookPosition), fold_all(executions, adjustments)
    executed: dict[str, Decimal] = {}
    for row in executions:
        if row.kind in MOVING and row.broker_order_id:
            before = executed.get(row.broker_order_id, Decimal(0))
            executed[row.broker_order_id] = before + row.quantity
    told = {key_of(row) for row in (*executions, *adjustments)}
    return BookView(
        account=account,
        lineage="b-1",
        serial=serial,
        orders=_those(rows, BookOrder),
        executions={row.execution_key: row for row in executions},
        executed=executed,
        positions=positions,
        computed={**computed, **_as_stored(row for row in positions if _key(row) not in told)},
        adjustments=adjustments,
        decisions=_those(rows, MatchDecision),
        open_steps=_those(rows, OpenStep),
    )


def observation(
    broker: Iterable[Any] | BrokerSnapshot = (),
    book: Iterable[Any] | BookView = (),
    *,
    account: str = "main",
    lookups: Mapping[str, Lookup] | None = None,
    unchanged: int = 0,
    venue: str = "paper",
    **given: Any,
) -> Observation:
    """Both sides from rows; further arguments are the snapshot's."""
    if not isinstance(broker, BrokerSnapshot):
        broker = snapshot(*broker, account=account, broker=venue, **given)
    if not isinstance(book, BookView):
        book = book_view(*book, account=account)
    return Observation(
        account=account, broker=broker, book=book, lookups=lookups or {}, unchanged=unchanged
    )


# --- signals ----------------------------------------------------------------------------------


def signal(signal_id: str = "sig-1", **given: Any) -> SignalRecord:
    """A row of the book: buy for 1000, of eleven o'clock, taken in a second later."""
    values = {
        "signal_id": signal_id,
        "signal_type": "buy",
        "symbol": "BTCUSDT",
        "amount": 1000,
        "confidence": "0.85",
        "timestamp": "11:00",
        "strategy_id": "strategy",
        "source": "spool",
        "received_at": "11:00:01",
    }
    return _noun(SignalRecord, values | given)


def delivery(signal_id: str = "sig-1", account: str = "main", **given: Any) -> Delivery:
    """On its way to the account, not yet qualified."""
    values = {
        "delivery_id": f"d-{signal_id}-{account}",
        "signal_id": signal_id,
        "account": account,
        "symbol": "BTCUSDT",
        "created_at": "11:00:01",
    }
    return _noun(Delivery, values | given)


def intent(signal_id: str = "sig-1", account: str = "main", **given: Any) -> TradeIntent:
    """Approved, and asking for nothing yet."""
    values = {
        "intent_id": intent_name(signal_id, account, given.get("attempt", 1)),
        "signal_id": signal_id,
        "account": account,
        "symbol": "BTCUSDT",
        "side": "buy",
        "state": "APPROVED",
        "created_at": "11:00:01",
        "updated_at": "11:00:01",
    }
    return _noun(TradeIntent, values | given)


# --- positions from entry to exit -------------------------------------------------------------


def life(position_id: str = "p-1", **given: Any) -> Life:
    """Long 5 at 100 since eleven, by signal sig-1."""
    values = {
        "position_id": position_id,
        "account": "main",
        "symbol": "BTCUSDT",
        "direction": "long",
        "state": "open",
        "quantity": 5,
        "volume": 5,
        "entry_price": 100,
        "entry_time": "11:00",
        "signal_source": "signal",
        "signal_id": "sig-1",
        "created_at": "11:00",
        "updated_at": "11:00",
    }
    return _noun(Life, values | given)


def trade(trade_id: str = "t-1", **given: Any) -> Trade:
    """All of that life, entered by order o-1."""
    values = {
        "trade_id": trade_id,
        "position_id": "p-1",
        "account": "main",
        "symbol": "BTCUSDT",
        "direction": "long",
        "kind": "NEWBUY",
        "order_id": "o-1",
        "quantity": 5,
        "open_quantity": 5,
        "entry_price": 100,
        "entry_time": "11:00",
        "updated_at": "11:00",
    }
    return _noun(Trade, values | given)


def exit_intent(episode: int = 1, **given: Any) -> ExitIntent:
    """A wish to leave that trade by hand."""
    values = {
        "exit_intent_id": f"e-{given.get('trade_id', 't-1')}-{episode}",
        "exit_signal_id": f"x-{given.get('trade_id', 't-1')}-{episode}",
        "trade_id": "t-1",
        "position_id": "p-1",
        "account": "main",
        "symbol": "BTCUSDT",
        "side": "sell",
        "cause": "MANUAL",
        "episode": episode,
        "created_at": "11:30",
        "updated_at": "11:30",
    }
    return _noun(ExitIntent, values | given)


# --- configuration ----------------------------------------------------------------------------


def settings(**keys: Any) -> Settings:
    """Top-level keys in upper case; keys of sections in lower case, by their own name."""
    made = Settings()
    for name, value in keys.items():
        if name.isupper():
            made = replace(made, **{name: value})
            continue
        section = next(
            each.name
            for each in fields(Settings)
            if hasattr(getattr(made, each.name), name)
            and not isinstance(getattr(made, each.name), dict)
        )
        value = (
            Decimal(value) if isinstance(getattr(getattr(made, section), name), Decimal) else value
        )
        made = replace(made, **{section: replace(getattr(made, section), **{name: value})})
    return made


# --- inside -----------------------------------------------------------------------------------

_ONLY_IN_BOOK = frozenset({"order_id", "realized_pnl", "recorded_serial"})


def _order_values(given: Mapping[str, Any], type_name: str) -> dict[str, Any]:
    kind = given.get(type_name, "limit")
    return {
        "symbol": "BTCUSDT",
        "side": "buy",
        type_name: kind,
        "quantity": 10,
        "price": 100 if kind == "limit" else None,
        "status": "open",
        "created_at": "11:00",
        "updated_at": "11:00",
    }


def _those(rows: Iterable[Any], kind: type[Noun]) -> tuple[Noun, ...]:
    return tuple(row for row in rows if isinstance(row, kind))


def _key(row: BookPosition) -> PositionKey:
    return PositionKey(row.account, row.symbol, row.side)


def _as_stored(rows: Iterable[BookPosition]) -> dict[PositionKey, ComputedPosition]:
    return {
        _key(row): ComputedPosition(
            key=_key(row),
            quantity=row.quantity,
            average_price=row.average_price,
            realized_pnl=row.realized_pnl,
        )
        for row in rows
    }


def _noun(kind: type[Noun], values: Mapping[str, Any]) -> Noun:
    hints = _hints(kind)
    return kind(**{name: _read(hints[name], value) for name, value in values.items()})


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read(hint: Any, value: Any) -> Any:
    """Text and ints as what the field holds; anything else as it is."""
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if Decimal in kinds and isinstance(value, int | str):
        return Decimal(value)
    if datetime in kinds and isinstance(value, str):
        return clock(value)
    enums = [each for each in kinds if isinstance(each, type) and issubclass(each, StrEnum)]
    return enums[0](value) if enums and isinstance(value, str) else value
