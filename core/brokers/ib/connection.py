"""One connection to the gateway, from the handshake to the first reason to give it up.

A library object is used for one connection only: it keeps what it knew across a reconnect.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from core.brokers.ib import codes
from core.brokers.ib.address import Address
from core.brokers.ib.happenings import FillTold, Happening, Lost, Told, TradeTold
from core.brokers.ib.library import Fill, Ib, Trade, library
from core.brokers.ib.orders import ENDED, told_status
from core.brokers.ib.questions import Answer, Question
from core.domain.errors import Unavailable
from core.ports import Clock


class ClientIdInUse(Unavailable):
    """Another connection has our client id, or a dying one of ours has it still."""


class Connection:
    """`tell` hears of everything that happens on it, in order."""

    def __init__(self, address: Address, clock: Clock, tell: Callable[[Happening], None]):
        self._address = address
        self._clock = clock
        self._tell = tell
        self._stirred = asyncio.Event()
        self._hung_up = asyncio.Event()
        self._turned_away: Told | None = None
        # The question being asked, by its number.
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._asked_in_vain = False
        self._opened = False
        self.lost: str | None = None
        self.cut_off = False
        self.accounts: list[str] = []
        self.last_heard = clock.now()
        self.ib = self._library_object()

    def _library_object(self) -> Ib:
        ib = library().IB()
        # Its own listener asks for account summaries that nobody here reads.
        ib.errorEvent.clear()
        ib.errorEvent += self._on_told
        ib.updateEvent += self._on_packet
        ib.orderStatusEvent += self._on_trade
        ib.execDetailsEvent += self._on_fill
        ib.commissionReportEvent += self._on_commission
        ib.client.conn.disconnected += self._on_disconnected
        # Otherwise a request that was refused looks like one without results.
        ib.RaiseRequestErrors = True
        ib.TimezoneTWS = self._address.time_zone
        if self._address.rate_limit:
            ib.client.MaxRequests = self._address.rate_limit
        return ib

    # --- opening and closing -----------------------------------------------------------------

    async def open(self) -> None:
        """The handshake alone; the library's own connect also reads, and hides what went unread."""
        here = self._address
        self.ib.wrapper.clientId = here.client_id
        shaking = asyncio.ensure_future(
            self.ib.client.connectAsync(here.host, here.port, here.client_id, None)
        )
        shaking.add_done_callback(lambda _: self._stirred.set())
        try:
            async with asyncio.timeout(here.seconds):
                while not shaking.done() and self.lost is None:
                    self._stirred.clear()
                    await self._stirred.wait()
        except TimeoutError:
            raise self._unopened(f"no answer in {here.seconds:g} s") from None
        finally:
            failure = await _ending(shaking)
        if isinstance(failure, ConnectionRefusedError):
            raise self._unopened("connection refused") from failure
        if failure or self.lost is not None:
            raise self._unopened(str(failure or self.lost)) from failure
        self.accounts = list(self.ib.client.getAccounts())
        self._opened = True

    def _unopened(self, why: str) -> Unavailable:
        here = self._address
        if self._turned_away:
            return ClientIdInUse(
                f"client id {here.client_id} is in use at {here} ({self._turned_away})",
                hint=f"end what else uses it, or give {here.account} a client_id of its own; what "
                f"was placed as {here.client_id} could then be changed in TWS alone",
            )
        return Unavailable(
            f"IB gateway at {here}: {why}",
            hint="start TWS or IB Gateway, enable its API for socket clients, and check "
            f"{here.account}.host and .port",
        )

    async def close(self, why: str) -> None:
        """Whoever listens is told that the connection is lost."""
        self._lose(why)
        self.ib.disconnect()
        if self.ib.client.conn.isConnected():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hung_up.wait(), self._address.seconds)

    @property
    def seconds(self) -> float:
        """How long to wait for any one thing."""
        return self._address.seconds

    @property
    def usable(self) -> bool:
        return self.lost is None and not self._asked_in_vain

    # --- asking --------------------------------------------------------------------------------

    async def ask(self, question: Question) -> Answer:
        """Never raises for what the gateway does or leaves undone; the answer says it."""
        rows: list[Any] = []
        code: int | None = None
        try:
            result = await self._result(question, rows)
            return Answer(rows=tuple(rows) if result is rows else (result,))
        except TimeoutError:
            self._asked_in_vain = self._asked_in_vain or question.channel is not None
            why = (
                f"broke off after {len(rows)} rows" if rows else f"no answer in {self.seconds:g} s"
            )
        except ConnectionError:
            why = self.lost or "the connection is gone"
        except library().RequestError as error:
            why, code = f"{error.code}: {error.message}", error.code
        return Answer(rows=tuple(rows), missing=f"{question.what}: {why}", code=code)

    async def _result(self, question: Question, rows: list[Any]) -> Any:
        """`rows` itself for most questions; it fills while the answer comes."""
        number = self.ib.client.getReqId()
        future = self.ib.wrapper.startReq(question.channel or number, container=rows)
        self._waiting[number] = future
        try:
            with self._gathering(question.told_by, rows):
                question.send(self.ib.client, number)
                async with asyncio.timeout(self.seconds):
                    return await future
        finally:
            del self._waiting[number]
            if question.end and self.lost is None:
                question.end(self.ib.client)

    @contextmanager
    def _gathering(self, event_name: str | None, rows: list[Any]) -> Iterator[None]:
        if event_name is None:
            yield
            return

        def gather(row: Any) -> None:
            rows.append(row)

        event = getattr(self.ib, event_name)
        event.connect(gather)
        try:
            yield
        finally:
            event.disconnect(gather)

    async def wait_for(self, condition: Callable[[], object]) -> None:
        """Or until the connection is lost or the patience over; the caller looks which it was."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._address.seconds):
                while self.lost is None and not condition():
                    self._stirred.clear()
                    await self._stirred.wait()

    # --- what the library tells ----------------------------------------------------------------

    def _on_told(self, subject: int, code: int, text: str, contract: object) -> None:
        told = Told(
            subject=subject,
            code=code,
            text=text,
            is_about_live_order=self._is_live_order(subject),
            since=self.last_heard,
        )
        if code == codes.CLIENT_ID_IN_USE:
            self._turned_away = told
        if code == codes.CONNECTIVITY_LOST:
            self.cut_off = True
        if code in (codes.RESTORED, codes.RESTORED_DATA_LOST):
            self.cut_off = False
        self._refuse(told)
        self._tell(told)
        self._stirred.set()

    def _refuse(self, told: Told) -> None:
        """The library takes some refusals for warnings, and leaves the request without an end."""
        future = self._waiting.get(told.subject)
        if future and not future.done() and not codes.is_notice(told.code):
            future.set_exception(library().RequestError(told.subject, told.code, told.text))

    def _is_live_order(self, subject: int) -> bool:
        """Orders and requests are numbered from one row; only orders are known by their number."""
        trade = self.ib.wrapper.trades.get((self._address.client_id, subject))
        return trade is not None and told_status(trade) not in ENDED

    def _on_packet(self) -> None:
        self.last_heard = self._clock.now()
        self._stirred.set()

    def _on_trade(self, trade: Trade) -> None:
        """Not when the library concluded it from an error."""
        if not (trade.log and trade.log[-1].errorCode):
            self._tell(TradeTold(trade))

    def _on_fill(self, trade: Trade, fill: Fill) -> None:
        self._tell(FillTold(fill))

    def _on_commission(self, trade: Trade, fill: Fill, report: object) -> None:
        self._tell(FillTold(fill))

    def _on_disconnected(self, why: str) -> None:
        self._hung_up.set()
        self._lose(f"the connection was cut: {why}" if why else "the gateway closed the connection")

    def _lose(self, why: str) -> None:
        if self.lost is None:
            self.lost = why
            self._stirred.set()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(ConnectionError(why))
            if self._opened:
                self._tell(Lost(why=why, since=self.last_heard))


async def _ending(task: "asyncio.Future[None]") -> BaseException | None:
    """How it ended; one that is still running is cancelled, and the library closes its socket."""
    task.cancel()
    await asyncio.wait({task})
    return None if task.cancelled() else task.exception()
