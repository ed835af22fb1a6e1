"""Everything that can happen to the broker or the book. What is not in this file cannot happen.

Each class is one kind. `before` is what must still be true when the door carries it out, `after`
what is true once it has; an `after` of None means that the subject is gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, assert_never

from core.domain.execution import BookExecution
from core.domain.exit import ExitOrder
from core.domain.intent import IntentOrder
from core.domain.order import BookOrder, BrokerOrder, OrderRequest
from core.domain.position import BookPosition, BrokerPosition


class ChangeClass(StrEnum):
    """How much a change asks of whoever approves it."""

    RECORD = "record"  # the book catches up with a broker fact
    CORRECT = "correct"  # a book value is overridden
    ERASE = "erase"  # a book row goes
    PROTECT = "protect"  # reduce-only at the broker
    TRADE = "trade"  # anything else at the broker


class Section(StrEnum):
    """Where the staged file lists it."""

    INSERT = "to_insert"
    UPDATE = "to_update"
    DELETE = "to_delete"
    SPY_FUTURES = "spy_futures_actions"
    BROKER = "broker_actions"


class Risk(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Common to all: whose, what, why."""

    kind: ClassVar[str]
    entity: ClassVar[str]
    at_broker: ClassVar[bool] = False

    account: str
    symbol: str
    target: str
    reason: str
    because: str
    risk: Risk = Risk.LOW


# --- the book ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertOrder(Change):
    kind: ClassVar[str] = "insert_order"
    entity: ClassVar[str] = "order"
    before: None = None
    after: BookOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateOrder(Change):
    """`corrects` is set when the book said more than the broker does, such as a larger fill."""

    kind: ClassVar[str] = "update_order"
    entity: ClassVar[str] = "order"
    before: BookOrder
    after: BookOrder
    corrects: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOrder(Change):
    """Soft while `after` holds the row with its new status; hard when `after` is None."""

    kind: ClassVar[str] = "delete_order"
    entity: ClassVar[str] = "order"
    before: BookOrder
    after: BookOrder | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertExecution(Change):
    kind: ClassVar[str] = "insert_execution"
    entity: ClassVar[str] = "execution"
    before: None = None
    after: BookExecution


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateExecution(Change):
    """A correction, or a fee that was not known before. `after` may carry a new execution id."""

    kind: ClassVar[str] = "update_execution"
    entity: ClassVar[str] = "execution"
    before: BookExecution
    after: BookExecution


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptPosition(Change):
    """The book takes over what no execution explains; `unexplained` is kept as an adjustment."""

    kind: ClassVar[str] = "adopt_position"
    entity: ClassVar[str] = "position"
    before: BookPosition | None
    after: BookPosition
    unexplained: Decimal


# --- the broker -------------------------------------------------------------------------------


REPLACES_STOP = "replaces_stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceStop(Change):
    """The first stop of a position, or one in the place of a stop that cannot be changed."""

    kind: ClassVar[str] = "place_stop"
    entity: ClassVar[str] = "stop"
    at_broker: ClassVar[bool] = True
    before: None = None
    after: OrderRequest

    @property
    def is_first(self) -> bool:
        """Whether the position is bare without it."""
        return self.reason != REPLACES_STOP


@dataclass(frozen=True, slots=True, kw_only=True)
class ResizeStop(Change):
    kind: ClassVar[str] = "resize_stop"
    entity: ClassVar[str] = "stop"
    at_broker: ClassVar[bool] = True
    before: BrokerOrder
    after: BrokerOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveStop(Change):
    """A stop follows the profit of its position; it is only ever made tighter."""

    kind: ClassVar[str] = "move_stop"
    entity: ClassVar[str] = "stop"
    at_broker: ClassVar[bool] = True
    before: BrokerOrder
    after: BrokerOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelDuplicateStop(Change):
    kind: ClassVar[str] = "cancel_duplicate_stop"
    entity: ClassVar[str] = "stop"
    at_broker: ClassVar[bool] = True
    before: BrokerOrder
    after: None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrphanStop(Change):
    kind: ClassVar[str] = "cancel_orphan_stop"
    entity: ClassVar[str] = "stop"
    at_broker: ClassVar[bool] = True
    before: BrokerOrder
    after: None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelStaleOrder(Change):
    kind: ClassVar[str] = "cancel_stale_order"
    entity: ClassVar[str] = "order"
    at_broker: ClassVar[bool] = True
    before: BrokerOrder
    after: None = None


# --- what signals ask for ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder(Change):
    """An order of ours makes way for a signal."""

    kind: ClassVar[str] = "cancel_order"
    entity: ClassVar[str] = "order"
    at_broker: ClassVar[bool] = True
    before: BrokerOrder
    after: None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendOrder(Change):
    """Our single pending order becomes what a newer signal asks for, in place."""

    kind: ClassVar[str] = "amend_order"
    entity: ClassVar[str] = "order"
    at_broker: ClassVar[bool] = True
    before: BrokerOrder
    after: BrokerOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder(Change):
    """An approved intent's order; its key comes of the intent, whoever carries it out."""

    kind: ClassVar[str] = "place_order"
    entity: ClassVar[str] = "order"
    at_broker: ClassVar[bool] = True
    before: None = None
    after: IntentOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceExit(Change):
    """An approved exit's order; its key comes of the exit, whoever carries it out."""

    kind: ClassVar[str] = "place_exit"
    entity: ClassVar[str] = "order"
    at_broker: ClassVar[bool] = True
    before: None = None
    after: ExitOrder


