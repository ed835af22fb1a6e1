"""Orders as the broker tells them and as the book holds them, and the statuses between."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from core.domain.money import ZERO


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1


class PositionSide(StrEnum):
    """Which position an order speaks of: the only one (one-way), or a leg of a hedge."""

    BOTH = "both"
    LONG = "long"
    SHORT = "short"


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TAKE_PROFIT = "take_profit"
    TAKE_PROFIT_LIMIT = "take_profit_limit"
    TRAILING_STOP = "trailing_stop"


# What protects a position when it is reduce-only. A take-profit does not: it never caps a loss.
STOP_TYPES = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})


class OrderStatus(StrEnum):
    PENDING = "pending"
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    DRY_RUN = "dry_run"
    ORPHANED_DELETED = "orphaned_deleted"


# Statuses in which the venue may still act on the order.
LIVE = frozenset(
    {OrderStatus.PENDING, OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED, OrderStatus.UNKNOWN}
)
TERMINAL = frozenset(
    {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED}
)

# What an order's own stream of events may do to it; a snapshot of the broker may do more.
FORWARD: Mapping[OrderStatus, frozenset[OrderStatus]] = MappingProxyType(
    {
        OrderStatus.PENDING: LIVE | TERMINAL,
        OrderStatus.OPEN: frozenset({OrderStatus.PARTIALLY_FILLED, OrderStatus.UNKNOWN}) | TERMINAL,
        OrderStatus.PARTIALLY_FILLED: frozenset({OrderStatus.UNKNOWN}) | TERMINAL,
        # Asking the broker settles it, whichever way it went.
        OrderStatus.UNKNOWN: LIVE | TERMINAL,
        # A cancel can lose the race against a fill that was already on its way.
        OrderStatus.CANCELLED: frozenset({OrderStatus.FILLED}),
        OrderStatus.EXPIRED: frozenset({OrderStatus.FILLED}),
        OrderStatus.FILLED: frozenset(),
        OrderStatus.REJECTED: frozenset(),
        # Nothing was ever sent, so nothing can ever come back for it.
        OrderStatus.DRY_RUN: frozenset(),
        # It was believed gone; if the broker shows it again, the broker is right.
        OrderStatus.ORPHANED_DELETED: LIVE | TERMINAL,
    }
)


class Origin(StrEnum):
    """Who caused an order; only `owned` ones may be cancelled without a person asking."""

    OWNED = "owned"
    EXTERNAL = "external"
    LIQUIDATION = "liquidation"
    DRY_RUN = "dry_run"


class Allows(StrEnum):
    """All that can still be done from here to an order that cannot simply be changed."""

    CANCEL = "cancel"  # the venue knows no way of changing one like it
    NOTHING = "nothing"  # only whoever placed it can


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOrder:
    """One order in the broker's words. None means the broker did not say."""

    broker_order_id: str
    client_order_id: str | None = None
    perm_id: str | None = None
    symbol: str
    side: Side
    position_side: PositionSide = PositionSide.BOTH
    type: OrderType
    quantity: Decimal
    filled_quantity: Decimal = ZERO
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    average_price: Decimal | None = None
    time_in_force: str | None = None
    reduce_only: bool | None = None
    post_only: bool | None = None
    status: OrderStatus
    created_at: datetime | None = None
    updated_at: datetime | None = None
    # None while it can be changed and cancelled from here.
    allows: Allows | None = None
    # When the venue ends it by itself, where it does that to an order that still waits.
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookOrder:
    """One row of `orders`; field for field the columns that others read."""

    order_id: str
    account: str
    broker_order_id: str | None = None
    client_order_id: str | None = None
    perm_id: str | None = None
    symbol: str
    side: Side
    position_side: PositionSide = PositionSide.BOTH
    # None only for a stub made from executions whose order the broker no longer lists.
    order_type: OrderType | None = None
    quantity: Decimal
    filled_quantity: Decimal = ZERO
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    average_price: Decimal | None = None
    time_in_force: str | None = None
    reduce_only: bool | None = None
    post_only: bool | None = None
    status: OrderStatus
    origin: Origin
    signal_id: str | None = None
    parent_order_id: str | None = None
    trace_id: str | None = None
    fees: Decimal | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    executed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """An order we would like to exist: everything the venue needs to be told, and no more."""

    symbol: str
    side: Side
    position_side: PositionSide = PositionSide.BOTH
    type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: str | None = None
    reduce_only: bool = False
    post_only: bool = False


# Compared between broker and book; a None on the broker's side says nothing and differs from
# nothing. Pairs of (broker's name, book's name), in the order in which a plan lists what changed.
COMPARED: tuple[tuple[str, str], ...] = (
    ("status", "status"),
    ("filled_quantity", "filled_quantity"),
    ("average_price", "average_price"),
    ("price", "price"),
    ("quantity", "quantity"),
    ("trigger_price", "trigger_price"),
    ("type", "order_type"),
    ("time_in_force", "time_in_force"),
    ("reduce_only", "reduce_only"),
    ("post_only", "post_only"),
    ("broker_order_id", "broker_order_id"),
    ("client_order_id", "client_order_id"),
    ("perm_id", "perm_id"),
)


def at_broker(row: BookOrder) -> BrokerOrder:
    """The order as the book last heard of it, in the broker's words; it must have a venue id."""
    if row.broker_order_id is None or row.order_type is None:
        raise ValueError(f"the broker has not told of order {row.order_id}")
    told = {theirs: getattr(row, ours) for theirs, ours in COMPARED}
    return BrokerOrder(
        **told,
        symbol=row.symbol,
        side=row.side,
        position_side=row.position_side,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


OUR_KEY_PREFIX = "tu-"


def is_our_key(client_order_id: str | None) -> bool:
    """Whether a client order id has the shape that only this program gives."""
    return client_order_id is not None and client_order_id.startswith(OUR_KEY_PREFIX)


def caught_up(row: BookOrder, order: BrokerOrder) -> BookOrder:
    """The book's row as the broker tells it; what the broker leaves out stays as it was."""
    said = {
        book_name: value
        for broker_name, book_name in COMPARED
        if (value := getattr(order, broker_name)) is not None
    }
    filled_now = said.get("status") is OrderStatus.FILLED and row.executed_at is None
    return replace(
        row,
        **said,
        updated_at=order.updated_at or row.updated_at,
        executed_at=order.updated_at if filled_now else row.executed_at,
    )


def heard(row: BookOrder, order: BrokerOrder) -> BookOrder:
    """The row once the broker has told of one order, which may be old news.

    A state only moves forward and what is filled only grows; a look at the whole account may say
    otherwise, and then a person is asked.
    """
    if order.status is not row.status and order.status not in FORWARD[row.status]:
        return row
    if order.filled_quantity < row.filled_quantity:
        order = replace(order, filled_quantity=row.filled_quantity, average_price=row.average_price)
    return caught_up(row, order)
