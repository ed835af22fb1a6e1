"""What the core needs of the world, as protocols; core/assembly.py says who fulfils them.

Reading and writing are separate ports. Whoever holds only a reading port cannot change anything,
and a broker write also demands a Receipt, which only the journal can mint (receipt.py).
"""

from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, Self

from core.domain.ambiguity import MatchDecision
from core.domain.execution import BookExecution
from core.domain.market import Balance, Instrument, Quote
from core.domain.observation import OpenStep
from core.domain.order import BookOrder, BrokerOrder, OrderRequest
from core.domain.position import Adjustment, BookPosition
from core.domain.record import (
    Alert,
    Audit,
    BookIdentity,
    Event,
    OrderEvent,
    PlanRecord,
    PlanState,
    Step,
    StepState,
)
from core.domain.snapshot import BrokerSnapshot, Lookup
from core.domain.stream import StreamEvent
from core.ports.intake import IntakeReading, IntakeWriting
from core.ports.positions import PositionReading, PositionWriting
from core.ports.receipt import Receipt

# --- the machine ------------------------------------------------------------------------------


class Clock(Protocol):
    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...


class Ids(Protocol):
    """Randomness, for names that need not be derived from meaning."""

    def token(self, bytes_count: int) -> str: ...


class Files(Protocol):
    """The home's files. Replacing is atomic and durable; new files are private to the user."""

    def read(self, path: Path) -> bytes: ...

    def replace(self, path: Path, content: bytes) -> None: ...

    def append(self, path: Path, line: str) -> None: ...

    def rotate(self, path: Path, names: Callable[[int, datetime], Iterable[Path]]) -> Path | None:
        """Gives the file another name between two appends; `names` sees its size and its age."""
        ...

    def exists(self, path: Path) -> bool: ...

    def remove(self, path: Path) -> None: ...


class RunLog(Protocol):
    """reconcile.log: one JSON line per event."""

    def event(self, name: str, *, level: str = "info", **fields: object) -> None: ...


# --- the broker -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a venue can do, as far as decisions and recovery depend on it."""

    # A second create under the same client id is refused by the venue.
    deduplicates: bool
    # An order can be asked for by our key.
    finds_by_key: bool
    # The longest a request may still be on its way; absence is believed only after it.
    quarantine: timedelta
    amends: bool = True
    hedges: bool = True
    # Limit orders that are refused rather than take.
    post_only: bool = True
    # Orders that can only take away from a position; without them every exit looks first.
    reduce_only: bool = True
    # A second stop of a position is refused while the first one stands.
    one_stop: bool = False


@dataclass(frozen=True, slots=True)
class AccountMode:
    position_mode: str
    # Of every symbol that is held, at least; None where nothing is borrowed at a leverage.
    leverage: Mapping[str, Decimal] | None = None


