"""Orders as the broker keeps them: what was asked, what became of it, and who may touch it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from .contracts import Contract

ZERO = Decimal(0)


class Status(StrEnum):
    """The statuses of the wire that this venue gives."""

    PENDING_SUBMIT = "PendingSubmit"
    PRE_SUBMITTED = "PreSubmitted"
    SUBMITTED = "Submitted"
    FILLED = "Filled"
    CANCELLED = "Cancelled"


LAWFUL: dict[Status, frozenset[Status]] = {
    Status.PENDING_SUBMIT: frozenset(
        # Straight to Cancelled: a rejection, which never reaches a market.
        {Status.PRE_SUBMITTED, Status.SUBMITTED, Status.CANCELLED}
    ),
    Status.PRE_SUBMITTED: frozenset({Status.SUBMITTED, Status.FILLED, Status.CANCELLED}),
    Status.SUBMITTED: frozenset({Status.FILLED, Status.CANCELLED}),
    Status.FILLED: frozenset(),
    Status.CANCELLED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What somebody asks for, before the broker has said anything to it."""

    account: str
    contract: Contract
    action: str
    quantity: Decimal
    kind: str
    """MKT, LMT, STP or STP LMT; only the prices that belong to it are given."""
    limit: Decimal | None = None
    stop: Decimal | None = None
    tif: str = "DAY"
    order_ref: str = ""
    parent_id: int = 0
    transmit: bool = True
    outside_rth: bool = False
    oca_group: str = ""
    what_if: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Order:
    """One order of the account; `perm_id` names it for good, (client_id, order_id) only for now."""

    ticket: Ticket
    perm_id: int
    client_id: int
    order_id: int
    """Positive: a client's. 0: entered by hand. Negative: entered by hand, bound by client 0."""
    placed_at: datetime
    status: Status = Status.PENDING_SUBMIT
    filled: Decimal = ZERO
    average_price: Decimal = ZERO
    last_price: Decimal = ZERO
    triggered: bool = True
    waits_for_parent: bool = False
    completed_at: datetime | None = None
    outcome: str = ""
    """Why it ended, in the words of a completed order."""
    execution_ids: list[str] = field(default_factory=list)
    """In order of time, a correction in the place of what it corrects."""

    @property
    def account(self) -> str:
        return self.ticket.account

    @property
    def contract(self) -> Contract:
        return self.ticket.contract

    @property
    def is_buy(self) -> bool:
        return self.ticket.action == "BUY"

    @property
    def limit(self) -> Decimal | None:
        return self.ticket.limit

    @property
    def stop(self) -> Decimal | None:
        return self.ticket.stop

    @property
    def remaining(self) -> Decimal:
        return self.ticket.quantity - self.filled

    def signed(self, quantity: Decimal) -> Decimal:
        """The change of position that this quantity of the order makes."""
        return quantity if self.is_buy else -quantity

    @property
    def is_manual(self) -> bool:
        return self.order_id <= 0

    @property
    def is_live(self) -> bool:
        return bool(LAWFUL[self.status])

    @property
    def rests(self) -> bool:
        """Whether what cannot trade at once stays in the market."""
        return self.ticket.tif not in ("IOC", "FOK")

    @property
    def is_working(self) -> bool:
        """Live and past the parent it may hang on: the market may fill it."""
        return self.is_live and self.ticket.transmit and not self.waits_for_parent

    def become(self, status: Status) -> None:
        """Change the status along the table; staying where one is changes nothing."""
        if status is self.status:
            return
        if status not in LAWFUL[self.status]:
            raise ValueError(f"order {self.perm_id}: {self.status} does not become {status}")
        self.status = status

    def end(self, status: Status, at: datetime, outcome: str) -> None:
        self.become(status)
        self.completed_at = at
        self.outcome = outcome
