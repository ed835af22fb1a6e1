"""Scripted misbehaviour: what goes wrong, at which moment, for which client, how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from .frames import Message


class Moment(StrEnum):
    """The requests a fault can strike, and below them what the gateway sends unasked."""

    HANDSHAKE = "handshake"
    START_API = "start_api"
    POSITIONS = "positions"
    OPEN_ORDERS = "open_orders"
    ALL_OPEN_ORDERS = "all_open_orders"
    AUTO_BIND = "auto_bind"
    COMPLETED_ORDERS = "completed_orders"
    EXECUTIONS = "executions"
    ACCOUNT_UPDATES = "account_updates"
    ACCOUNT_VALUES = "account_values"
    ACCOUNT_SUMMARY = "account_summary"
    CONTRACT_DETAILS = "contract_details"
    MARKET_PRICES = "market_prices"
    PLACE = "place"
    AMEND = "amend"
    CANCEL = "cancel"
    NEXT_ORDER_ID = "next_order_id"
    CURRENT_TIME = "current_time"

    FILL = "fill"
    CORRECTION = "correction"
    STATUS = "status"
    POSITION_UPDATE = "position_update"


UNASKED = frozenset({Moment.FILL, Moment.CORRECTION, Moment.STATUS, Moment.POSITION_UPDATE})


# -- before the request takes effect


@dataclass(frozen=True, slots=True)
class RequestLost:
    """Nothing happens and nothing is answered; the connection stays."""


@dataclass(frozen=True, slots=True)
class CutBefore:
    """The connection is cut and nothing has happened."""


@dataclass(frozen=True, slots=True)
class LateRequest:
    """The request takes effect later: after some seconds, or when the script is released.

    It does so even if its sender is gone by then: a late accept.
    """

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The request fails with this error. A new order with code 201 was rejected by the exchange
    and stays listed as cancelled; an amendment or a cancel leaves its order as it was."""

    code: int
    words: str = "Order rejected - reason: scripted"


# -- after it took effect


@dataclass(frozen=True, slots=True)
class ReplyLost:
    """It happened, and the reply never comes; the connection stays."""


@dataclass(frozen=True, slots=True)
class CutAfter:
    """It happened, and the connection is cut before any reply."""


@dataclass(frozen=True, slots=True)
class LateReply:
    """It happened, and the reply comes after some seconds, or when the script is released."""

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PartialReply:
    """Only the first messages of the reply come; the closing one does not."""

    messages: int


@dataclass(frozen=True, slots=True)
class Duplicated:
    """Every message comes twice."""


@dataclass(frozen=True, slots=True)
class Reversed:
    """The messages come in the opposite order."""


@dataclass(frozen=True, slots=True)
class ErrorAfter:
    """The usual reply, and after it an error for the same order, which lives on regardless."""

    code: int
    words: str = "scripted error on a live order"


Fault: TypeAlias = (
    RequestLost
    | CutBefore
    | LateRequest
    | Refused
    | ReplyLost
    | CutAfter
    | LateReply
    | PartialReply
    | Duplicated
    | Reversed
    | ErrorAfter
)

NEEDS_A_REQUEST = (RequestLost, LateRequest, Refused)


def reshaped(messages: list[Message], fault: Fault | None) -> list[Message]:
    """The reply as the fault lets it through."""
    match fault:
        case ReplyLost():
            return []
        case PartialReply(count):
            return messages[:count]
        case Duplicated():
            return [message for message in messages for _ in range(2)]
        case Reversed():
            return messages[::-1]
        case _:
            return messages


@dataclass(slots=True, kw_only=True)
class _Entry:
    moment: Moment
    fault: Fault
    client_id: int | None
    skip: int
    times: int | None


class FaultScript:
    """The faults still to come, taken in the order they were written."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._held: list[Callable[[], None]] = []

    def next(
        self,
        moment: Moment | str,
        fault: Fault,
        *,
        after: int = 0,
        times: int | None = 1,
        client_id: int | None = None,
    ) -> None:
        """Script a fault for the next occurrences of this moment.

        `after` occurrences pass unharmed first, then `times` are struck (None: all of them), of
        one client or of any.
        """
        moment = Moment(moment)
        if moment in UNASKED and isinstance(fault, NEEDS_A_REQUEST):
            raise ValueError(f"{moment} is sent unasked: {fault} cannot strike it")
        self._entries.append(
            _Entry(moment=moment, fault=fault, client_id=client_id, skip=after, times=times)
        )

    def always(self, moment: Moment | str, fault: Fault, *, client_id: int | None = None) -> None:
        """Script a fault for every occurrence of this moment, until `clear`."""
        self.next(moment, fault, times=None, client_id=client_id)

    def take(self, moment: Moment, client_id: int | None) -> Fault | None:
        """Count one occurrence and return the fault that strikes it."""
        for entry in self._entries:
            if entry.moment is not moment or entry.client_id not in (None, client_id):
                continue
            if entry.skip:
                entry.skip -= 1
                continue
            if entry.times is not None:
                entry.times -= 1
                if not entry.times:
                    self._entries.remove(entry)
            return entry.fault
        return None

    @property
    def pending(self) -> list[tuple[Moment, Fault]]:
        """What is scripted and has not struck yet."""
        return [(entry.moment, entry.fault) for entry in self._entries]

    def clear(self) -> None:
        """Forget what was scripted; what is held stays held."""
        self._entries.clear()

    def hold(self, action: Callable[[], None]) -> None:
        """Keep a late request or reply until it is released."""
        self._held.append(action)

    @property
    def held(self) -> int:
        """How many late requests and replies wait for `release`."""
        return len(self._held)

    def release(self, count: int | None = None) -> None:
        """Let held requests and replies through, the oldest first."""
        released, self._held = self._held[:count], self._held[count:] if count else []
        for action in released:
            action()
