"""The requests that read, and what counts as an answer.

Sent by hand and not through the library's own methods: those keep the rows to themselves until the
closing message comes, so an answer that breaks off would be no answer at all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.brokers.ib.library import Client, Contract, library


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`send` takes the library's client and the number of the request."""

    what: str
    send: Callable[[Client, int], None]
    # The library's name for the answer where requests have no number. Two questions in one channel
    # would be given one answer, so a channel whose answer did not come is never used again.
    channel: str | None = None
    # Where rows arrive as events of this name instead of as the answer's own.
    told_by: str | None = None
    # Ends what the question began, when the answer would otherwise go on for ever.
    end: Callable[[Client], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`missing` says why it is not whole; its rows then prove presence and never absence."""

    rows: tuple[Any, ...] = ()
    missing: str | None = None
    # The code with which the gateway refused to answer.
    code: int | None = None

    @property
    def whole(self) -> bool:
        return self.missing is None


# Of every client and of those entered by hand; the library's own open orders are ours alone.
OPEN_ORDERS = Question(
    what="open orders",
    send=lambda client, number: client.reqAllOpenOrders(),
    channel="openOrders",
)
COMPLETED_ORDERS = Question(
    what="completed orders",
    send=lambda client, number: client.reqCompletedOrders(False),
    channel="completedOrders",
)
POSITIONS = Question(
    what="positions",
    send=lambda client, number: client.reqPositions(),
    channel="positions",
)
CURRENT_TIME = Question(
    what="the time",
    send=lambda client, number: client.reqCurrentTime(),
    channel="currentTime",
)


def executions(account: str) -> Question:
    """Of the gateway's current day, whoever traded."""
    return Question(
        what="executions",
        send=lambda client, number: client.reqExecutions(
            number, library().ExecutionFilter(acctCode=account)
        ),
    )


def account_values(account: str) -> Question:
    """Cash and margin, and in passing the prices at which positions are valued."""
    return Question(
        what="account values",
        send=lambda client, number: client.reqAccountUpdates(True, account),
        channel="accountValues",
        told_by="accountValueEvent",
        end=lambda client: client.reqAccountUpdates(False, account),
    )


def prices(contract: Contract) -> Question:
    """The answer is the library's ticker of the contract, not rows."""

    def send(client: Client, number: int) -> None:
        client.wrapper.startTicker(number, contract, "snapshot")
        client.reqMktData(number, contract, "", True, False, [])

    return Question(what=f"the quote of {contract.localSymbol}", send=send)


def contract_details(contract: Contract) -> Question:
    return Question(
        what=f"contract details of {contract.localSymbol or contract.symbol or contract.conId}",
        send=lambda client, number: client.reqContractDetails(number, contract),
    )
