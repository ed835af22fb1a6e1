"""A trading signal: what its producer said, and how far its processing has come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from core.domain.order import OrderType, Side


class Aim(StrEnum):
    """What a signal wants of the position."""

    OPEN = "open"
    CLOSE = "close"


class SignalState(StrEnum):
    """Persist first, emit second: a detected signal is told to nobody until it is published."""

    DETECTED = "DETECTED"
    PUBLISHED = "PUBLISHED"
    REJECTED = "REJECTED"


class RequestStatus(StrEnum):
    """How far the signal's processing has come, over all the accounts that it addresses."""

    PENDING = "pending"
    EXECUTING = "executing"
    DONE = "done"
    FAILED = "failed"


REQUEST_MOVES: Mapping[RequestStatus, frozenset[RequestStatus]] = MappingProxyType(
    {
        RequestStatus.PENDING: frozenset(
            {RequestStatus.EXECUTING, RequestStatus.DONE, RequestStatus.FAILED}
        ),
        RequestStatus.EXECUTING: frozenset({RequestStatus.DONE, RequestStatus.FAILED}),
        RequestStatus.DONE: frozenset(),
        # A producer may send a failed signal once more, under the same id; and an order that was
        # taken for lost may turn out to have filled after all.
        RequestStatus.FAILED: frozenset({RequestStatus.PENDING, RequestStatus.DONE}),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSnapshot:
    """The market as the producer saw it. `spread` is a difference of prices, not a percentage."""

    price: Decimal | None = None
    spread: Decimal | None = None
    volume_24h: Decimal | None = None
    volatility: Decimal | None = None
    bid_depth: Decimal | None = None
    ask_depth: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What a producer said, once it has been found valid. `amount` is in quote currency."""

    signal_id: str
    signal_type: Side
    symbol: str
    amount: Decimal
    confidence: Decimal
    timestamp: datetime
    strategy_id: str
    model_version: str | None = None
    is_warmup: bool = False
    # The fields of MarketSnapshot as text, and technical_indicators as they came.
    market_data_snapshot: Mapping[str, object] = field(default_factory=dict)
    metadata: Mapping[str, object] = field(default_factory=dict)
    trace_id: str | None = None
    # None addresses every enabled account.
    account: str | None = None
    direction: str | None = None
    confluence_type: str | None = None
    # The day of `timestamp` in UTC, on signals that carry a confluence.
    signal_day: str | None = None
    effective_floor: Decimal | None = None
    effective_ceiling: Decimal | None = None
    order_type: OrderType | None = None
    urgency: bool = False
    leverage: Decimal | None = None
    stop_loss_pct: Decimal | None = None
    take_profit_pct: Decimal | None = None
    expires_at: datetime | None = None
    aim: Aim = Aim.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRecord(Signal):
    """One row of `signals`."""

    # spool, queue, submit, api
    source: str
    received_at: datetime
    state: SignalState = SignalState.DETECTED
    request_status: RequestStatus = RequestStatus.PENDING
    # Counts the times that it was taken in: a failed signal may come once more.
    attempt: int = 1
    # Why it was rejected or failed.
    reason: str | None = None
    finished_at: datetime | None = None


class DeliveryState(StrEnum):
    PENDING = "PENDING"
    # An intent exists that says what became of it.
    QUALIFIED = "QUALIFIED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One signal on its way to one account; a lane takes its deliveries in the order they came."""

    delivery_id: str
    signal_id: str
    account: str
    symbol: str
    state: DeliveryState = DeliveryState.PENDING
    attempt: int = 1
    created_at: datetime
    qualified_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """What could not be understood as a signal, kept with where it came from and every reason."""

    letter_id: str
    source: str
    # The file and line, or the queue and delivery.
    place: str
    reason: str
    body: str
    at: datetime
    replayed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a spool has been read; moves in the transaction that takes in what was read."""

    source: str
    # Tells a file from another one that took its name.
    file_id: str
    # The first bytes of the file, as a digest, and how many they are: a file may be rewritten.
    head_bytes: int
    head_digest: str
    offset: int
    line: int
    at: datetime
