"""Rows of a snapshot made into nouns: strict numbers, times and words; errors name the path."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from msgspec import Struct

from core.domain.execution import BrokerExecution, ExecutionKind
from core.domain.market import ONE, Balance, Instrument, Quote
from core.domain.moment import parse_moment
from core.domain.money import ZERO, parse_decimal
from core.domain.order import Allows, BrokerOrder, OrderStatus, OrderType, PositionSide, Side
from core.domain.position import BrokerPosition
from core.domain.snapshot import PARTS, Known, Part, Partial, Unavailable
from core.observe.snapshot_flaw import broken
from core.observe.snapshot_wire import (
    WireBalance,
    WireExecution,
    WireInstrument,
    WireOrder,
    WirePosition,
    WireQuote,
)

NAME_LENGTH_MAX = 256
CACHED = 8192
POSITION_MODES = ("one-way", "hedge")
# What a venue can say of an order; the book has more words, for what only we can know.
BROKER_STATUSES = frozenset(OrderStatus) - {
    OrderStatus.PENDING,
    OrderStatus.UNKNOWN,
    OrderStatus.DRY_RUN,
    OrderStatus.ORPHANED_DELETED,
}
NOT_TOLD = Unavailable("not told")

Noun = TypeVar("Noun")
Named = TypeVar("Named", BrokerOrder, BrokerExecution)
Reader = Callable[[Any], Any]
Readers = tuple[tuple[str, Reader], ...]


# --- values ------------------------------------------------------------------------------------


def read_name(text: str) -> str:
    """An identifier, symbol or currency."""
    if not text:
        raise ValueError("empty; leave it out or write null when there is none")
    if len(text) > NAME_LENGTH_MAX:
        raise ValueError(f"longer than {NAME_LENGTH_MAX} characters")
    return text


@lru_cache(CACHED)
def read_moment(text: str) -> datetime:
    try:
        return parse_moment(text)
    except (ValueError, OverflowError):
        raise ValueError(f"not a moment in time with a zone: {text!r:.60}") from None


def _read_expiry(text: str) -> datetime:
    """Contracts are often dated by the day: that day's first moment, so that nobody rolls late."""
    try:
        day = datetime.fromisoformat(text)
    except ValueError:
        return read_moment(text)
    return day.replace(tzinfo=UTC) if len(text) <= len("2026-03-20") else read_moment(text)


_read_number = lru_cache(CACHED)(parse_decimal)


def _read_amount(text: str) -> Decimal:
    if (amount := _read_number(text)) < 0:
        raise ValueError(f"below zero: {text}")
    return amount


def _read_size(text: str) -> Decimal:
    if (size := _read_number(text)) <= 0:
        raise ValueError(f"not above zero: {text}; leave it out or write null when there is none")
    return size


def _as_is(value: Any) -> Any:
    return value


def _or(default: Any, read: Reader) -> Reader:
    """Optional fields may be missing or null."""
    return lambda value: default if value is None else read(value)


def _word(kind: type[StrEnum], allowed: frozenset[Any] | None = None) -> Reader:
    words = {each.value: each for each in kind if allowed is None or each in allowed}

    def read(text: str) -> StrEnum:
        if text not in words:
            raise ValueError(f"{text!r:.40} is none of {', '.join(words)}")
        return words[text]

    return read


_name_or_none = _or(None, read_name)
_number_or_none = _or(None, _read_number)
_size_or_none = _or(None, _read_size)
_moment_or_none = _or(None, read_moment)
_side = _word(Side)
_position_side = _or(PositionSide.BOTH, _word(PositionSide))


# --- rows --------------------------------------------------------------------------------------

