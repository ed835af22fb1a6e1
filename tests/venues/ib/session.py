"""One client's connection: what it asks, what strikes it on the way, and what it is sent."""

from __future__ import annotations

from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections.abc import Callable
from typing import Any, Protocol

from . import listings, order_answers, replies, requests
from .broker import Broker, Client
from .entry_rules import Refusal
from .events import VenueEvent
from .faults import (
    CutAfter,
    CutBefore,
    ErrorAfter,
    Fault,
    FaultScript,
    LateReply,
    LateRequest,
    Moment,
    Refused,
    RequestLost,
    reshaped,
)
from .frames import Message, NotSpokenHere, frame, read_message, read_preamble
from .updates import update

Answer = Callable[[Broker, Client, Any], list[Message]]

ANSWERS: dict[type[requests.Request], Answer] = {
    requests.Positions: listings.positions,
    requests.OpenOrders: listings.open_orders,
    requests.AllOpenOrders: listings.all_open_orders,
    requests.CompletedOrders: listings.completed_orders,
    requests.Executions: listings.executions,
    requests.AccountUpdates: listings.account_updates,
    requests.AccountValues: listings.account_values,
    requests.AccountSummary: listings.account_summary,
    requests.ContractDetails: listings.contract_details,
    requests.MarketPrices: listings.market_prices,
    requests.PlaceOrder: order_answers.place,
    requests.CancelOrder: order_answers.cancel,
    requests.AutoBind: order_answers.auto_bind,
}

CLIENT_ID_IN_USE = Refusal(
    326, "Unable to connect as the client id is already in use. Retry with a unique client id."
)


class House(Protocol):
    """What a session needs of the gateway it belongs to."""

    broker: Broker
    faults: FaultScript
    server_version: int
    asked: list[tuple[int, requests.Request]]

    @property
    def is_offline(self) -> bool: ...

    def holds(self, client_id: int) -> bool:
        """Whether a connected client has this id."""

    def welcome(self) -> list[Message]:
        """The notices a client is met with."""

    def later(self, seconds: float | None, action: Callable[[], None]) -> None:
        """Run the action after some seconds, or when the fault script is released."""


class Session:
    """Serves one socket until either side closes it."""

    def __init__(self, house: House, reader: StreamReader, writer: StreamWriter) -> None:
        self._house = house
        self._broker = house.broker
        self._reader = reader
        self._writer = writer
        self.client = Client()
        self.is_open = True

    @property
    def client_id(self) -> int:
        return self.client.client_id

    async def run(self) -> None:
        """Greet, then serve request by request."""
        try:
            versions = await read_preamble(self._reader)
        except (IncompleteReadError, ConnectionError):
            return
        self._serve(requests.Greeting(versions=versions))
        while self.is_open and (fields := await read_message(self._reader)) is not None:
            self._serve(requests.decode(fields))

    def tell(self, event: VenueEvent) -> None:
        """Send what this client is due for an event; nothing gets through while offline."""
        due = update(self._broker, self.client, event)
        if due.messages and self.is_open and not self._house.is_offline:
            fault = self._house.faults.take(due.moment, self.client_id) if due.moment else None
            self._deliver(due.messages, fault, due.subject)

    def send(self, messages: list[Message]) -> None:
        if self.is_open and messages:
            self._writer.write(b"".join(frame(each) for each in messages))

    def close(self) -> None:
        """Close in good order: what was sent still arrives."""
        self.is_open = False
        self._writer.close()

    def cut(self) -> None:
        """Drop the connection at once, as a dead link would."""
        self.is_open = False
        self._writer.transport.abort()

    def _serve(self, request: requests.Request) -> None:
        opening = isinstance(request, requests.Greeting | requests.StartApi)
        self._house.asked.append((self.client_id, request))
        if self._house.is_offline and not opening:
            return
        moment = self._moment(request)
        fault = self._house.faults.take(moment, self._asking_id(request)) if moment else None
        match fault:
            case RequestLost():
                return
            case CutBefore():
                self.cut()
            case LateRequest(seconds):
                self._house.later(seconds, lambda: self._answer(request, None))
            case Refused():
                self._refuse(request, fault)
            case _:
                self._answer(request, fault)

    def _moment(self, request: requests.Request) -> Moment | None:
        if isinstance(request, requests.PlaceOrder) and order_answers.amends(
            self._broker, self.client, request
        ):
            return Moment.AMEND
        return request.moment

    def _asking_id(self, request: requests.Request) -> int:
        return request.client_id if isinstance(request, requests.StartApi) else self.client_id

    def _answer(self, request: requests.Request, fault: Fault | None) -> None:
        """Let the request take effect, then send its reply as the fault lets it through."""
        try:
            messages = self._reply(request)
        except Refusal as refusal:
            self._deliver(
                [replies.error(request.subject, refusal.code, refusal.words)],
                fault,
                request.subject,
            )
            return
        self._deliver(messages, fault, request.subject)
        if isinstance(request, requests.PlaceOrder):
            order_answers.meet_market(self._broker, self.client, request)

    def _reply(self, request: requests.Request) -> list[Message]:
        match request:
            case requests.Greeting():
                return self._greet(request)
            case requests.StartApi():
                return self._start(request)
            case requests.NextOrderId():
                return [replies.next_order_id(self._broker.entry.next_id(self.client_id))]
            case requests.ManagedAccounts():
                return [replies.managed_accounts(self._broker.accounts)]
            case requests.CurrentTime():
                return [replies.current_time(self._broker.ledger.now())]
            case requests.CancelPositions():
                self.client.watches_positions = False
            case requests.CancelMarketPrices():
                self.client.tickers.pop(request.subject, None)
            case requests.MarketPriceKind():
                self.client.price_kind = request.kind
            case requests.Unanswered():
                pass
            case _:
                return ANSWERS[type(request)](self._broker, self.client, request)
        return []

    def _greet(self, request: requests.Greeting) -> list[Message]:
        lowest, _, highest = request.versions.removeprefix("v").partition(" ")[0].partition("..")
        version = min(int(highest or lowest), self._house.server_version)
        if version < int(lowest):
            raise NotSpokenHere(f"no common version with {request.versions}")
        ledger = self._broker.ledger
        return [replies.greeting(version, ledger.now(), self._broker.zone)]

    def _start(self, request: requests.StartApi) -> list[Message]:
        if self._house.holds(request.client_id):
            self._turn_away(CLIENT_ID_IN_USE)
            return []
        self.client.client_id = request.client_id
        return [
            replies.managed_accounts(self._broker.accounts),
            replies.next_order_id(self._broker.entry.next_id(request.client_id)),
            *self._house.welcome(),
        ]

    def _turn_away(self, refusal: Refusal) -> None:
        self.send([replies.error(replies.NO_REQUEST, refusal.code, refusal.words)])
        self.close()

    def _refuse(self, request: requests.Request, fault: Refused) -> None:
        if isinstance(request, requests.StartApi):
            self._turn_away(Refusal(fault.code, fault.words))
            return
        if isinstance(request, requests.PlaceOrder) and fault.code == order_answers.REJECTED:
            order_answers.reject(self._broker, self.client, request)
        self.send([replies.error(request.subject, fault.code, fault.words)])

    def _deliver(self, messages: list[Message], fault: Fault | None, subject: int) -> None:
        match fault:
            case CutAfter() | CutBefore():
                self.cut()
            case LateReply(seconds):
                self._house.later(seconds, lambda: self.send(messages))
            case ErrorAfter(code, words):
                self.send([*messages, replies.error(subject, code, words)])
            case _:
                self.send(reshaped(messages, fault))
