"""A change in a line: its sign, its subject and what would be different."""

from collections.abc import Mapping
from types import MappingProxyType

from cli.screen import Tone
from core.domain.order import BrokerOrder, OrderRequest
from core.domain.position import BookPosition, BrokerPosition
from core.domain.text import plain
from core.plan.change import (
    AdoptPosition,
    AnyChange,
    DeleteOrder,
    InsertExecution,
    InsertOrder,
    UpdateExecution,
    UpdateOrder,
)
from core.plan.codec import changed_fields

# The symbols carry the meaning; colour only helps.
SIGNS: Mapping[str, tuple[str, Tone]] = MappingProxyType(
    {
        "insert_order": ("+", Tone.ADD),
        "update_order": ("~", Tone.CHANGE),
        "delete_order": ("-", Tone.REMOVE),
        "insert_execution": ("+", Tone.ADD),
        "update_execution": ("~", Tone.CHANGE),
        "adopt_position": ("~", Tone.CHANGE),
        "initial_state": (" ", Tone.DIM),
        "place_stop": ("+", Tone.ADD),
        "resize_stop": ("~", Tone.CHANGE),
        "move_stop": ("~", Tone.CHANGE),
        "cancel_duplicate_stop": ("-", Tone.REMOVE),
        "cancel_orphan_stop": ("-", Tone.REMOVE),
        "cancel_stale_order": ("-", Tone.REMOVE),
        "close_recommendation": ("-", Tone.REMOVE),
        "take_profit": ("-", Tone.REMOVE),
        "roll_due": ("-", Tone.REMOVE),
        "cancel_order": ("-", Tone.REMOVE),
        "amend_order": ("~", Tone.CHANGE),
        "place_exit": ("-", Tone.REMOVE),
        "place_order": ("+", Tone.ADD),
    }
)


def sign_of(change: AnyChange) -> tuple[str, Tone]:
    if isinstance(change, AdoptPosition) and change.before is None:
        return "+", Tone.ADD
    return SIGNS[change.kind]


def essence(change: AnyChange) -> str:
    """What would be different, without the reason."""
    match change:
        case InsertOrder(after=row):
            kind = row.order_type or "stub"
            level = row.price if row.trigger_price is None else row.trigger_price
            return f"{row.side} {_of(row.quantity, level)} {kind}, {row.status}"
        case InsertExecution(after=row):
            return f"{row.side} {_of(row.quantity, row.price)} {row.kind}"
        case DeleteOrder(before=row, after=None):
            return f"{row.status} → erased"
        case AdoptPosition(before=before, after=after):
            return f"{_held(before)} → {_held(after)}, unexplained {plain(change.unexplained)}"
        case UpdateOrder() | UpdateExecution() | DeleteOrder():
            return _moves(change)
    return _at_broker(change)


def _at_broker(change: AnyChange) -> str:
    match change.before, change.after:
        case _, OrderRequest() as request:
            flags = " reduce-only" if request.reduce_only else ""
            return f"{request.side} {_of(request.quantity, _level(request))} {request.type}{flags}"
        case BrokerOrder() as order, None:
            return f"{order.side} {_of(order.quantity, _level(order))} {order.type}"
        case BrokerPosition() as position, None:
            return f"{_held(position)} at start-up"
    return _moves(change)


def _moves(change: AnyChange) -> str:
    """The fields that differ, old to new; bookkeeping times last and only when alone."""
    names = changed_fields(change)
    told = [name for name in names if name not in ("updated_at", "executed_at")] or list(names)
    return ", ".join(
        f"{name} {_shown(getattr(change.before, name))} → {_shown(getattr(change.after, name))}"
        for name in told
    )


def _shown(value: object) -> str:
    return "–" if value is None else str(plain(value))


def _of(quantity: object, price: object) -> str:
    return f"{plain(quantity)} @ {plain(price)}" if price is not None else f"{plain(quantity)}"


def _level(order: BrokerOrder | OrderRequest) -> object:
    return order.price if order.trigger_price is None else order.trigger_price


def _held(position: BookPosition | BrokerPosition | None) -> str:
    return "0" if position is None else _of(position.quantity, position.average_price)
