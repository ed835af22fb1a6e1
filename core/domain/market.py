"""What a symbol is and what it trades at."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """`kind` is spot, linear, inverse, future or stock; `multiplier` is the contract size."""

    symbol: str
    kind: str = "linear"
    base: str | None = None
    quote: str | None = None
    price_tick: Decimal | None = None
    quantity_step: Decimal | None = None
    min_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    multiplier: Decimal = ONE
    expiry: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    symbol: str
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    currency: str
    total: Decimal
    available: Decimal