_ORDER: Readers = (
    ("broker_order_id", read_name),
    ("client_order_id", _name_or_none),
    ("perm_id", _name_or_none),
    ("symbol", read_name),
    ("side", _side),
    ("position_side", _position_side),
    ("type", _word(OrderType)),
    ("quantity", _read_amount),
    ("filled_quantity", _or(ZERO, _read_amount)),
    ("price", _number_or_none),
    ("trigger_price", _number_or_none),
    ("average_price", _number_or_none),
    ("time_in_force", _name_or_none),
    ("reduce_only", _as_is),
    ("post_only", _as_is),
    ("status", _word(OrderStatus, BROKER_STATUSES)),
    ("created_at", _moment_or_none),
    ("updated_at", _moment_or_none),
    ("allows", _or(None, _word(Allows))),
    ("expires_at", _moment_or_none),
)
_EXECUTION: Readers = (
    ("execution_id", read_name),
    ("broker_order_id", _name_or_none),
    ("client_order_id", _name_or_none),
    ("perm_id", _name_or_none),
    ("symbol", read_name),
    ("side", _side),
    ("position_side", _position_side),
    ("quantity", _read_amount),
    ("price", _read_number),
    ("fee", _number_or_none),
    ("fee_currency", _name_or_none),
    ("kind", _or(ExecutionKind.TRADE, _word(ExecutionKind))),
    ("executed_at", read_moment),
    ("corrects", _name_or_none),
)
_POSITION: Readers = (
    ("symbol", read_name),
    ("side", _position_side),
    ("quantity", _read_number),
    ("average_price", _number_or_none),
    ("mark_price", _number_or_none),
    ("unrealized_pnl", _number_or_none),
    ("leverage", _size_or_none),
    ("fees_in_average", bool),
)
_BALANCE: Readers = (
    ("currency", read_name),
    ("total", _read_number),
    ("available", _read_number),
)
_INSTRUMENT: Readers = (
    ("symbol", read_name),
    ("kind", _or("linear", read_name)),
    ("base", _name_or_none),
    ("quote", _name_or_none),
    ("price_tick", _size_or_none),
    ("quantity_step", _size_or_none),
    ("min_quantity", _or(None, _read_amount)),
    ("min_notional", _or(None, _read_amount)),
    ("multiplier", _or(ONE, _read_size)),
    ("expiry", _or(None, _read_expiry)),
)
_QUOTE: Readers = (
    ("symbol", read_name),
    ("bid", _number_or_none),
    ("ask", _number_or_none),
    ("last", _number_or_none),
    ("at", _moment_or_none),
)


def _made(noun: type[Noun], readers: Readers, wire: Struct, path: str) -> Noun:
    values = {}
    for field, read in readers:
        try:
            values[field] = read(getattr(wire, field))
        except ValueError as error:
            raise broken(f"{path}.{field}", str(error)) from None
    return noun(**values)


def broker_order_from(wire: WireOrder, path: str) -> BrokerOrder:
    return _named(_made(BrokerOrder, _ORDER, wire, path))


def broker_execution_from(wire: WireExecution, path: str) -> BrokerExecution:
    return _named(_made(BrokerExecution, _EXECUTION, wire, path))


# What IB gives to every order that was entered by hand; only its permId tells one from another.
NO_ORDER_ID = "0"


def _named(row: Named) -> Named:
    if row.broker_order_id == NO_ORDER_ID and row.perm_id:
        return replace(row, broker_order_id=row.perm_id)
    return row


def broker_position_from(wire: WirePosition, path: str) -> BrokerPosition:
    position = _made(BrokerPosition, _POSITION, wire, path)
    if position.side is not PositionSide.BOTH and position.quantity < 0:
        raise broken(f"{path}.quantity", "below zero; a hedge leg's quantity is positive")
    return position


def balance_from(wire: WireBalance, path: str) -> Balance:
    return _made(Balance, _BALANCE, wire, path)


def instrument_from(wire: WireInstrument, path: str) -> Instrument:
    return _made(Instrument, _INSTRUMENT, wire, path)


def quote_from(wire: WireQuote, path: str) -> Quote:
    return _made(Quote, _QUOTE, wire, path)


# --- parts -------------------------------------------------------------------------------------


def parts_from(told: Mapping[str, Any] | None) -> dict[str, Part]:
    """A part that nothing is said of counts as unavailable, however many rows the file has."""
    told = told or {}
    return {
        part: _part(told[part], f"$.parts.{part}") if part in told else NOT_TOLD for part in PARTS
    }


def _part(told: str | dict[str, str], path: str) -> Part:
    match told:
        case "known":
            return Known()
        case {"unavailable": why, **rest} if not rest:
            return Unavailable(why)
        case {"partial": why, **rest} if not rest:
            return Partial(why)
    raise broken(path, 'neither "known" nor {"unavailable": why} nor {"partial": why}')
