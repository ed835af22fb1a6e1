"""An order update as a gateway writes it, read strictly, and what may be believed of it.

An update tells a state and how much is filled, and nothing of what was asked for: quantity and type
come from the book's row, and only while the two agree. Whatever is odd is for the venue to answer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from core.decide.qualify.fields import Fields
from core.decide.qualify.parsing import parse
from core.domain.money import ZERO
from core.domain.order import FORWARD, BookOrder, BrokerOrder, OrderStatus, Side

# In small letters and nothing else: `PartiallyFilled`, `partially_filled` and `PARTIALLY FILLED`.
STATUSES: Mapping[str, OrderStatus] = {
    "pending": OrderStatus.PENDING,
    "created": OrderStatus.OPEN,
    "new": OrderStatus.OPEN,
    "open": OrderStatus.OPEN,
    "active": OrderStatus.OPEN,
    "untriggered": OrderStatus.OPEN,
    "triggered": OrderStatus.OPEN,
    # The venue was asked to cancel it and has not done so yet.
    "pendingcancel": OrderStatus.OPEN,
    "partiallyfilled": OrderStatus.PARTIALLY_FILLED,
    "filled": OrderStatus.FILLED,
    "cancelled": OrderStatus.CANCELLED,
    "canceled": OrderStatus.CANCELLED,
    "partiallyfilledcancelled": OrderStatus.CANCELLED,
    "partiallyfilledcanceled": OrderStatus.CANCELLED,
    # A conditional order that was taken away before it was triggered.
    "deactivated": OrderStatus.CANCELLED,
    "rejected": OrderStatus.REJECTED,
    "expired": OrderStatus.EXPIRED,
}
Kind = TypeVar("Kind", OrderStatus, Side)

_SIDES: Mapping[str, Side] = {"buy": Side.BUY, "sell": Side.SELL}
_NO_LETTERS = re.compile(r"[^a-z]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """None is what the update does not say."""

    order_id: str
    symbol: str
    status: OrderStatus
    side: Side | None = None
    # Since the order began, not since the last update.
    filled: Decimal | None = None
    average_price: Decimal | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Which order it spoke of, when that much could be read."""

    reasons: tuple[str, ...]
    order_id: str | None = None
    symbol: str | None = None


def read_order_event(raw: bytes) -> OrderEvent | Unreadable:
    document, reasons = parse(raw)
    if document is None:
        return Unreadable(reasons=tuple(reasons))
    fields = Fields(document, reasons)
    order_id, symbol = fields.text("order_id", required=True), fields.symbol("symbol")
    status = _word(fields, "status", STATUSES, required=True)
    side = _word(fields, "side", _SIDES)
    filled = fields.number("cum_exec_qty", at_least=0)
    average = fields.number("avg_price", at_least=0)
    at = fields.moment("timestamp", or_seconds=True)
    for name in ("executed_qty", "cum_exec_value"):
        fields.number(name, at_least=0)
    for name in ("event_id", "event_type", "order_type", "trace_id"):
        fields.text(name)
    if reasons or order_id is None or symbol is None or status is None:
        return Unreadable(reasons=tuple(reasons), order_id=order_id, symbol=symbol)
    return OrderEvent(
        order_id=order_id,
        symbol=symbol,
        status=status,
        side=side,
        filled=filled,
        # Zero stands for a price that there is not.
        average_price=average or None,
        at=at,
    )


def _word(
    fields: Fields, name: str, words: Mapping[str, Kind], *, required: bool = False
) -> Kind | None:
    told = fields.text(name, required=required)
    if told is None:
        return None
    found = words.get(_NO_LETTERS.sub("", told.lower()))
    if found is None:
        fields.wrong(name, f"a word nobody knows: {told!r:.40}")
    return found


# --- believing ------------------------------------------------------------------------------------


def is_old(event: OrderEvent, row: BookOrder) -> bool:
    """Whether the book has heard more of the order since; a queue repeats, and may stand still."""
    if event.at is None or row.updated_at is None or event.at > row.updated_at:
        return False
    is_behind = event.status is row.status or event.status not in FORWARD[row.status]
    return is_behind and event.filled is not None and event.filled <= row.filled_quantity


def as_told(
    event: OrderEvent, row: BookOrder, *, now: datetime, ahead: timedelta
) -> BrokerOrder | None:
    """The order as the update tells it; None when only the venue can say.

    What the update leaves out stays None, and so leaves the row as it is.
    """
    if row.broker_order_id is None or row.order_type is None:
        return None
    if event.symbol != row.symbol or event.side not in (None, row.side):
        return None
    if event.at is not None and event.at > now + ahead:
        return None
    if event.filled is None or not _adds_up(event.status, event.filled, row.quantity):
        return None
    if event.filled and event.average_price is None:
        return None
    return BrokerOrder(
        broker_order_id=row.broker_order_id,
        symbol=row.symbol,
        side=row.side,
        position_side=row.position_side,
        type=row.order_type,
        quantity=row.quantity,
        filled_quantity=event.filled,
        average_price=event.average_price if event.filled else None,
        status=event.status,
        updated_at=event.at,
    )


def _adds_up(status: OrderStatus, filled: Decimal, quantity: Decimal) -> bool:
    match status:
        case OrderStatus.FILLED:
            return filled == quantity
        case OrderStatus.PARTIALLY_FILLED:
            return ZERO < filled < quantity
        case OrderStatus.CANCELLED | OrderStatus.EXPIRED:
            return filled < quantity
    return filled == ZERO