# --- S&P positions ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialState(Change):
    """Informational: the position was there at start-up. Nothing to approve, nothing to do."""

    kind: ClassVar[str] = "initial_state"
    entity: ClassVar[str] = "position"
    before: BrokerPosition
    after: None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseRecommendation(Change):
    kind: ClassVar[str] = "close_recommendation"
    entity: ClassVar[str] = "position"
    at_broker: ClassVar[bool] = True
    before: BrokerPosition
    after: OrderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeProfit(Change):
    kind: ClassVar[str] = "take_profit"
    entity: ClassVar[str] = "position"
    at_broker: ClassVar[bool] = True
    before: BrokerPosition
    after: OrderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class RollDue(Change):
    """Carries the order that closes the expiring contract; opening the next is a person's call."""

    kind: ClassVar[str] = "roll_due"
    entity: ClassVar[str] = "position"
    at_broker: ClassVar[bool] = True
    before: BrokerPosition
    after: OrderRequest


BookChange = (
    InsertOrder | UpdateOrder | DeleteOrder | InsertExecution | UpdateExecution | AdoptPosition
)
Cancel = CancelDuplicateStop | CancelOrphanStop | CancelStaleOrder | CancelOrder
Amend = ResizeStop | MoveStop | AmendOrder
SpyChange = InitialState | CloseRecommendation | TakeProfit | RollDue
Placement = PlaceStop | PlaceExit | PlaceOrder | CloseRecommendation | TakeProfit | RollDue
BrokerChange = Placement | Amend | Cancel
AnyChange = BookChange | BrokerChange | InitialState

# The closed list, in the order in which a plan carries them out: facts first, then what follows.
KINDS: Mapping[str, type[AnyChange]] = MappingProxyType(
    {
        kind.kind: kind
        for kind in (
            InsertOrder,
            UpdateOrder,
            DeleteOrder,
            InsertExecution,
            UpdateExecution,
            AdoptPosition,
            InitialState,
            # A stop that is too small or missing is worse than one too many: mend before removing.
            PlaceStop,
            ResizeStop,
            MoveStop,
            CancelDuplicateStop,
            CancelOrphanStop,
            CancelStaleOrder,
            CloseRecommendation,
            TakeProfit,
            RollDue,
            # What makes way goes before what comes.
            CancelOrder,
            PlaceExit,
            AmendOrder,
            PlaceOrder,
        )
    }
)
RANK: Mapping[str, int] = MappingProxyType({kind: rank for rank, kind in enumerate(KINDS)})


def class_of(change: AnyChange) -> ChangeClass:
    """How much approval it takes."""
    match change:
        case UpdateOrder(corrects=True) | AdoptPosition():
            return ChangeClass.CORRECT
        case InsertOrder() | UpdateOrder() | InsertExecution() | UpdateExecution():
            return ChangeClass.RECORD
        case InitialState():
            return ChangeClass.RECORD
        case DeleteOrder():
            return ChangeClass.ERASE
        case CancelStaleOrder() | CancelOrder() | AmendOrder() | PlaceOrder():
            return ChangeClass.TRADE
        case PlaceStop() | ResizeStop() | MoveStop() | PlaceExit():
            return ChangeClass.PROTECT
        case CancelDuplicateStop() | CancelOrphanStop():
            return ChangeClass.PROTECT
        case CloseRecommendation() | TakeProfit() | RollDue():
            return ChangeClass.PROTECT
    assert_never(change)


def section_of(change: AnyChange) -> Section:
    """By what happens to the book's row; what would be sent to the broker has its own sections."""
    match change:
        case InitialState() | CloseRecommendation() | TakeProfit() | RollDue():
            return Section.SPY_FUTURES
        case InsertOrder() | InsertExecution() | AdoptPosition(before=None):
            return Section.INSERT
        case UpdateOrder() | UpdateExecution() | AdoptPosition():
            return Section.UPDATE
        case DeleteOrder():
            return Section.DELETE
        case PlaceStop() | ResizeStop() | MoveStop():
            return Section.BROKER
        case CancelDuplicateStop() | CancelOrphanStop() | CancelStaleOrder():
            return Section.BROKER
        case CancelOrder() | AmendOrder() | PlaceOrder() | PlaceExit():
            return Section.BROKER
    assert_never(change)


def is_hard_erase(change: AnyChange) -> bool:
    return isinstance(change, DeleteOrder) and change.after is None


def is_informational(change: AnyChange) -> bool:
    return isinstance(change, InitialState)
