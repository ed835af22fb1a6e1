"""How the venue is told to behave: the `simulation` object of the account file.

    "simulation": {
      "latency_ms": 20,               a call takes this long, half of it before it counts
      "fill_ratio": "0.4",            each match fills this share of what is left
      "fee_rate": "0.0005",           of the notional; below zero is a rebate
      "fee_currency": "quote",        or "base": spot purchases pay from what they buy
      "leverage": {"BTCUSDT": "10"},  for positions that do not tell their own
      "deduplicates": true,           false: a client order id may be used twice
      "amends": true,                 false: orders can be cancelled and placed, not changed
      "one_stop": false,              true: a position's second stop is refused
      "quarantine_seconds": 10,       the longest that a request is said to be on its way
      "clock_skew_seconds": 0,        the venue's clock minus ours
      "faults": [{"on": "place", "kind": "lost_reply"}]
    }

A fault happens `times` times (once unless told) at the next calls of that name, `any` being all of
them but `events`, the stream; with `symbol` only at calls about that symbol or about the whole
account. What each kind does is in faults.py. `counters` and `in_flight` are the venue's own notes:
the last numbers given out, and the calls that have not arrived yet.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, ValidationError, convert, to_builtins

from core.domain.errors import BrokenDocument
from core.domain.money import parse_decimal
from core.domain.text import Row

# Figures may be written as text or as JSON numbers; either way they become decimals by their text.
Figure = str | int | float
Seconds = Annotated[float, Meta(ge=0, le=86_400)]

Operation = Literal[
    "any", "place", "amend", "cancel", "snapshot", "find_order", "quote", "instrument", "balances",
    "account_mode", "clock_skew", "events",
]  # fmt: skip
Kind = Literal[
    "lost_reply", "timeout_before_accept", "late_accept", "reject", "rate_limit", "unavailable",
    "not_sent", "partial", "delayed_event", "duplicate_event", "price_gap", "inconclusive",
]  # fmt: skip

WRITES = frozenset({"place", "amend", "cancel"})
# Kinds that mean something on these calls only; the others do on any.
ONLY_ON: Mapping[str, frozenset[str]] = {
    "late_accept": WRITES,
    "partial": frozenset({"place", "snapshot", "events"}),
    "delayed_event": frozenset({"place", "snapshot", "events"}),
    "duplicate_event": frozenset({"snapshot", "events"}),
    "inconclusive": frozenset({"find_order"}),
}


class Fault(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something that goes wrong on purpose."""

    on: Operation
    kind: Kind
    times: Annotated[int, Meta(ge=1)] = 1
    symbol: str | None = None
    part: Literal["orders", "executions", "positions", "balances"] | None = None
    code: str | None = None
    text: str | None = None
    after_seconds: Seconds = 5
    ratio: Figure = "0.5"
    price: Figure | None = None

    def __post_init__(self) -> None:
        _share("ratio", self.ratio)
        if self.on not in ONLY_ON.get(self.kind, {self.on}):
            raise ValueError(f"{self.kind} means nothing on {self.on}")
        if self.kind == "price_gap" and (self.price is None or self.symbol is None):
            raise ValueError("a price_gap needs a symbol and a price")

    def meets(self, operation: str, symbol: str | None) -> bool:
        """A gap names the symbol that jumps, whatever the call is about."""
        about = symbol is None or self.symbol in (None, symbol) or self.kind == "price_gap"
        # The stream looks many times a second: only a fault that names it is meant for it.
        everything = "any" if operation != "events" else "events"
        return self.on in (everything, operation) and about

    @property
    def why(self) -> str:
        return self.text or f"scripted fault: {self.kind}"


class Counters(Struct, kw_only=True):
    """The highest number given out so far."""

    order: int = 0
    execution: int = 0


class Simulation(Struct, kw_only=True, forbid_unknown_fields=True):
    """The options as told, with their defaults."""

    latency_ms: Annotated[int, Meta(ge=0, le=600_000)] = 0
    fill_ratio: Figure = 1
    fee_rate: Figure = 0
    fee_currency: Literal["quote", "base"] = "quote"
    leverage: dict[str, Figure] = {}
    deduplicates: bool = True
    amends: bool = True
    one_stop: bool = False
    quarantine_seconds: Seconds = 10
    clock_skew_seconds: Annotated[float, Meta(ge=-86_400, le=86_400)] = 0
    faults: list[Fault] = []
    counters: Counters = msgspec.field(default_factory=Counters)
    in_flight: list[dict[str, Any]] = []

    def __post_init__(self) -> None:
        _share("fill_ratio", self.fill_ratio)
        if abs(figure(self.fee_rate)) >= 1:
            raise ValueError("fee_rate is a share of the notional, below 1")
        if any(figure(each) <= 0 for each in self.leverage.values()):
            raise ValueError("leverage is above zero")

    def waiting(self, operation: str, symbol: str | None) -> Fault | None:
        """The fault that the next such call meets."""
        return next((fault for fault in self.faults if fault.meets(operation, symbol)), None)

    def spend(self, fault: Fault) -> None:
        fault.times -= 1
        self.faults = [each for each in self.faults if each.times > 0]


def simulation_from(told: object) -> Simulation:
    """A misspelt option is an error: a rehearsal must not silently rehearse something else."""
    try:
        return convert({} if told is None else told, Simulation)
    except ValidationError as error:
        raise BrokenDocument(f"$.simulation: {error}") from None


def note(row: Row, simulation: Simulation) -> None:
    """Writes what changes by itself into the file's object and leaves the rest as it was typed."""
    row["counters"] = to_builtins(simulation.counters)
    for name in ("leverage", "faults", "in_flight"):
        if (value := to_builtins(getattr(simulation, name))) or name in row:
            row[name] = value


def figure(told: Figure) -> Decimal:
    return parse_decimal(str(told))


def _share(name: str, told: Figure) -> None:
    if not 0 <= figure(told) <= 1:
        raise ValueError(f"{name} is a share between 0 and 1")
