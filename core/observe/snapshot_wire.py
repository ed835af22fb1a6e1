"""The snapshot format as it lies in a file: plain strings, checked for type and presence only.

These rows are for comparing text with text in bulk. Whatever needs thought is made into a noun
first (snapshot_nouns.py), which is where numbers, times and words are read strictly.
"""

from typing import Any

from msgspec import Struct

FORMAT = "trueup.broker-snapshot/1"


class WireOrder(Struct, kw_only=True, gc=False):
    """One item of `orders`."""

    broker_order_id: str
    client_order_id: str | None = None
    perm_id: str | None = None
    symbol: str
    side: str
    position_side: str | None = None
    type: str
    quantity: str
    filled_quantity: str | None = None
    price: str | None = None
    trigger_price: str | None = None
    average_price: str | None = None
    time_in_force: str | None = None
    reduce_only: bool | None = None
    post_only: bool | None = None
    status: str
    created_at: str | None = None
    updated_at: str | None = None
    allows: str | None = None
    expires_at: str | None = None


class WireExecution(Struct, kw_only=True, gc=False):
    """One item of `executions`."""

    execution_id: str
    broker_order_id: str | None = None
    client_order_id: str | None = None
    perm_id: str | None = None
    symbol: str
    side: str
    position_side: str | None = None
    quantity: str
    price: str
    fee: str | None = None
    fee_currency: str | None = None
    kind: str | None = None
    executed_at: str
    corrects: str | None = None


class WirePosition(Struct, kw_only=True, gc=False):
    """One item of `positions`."""

    symbol: str
    side: str | None = None
    quantity: str
    average_price: str | None = None
    mark_price: str | None = None
    unrealized_pnl: str | None = None
    leverage: str | None = None
    fees_in_average: bool | None = None


class WireBalance(Struct, kw_only=True, gc=False):
    """One item of `balances`."""

    currency: str
    total: str
    available: str


class WireInstrument(Struct, kw_only=True, gc=False):
    """One item of `instruments`."""

    symbol: str
    kind: str | None = None
    base: str | None = None
    quote: str | None = None
    price_tick: str | None = None
    quantity_step: str | None = None
    min_quantity: str | None = None
    min_notional: str | None = None
    multiplier: str | None = None
    expiry: str | None = None


class WireQuote(Struct, kw_only=True, gc=False):
    """One item of `quotes`."""

    symbol: str
    bid: str | None = None
    ask: str | None = None
    last: str | None = None
    at: str | None = None


# What each top-level key holds. Keys that are not listed are kept by whoever rewrites the file and
# mean nothing here.
SCALARS: dict[str, Any] = {
    "format": str,
    "taken_at": str,
    "account": str,
    "broker": str,
    "position_mode": str | None,
    "parts": dict[str, str | dict[str, str]] | None,
    "executions_since": str | None,
    "read_only": bool | None,
}
ROWS: dict[str, type[Struct]] = {
    "orders": WireOrder,
    "executions": WireExecution,
    "positions": WirePosition,
    "balances": WireBalance,
    "instruments": WireInstrument,
    "quotes": WireQuote,
}