class BrokerReader(Protocol):
    """Answers of None or an empty listing never stand for a failed read: that is Unavailable."""

    @property
    def account(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    async def snapshot(self, since: datetime | None = None) -> BrokerSnapshot: ...

    async def find_order(
        self,
        *,
        symbol: str,
        client_order_id: str | None = None,
        broker_order_id: str | None = None,
        perm_id: str | None = None,
        created_at: datetime | None = None,
    ) -> Lookup: ...

    async def instrument(self, symbol: str) -> Instrument | None: ...

    async def quote(self, symbol: str) -> Quote: ...

    async def balances(self) -> Sequence[Balance]: ...

    async def account_mode(self) -> AccountMode: ...

    async def clock_skew(self) -> timedelta: ...

    async def close(self) -> None: ...


class BrokerWriter(Protocol):
    """Raises NotSent, Rejected or OutcomeUnknown; returning means the venue acknowledged."""

    async def place(self, receipt: Receipt, request: OrderRequest) -> BrokerOrder: ...

    async def amend(
        self,
        receipt: Receipt,
        order: BrokerOrder,
        *,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
        trigger_price: Decimal | None = None,
    ) -> BrokerOrder: ...

    async def cancel(self, receipt: Receipt, order: BrokerOrder) -> BrokerOrder: ...


class BrokerStream(Protocol):
    def events(self) -> AsyncIterator[StreamEvent]:
        """Everything the venue tells from now on; a lost connection is a Gap, not an error."""
        ...


class Broker(BrokerReader, BrokerWriter, BrokerStream, Protocol):
    """A venue account with all its ports."""


# --- the book ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A question for one page of a table. Names are checked against a whitelist by the book."""

    table: str
    where: Mapping[str, str] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    sort: str | None = None
    descending: bool = True
    page: int = 1
    page_size: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    rows: tuple[Mapping[str, Any], ...]
    page: int
    page_size: int
    total_items: int

    @property
    def total_pages(self) -> int:
        return -(-self.total_items // self.page_size)


class BookReading(IntakeReading, PositionReading, Protocol):
    """One consistent view of the book, inside a read transaction."""

    def identity(self) -> BookIdentity: ...

    def order_rows(
        self, account: str, broker_order_ids: Sequence[str] | None = None
    ) -> Iterator[tuple[Any, ...]]:
        """(order_id, *the COMPARED columns, created_at, origin) as stored, of orders that have a
        broker_order_id.

        All of them, or those with the given ids.
        """
        ...

    def live_order_ids(self, account: str) -> list[str]: ...

    def orders(
        self,
        account: str,
        *,
        live: bool = False,
        order_ids: Iterable[str] = (),
        broker_order_ids: Iterable[str] = (),
        client_order_ids: Iterable[str] = (),
        perm_ids: Iterable[str] = (),
    ) -> list[BookOrder]:
        """Each order that is live (when asked for) or carries any of the identifiers, once."""
        ...

    def execution_rows(self, account: str) -> Iterator[tuple[Any, ...]]:
        """(execution_key, broker_order_id, symbol, side, position_side, quantity, price, fee,
        fee_currency, kind) of every execution as stored, in no particular order."""
        ...

    def executions(self, account: str, keys: Iterable[str]) -> list[BookExecution]: ...

    def executions_of(
        self, account: str, broker_order_ids: Collection[str | None]
    ) -> list[BookExecution]:
        """All executions of these orders; None stands for those that name no order."""
        ...

    def executions_in(self, account: str, symbols: Collection[str]) -> Iterator[BookExecution]:
        """All executions in these symbols."""
        ...

    def positions(self, account: str) -> list[BookPosition]: ...

    def adjustments(self, account: str) -> list[Adjustment]: ...

    def decisions(self, account: str) -> list[MatchDecision]: ...

    def open_steps(self, account: str | None = None) -> list[OpenStep]: ...

    def steps(self, *, plan_id: str | None = None, open_only: bool = False) -> list[Step]: ...

    def plan(self, plan_id: str) -> PlanRecord | None: ...

    def latest_plan(self) -> PlanRecord | None: ...

    def page(self, listing: Listing) -> Page: ...

    def history(self, subject: str) -> list[Mapping[str, Any]]:
        """Everything about an order, position or signal, oldest first, found by any of its ids."""
        ...


class BookWriting(BookReading, IntakeWriting, PositionWriting, Protocol):
    """One write transaction (BEGIN IMMEDIATE); it commits when the block ends without an error."""

    def insert_orders(self, orders: Sequence[BookOrder]) -> None: ...

    def update_orders(self, orders: Sequence[BookOrder]) -> None:
        """Replaces each row by order_id; a row that is not there is a BookError."""
        ...

    def delete_orders(self, order_ids: Sequence[str]) -> None: ...

    def insert_executions(self, executions: Sequence[BookExecution]) -> None: ...

    def update_executions(self, changes: Sequence[tuple[str, BookExecution]]) -> None:
        """Pairs of (key as it was, row as it is); a correction may carry a new key."""
        ...

    def put_positions(self, positions: Sequence[BookPosition]) -> None: ...

    def insert_adjustments(self, adjustments: Sequence[Adjustment]) -> None: ...

    def insert_order_events(self, events: Sequence[OrderEvent]) -> None: ...

    def insert_audit(self, rows: Sequence[Audit]) -> None: ...

    def insert_events(self, events: Sequence[Event]) -> None:
        """The outbox."""
        ...

    def insert_alert(self, alert: Alert) -> None: ...

    def bump_serial(self) -> int:
        """Once per transaction that changes facts; returns the new serial."""
        ...

    def register_plan(self, plan: PlanRecord) -> None:
        """Supersedes every plan still staged."""
        ...

    def move_plan(self, plan_id: str, to: PlanState, *, backup_file: str | None = None) -> bool:
        """False when the plan is not `staged` any more, so that one process wins."""
        ...

    def note_review(
        self,
        plan_id: str,
        *,
        at: datetime,
        sealed_by: str | None = None,
        decisions_digest: str | None = None,
    ) -> None: ...

    def insert_step(self, step: Step) -> None: ...

    def move_step(
        self,
        step_id: str,
        to: StepState,
        *,
        at: datetime,
        broker_order_id: str | None = None,
        outcome: str | None = None,
        attempts: int | None = None,
    ) -> None:
        """Refuses a move that STEP_MOVES does not list."""
        ...

    def put_decision(self, decision: MatchDecision) -> None: ...


@dataclass(frozen=True, slots=True)
class BookHealth:
    """What an examination of the database found: flaws in it, and doubts about its engine."""

    flaws: tuple[str, ...]
    doubts: tuple[str, ...]


class Book(Protocol):
    def read(self) -> AbstractContextManager[BookReading]: ...

    def write(self) -> AbstractContextManager[BookWriting]: ...

    def examine(self) -> BookHealth: ...

    def close(self) -> None: ...


# --- one at a time ----------------------------------------------------------------------------


class Lock(Protocol):
    """Held by whoever changes the book or the broker; the kernel releases it when we die."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: Any, error: Any, trace: Any, /) -> None: ...

    def is_wanted(self) -> bool:
        """Whether another process waits for it."""
        ...
