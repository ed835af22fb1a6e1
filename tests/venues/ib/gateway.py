"""The gateway itself: the listening socket, the connected clients, notices, resets and restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from types import TracebackType

from . import replies
from .account import TradingAccount
from .broker import Broker
from .events import OrderChanged, VenueEvent
from .faults import FaultScript
from .frames import Message
from .order_answers import bind_manual_orders
from .order_messages import completed_order
from .orders import Order
from .requests import Request
from .session import Session

HOST = "127.0.0.1"
SERVER_VERSION = 176

# What the gateway says of itself; the words after the colon name a farm and vary.
NOTICES = {
    1100: "Connectivity between IB and Trader Workstation has been lost.",
    1101: "Connectivity between IB and Trader Workstation has been restored - data lost.",
    1102: "Connectivity between IB and Trader Workstation has been restored - data maintained.",
    2103: "Market data farm connection is broken:usfarm",
    2104: "Market data farm connection is OK:usfarm",
    2105: "HMDS data farm connection is broken:ushmds",
    2106: "HMDS data farm connection is OK:ushmds",
    2110: "Connectivity between Trader Workstation and server is broken.",
    2158: "Sec-def data farm connection is OK:secdefnj",
}
WELCOME = (2104, 2106, 2158)
LOST, RESTORED_DATA_LOST, RESTORED = 1100, 1101, 1102


def utc_now() -> datetime:
    return datetime.now(UTC)


class IbGateway:
    """An emulated IB gateway on loopback, for unmodified TWS client libraries.

    The broker behind it (`accounts`, `broker`) lives as long as the object; `stop` and `start`, or
    `restart`, are the gateway's alone. All of it belongs to one event loop.
    """

    def __init__(
        self,
        accounts: Iterable[str] = ("DU1",),
        *,
        port: int = 0,
        clock: Callable[[], datetime] = utc_now,
        zone: str = "America/New_York",
    ) -> None:
        self._clock = clock
        self._port = port
        self._server: asyncio.Server | None = None
        self._sessions: set[Session] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self.skew = timedelta(0)
        """How far the gateway's clock runs ahead of the true one."""
        self.server_version = SERVER_VERSION
        self.is_offline = False
        self.broker = Broker.opened(accounts, self._now, zone)
        self.broker.ledger.listeners.append(self._tell)
        self.accounts = {name: TradingAccount(self.broker, name) for name in self.broker.accounts}
        self.faults = FaultScript()
        self.asked: list[tuple[int, Request]] = []
        """Everything clients have asked, with their ids; -1 before they gave one."""
        self.failures: list[Exception] = []
        """What went wrong in the emulation itself; leaving the context raises them."""

    # -- running

    async def __aenter__(self) -> IbGateway:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()
        if self.failures and error is None:
            raise ExceptionGroup("the emulated gateway failed", self.failures)

    @property
    def port(self) -> int:
        """The port, which stays the same over restarts."""
        return self._port

    async def start(self) -> None:
        """Listen; with port 0 the first start picks a free one."""
        self._server = await asyncio.start_server(self._accept, HOST, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and drop everybody: from now on connections are refused."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for timer in self._timers:
            timer.cancel()
        self.drop_clients(hard=True)
        await asyncio.gather(*self._serving)
        if server is not None:
            await server.wait_closed()

    async def restart(self, *, forget_order_ids: bool = True, new_day: bool = False) -> None:
        """Drop everybody and come back on the same port.

        A gateway that forgets hands out order ids again that finished orders had; a new day also
        ends the listing of yesterday's executions and completed orders.
        """
        await self.stop()
        if forget_order_ids:
            self.broker.entry.forget_ids()
        if new_day:
            self.broker.ledger.begin_day()
        await self.start()

    async def nightly_reset(self) -> None:
        """What happens once a day: every socket is dropped and a new trading day begins."""
        await self.restart(forget_order_ids=False, new_day=True)

    # -- clients

    @property
    def clients(self) -> list[int]:
        """The ids of the clients connected now."""
        return sorted(session.client_id for session in self._started())

    def drop_clients(self, *, client_id: int | None = None, hard: bool = False) -> None:
        """Close the connections of one client or of all, in good order or as a dead link."""
        for session in list(self._sessions):
            if client_id in (None, session.client_id):
                if hard:
                    session.cut()
                else:
                    session.close()

    def notice(self, code: int, words: str | None = None, *, client_id: int | None = None) -> None:
        """Tell clients something that belongs to no request."""
        words = NOTICES[code] if words is None else words
        self._send([replies.error(replies.NO_REQUEST, code, words)], client_id)

    def order_error(self, order: Order, code: int, words: str = "scripted") -> None:
        """Send an order's owner an error about it, while the order itself stays as it is."""
        self._send([replies.error(order.order_id, code, words)], order.client_id)

    def announce_completed(self, order: Order, *, client_id: int | None = None) -> None:
        """Send a completed order that nobody asked for."""
        self._send([completed_order(order, self.broker.zone)], client_id)

    def lose_connectivity(self) -> None:
        """The gateway loses IB: clients stay connected, and nothing gets through any more."""
        self.notice(LOST)
        self.is_offline = True

    def restore_connectivity(self, *, data_lost: bool = False) -> None:
        """IB is back; what happened meanwhile is not told again."""
        self.is_offline = False
        self.notice(RESTORED_DATA_LOST if data_lost else RESTORED)

    def holds(self, client_id: int) -> bool:
        return client_id in self.clients

    def welcome(self) -> list[Message]:
        codes = (LOST,) if self.is_offline else WELCOME
        return [replies.error(replies.NO_REQUEST, code, NOTICES[code]) for code in codes]

    def later(self, seconds: float | None, action: Callable[[], None]) -> None:
        if seconds is None:
            self.faults.hold(action)
        else:
            self._timers.add(asyncio.get_running_loop().call_later(seconds, action))

    def _now(self) -> datetime:
        return self._clock() + self.skew

    def _started(self) -> list[Session]:
        return [each for each in self._sessions if each.is_open and each.client_id >= 0]

    def _send(self, messages: list[Message], client_id: int | None) -> None:
        for session in self._started():
            if client_id in (None, session.client_id):
                session.send(messages)

    def _tell(self, event: VenueEvent) -> None:
        if isinstance(event, OrderChanged) and event.order.order_id == 0:
            self._bind_manual_orders()
            return
        for session in self._started():
            session.tell(event)

    def _bind_manual_orders(self) -> None:
        """A new manual order becomes client 0's if it has asked for that."""
        for session in self._started():
            if session.client.binds_manual_orders:
                session.send(bind_manual_orders(self.broker))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        session = Session(self, reader, writer)
        self._sessions.add(session)
        self._serving.add(task)
        try:
            await session.run()
        except Exception as failure:  # noqa: BLE001 - kept, and raised when the context is left
            self.failures.append(failure)
        finally:
            session.close()
            self._sessions.discard(session)
            self._serving.discard(task)
