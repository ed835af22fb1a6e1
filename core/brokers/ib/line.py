"""The line to the gateway: connected when needed, one question at a time, reads tried again.

After a connection was lost, or the gateway had lost IB, everything is read afresh before anything
is written: what was believed before may have changed unheard.
"""

import asyncio
from collections.abc import Callable, Iterator

from core.brokers.ib import codes
from core.brokers.ib.address import Address
from core.brokers.ib.connection import ClientIdInUse, Connection
from core.brokers.ib.happenings import Happening, Lost, Told
from core.brokers.ib.questions import (
    COMPLETED_ORDERS,
    CURRENT_TIME,
    OPEN_ORDERS,
    POSITIONS,
    Answer,
    Question,
    executions,
)
from core.config.settings import Account
from core.domain.errors import NotSent, Unavailable
from core.ports import Clock

CUT_OFF = "1100: the gateway has lost its connection to IB"
CLOSED = "the line is closed"
# The gateway takes a moment to see that our last connection is gone, and to free its client id.
RELEASE_SECONDS = (0.1, 0.3, 1.0, 3.0)


class WrongAccount(Unavailable):
    """The login does not have the account that the configuration names; trying again is no use."""


class Line:
    """`listeners` hear of everything that happens, across connections."""

    def __init__(self, name: str, settings: Account, clock: Clock):
        self._name = name
        self._settings = settings
        self._clock = clock
        self._address = Address.of(name, settings)
        self._connection: Connection | None = None
        self._opening = asyncio.Lock()
        self._asking = asyncio.Lock()
        # Whether something may have changed that we were not told of.
        self._unsettled = False
        self._had_one = False
        self._closed = False
        self.listeners: list[Callable[[Happening], None]] = []
        self.managed_account = ""
        # Order references whose order was turned down: a listing calls them merely cancelled.
        self.turned_down: set[str] = set()

    @property
    def client_id(self) -> int:
        return self._address.client_id

    @property
    def current(self) -> Connection | None:
        """What is in use now; nothing is connected for it."""
        return self._connection

    def is_closed(self) -> bool:
        return self._closed

    # --- connecting ----------------------------------------------------------------------------

    async def connection(self, *, retrying: bool = True) -> Connection:
        """The one in use, or a fresh one when there is none that can be relied on."""
        async with self._opening:
            if self._closed:
                raise Unavailable(CLOSED)
            if self._connection is None or not self._connection.usable:
                await self._drop("an answer did not come, so the connection was given up")
                self._connection = await self._open(retrying)
                self._had_one = True
            return self._connection

    async def _open(self, retrying: bool) -> Connection:
        pauses = self._pauses() if retrying else iter(())
        release = iter(RELEASE_SECONDS if self._had_one else ())
        while True:
            try:
                return await self._open_once()
            except WrongAccount:
                raise
            except Unavailable as error:
                in_use = isinstance(error, ClientIdInUse)
                pause = next(release, None) if in_use else None
                pause = next(pauses, None) if pause is None else pause
                if pause is None:
                    raise
                await self._clock.sleep(pause)

    async def _open_once(self) -> Connection:
        fresh = Connection(self._address, self._clock, self._heard)
        await fresh.open()
        try:
            self.managed_account = self._choose(fresh.accounts)
        except WrongAccount as error:
            await fresh.close(error.message)
            raise
        return fresh

    def _choose(self, managed: list[str]) -> str:
        wanted = self._settings.managed_account
        if wanted in managed:
            return wanted
        if wanted == "auto" and len(managed) == 1:
            return managed[0]
        told = f"the login manages {', '.join(managed)}"
        hint = f"set ACCOUNTS.{self._name}.managed_account to one of them"
        if wanted == "auto":
            raise WrongAccount(f"{told}, and none of them is chosen", hint=hint)
        raise WrongAccount(f"{told}, but not {wanted}", hint=hint)

    async def _drop(self, why: str) -> None:
        if self._connection is not None:
            await self._connection.close(why)
            self._connection = None

    async def close(self) -> None:
        """For good: there is no line after it."""
        self._closed = True
        await self._drop(CLOSED)

    def _pauses(self) -> Iterator[float]:
        """Between tries: doubling from the base up to the cap, one fewer than there are tries."""
        pause = float(self._settings.retry_base_seconds)
        for _ in range(self._settings.retry - 1):
            yield min(pause, float(self._settings.retry_cap_seconds))
            pause *= 2

    def _heard(self, happening: Happening) -> None:
        match happening:
            case Lost():
                self._unsettled = True
            case Told(code=codes.RESTORED | codes.RESTORED_DATA_LOST | codes.CONNECTIVITY_LOST):
                self._unsettled = True
        for listener in list(self.listeners):
            listener(happening)

    # --- asking --------------------------------------------------------------------------------

    async def ask(self, question: Question) -> Answer:
        """Never raises: a refusal is an answer; silence is tried again on a fresh connection."""
        pauses = self._pauses()
        while True:
            answer = await self._ask_once(question)
            done = answer.whole or answer.code is not None or self._closed
            pause = None if done else next(pauses, None)
            if pause is None:
                return answer
            await self._clock.sleep(pause)

    async def _ask_once(self, question: Question) -> Answer:
        async with self._asking:
            try:
                connection = await self.connection(retrying=False)
            except Unavailable as error:
                return Answer(missing=f"{question.what}: {error.message}")
            if connection.cut_off:
                return Answer(missing=f"{question.what}: {CUT_OFF}")
            return await connection.ask(question)

    async def settled(self) -> Connection:
        """A connection that has just answered, to write on; NotSent when there is none.

        What is sent into a dead line cannot be told from what arrived.
        """
        try:
            connection = await self.connection(retrying=False)
            if connection.cut_off:
                raise NotSent(CUT_OFF)
            alive = await self.ask(CURRENT_TIME)
            if alive.missing:
                raise NotSent(alive.missing)
            if self._unsettled:
                await self._read_afresh()
            connection = await self.connection(retrying=False)
        except Unavailable as error:
            raise NotSent(error.message, hint=error.hint) from error
        if not self.is_settled(connection):
            raise NotSent("the connection was lost again")
        return connection

    def is_settled(self, connection: Connection) -> bool:
        """Whether it is the one in use and nothing has happened to it since it was read afresh."""
        in_use = connection is self.current and connection.usable
        return in_use and not connection.cut_off and not self._unsettled

    async def _read_afresh(self) -> None:
        self._unsettled = False
        for question in (
            OPEN_ORDERS,
            COMPLETED_ORDERS,
            executions(self.managed_account),
            POSITIONS,
        ):
            answer = await self.ask(question)
            if not answer.whole:
                self._unsettled = True
                raise Unavailable(f"after a lost connection: {answer.missing}")
