"""A WebSocket to a venue: what it tells, as it tells it; how to log in is each venue's dialect.

ccxt's own streams merge events that nobody waited for and hang on a login that is refused. So only
its session, with its certificates and proxies, is used here.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from core.brokers.ccxt.figures import Row
from core.brokers.ccxt.library import Exchange, loads
from core.domain.errors import Unavailable
from core.domain.stream import StreamEvent

# After so many pings without a word from the venue, the connection is taken for dead.
UNANSWERED_MAX = 2


class Wire:
    """One open connection: JSON objects in both directions."""

    def __init__(self, socket: Any, ping: Row, ping_seconds: float, seconds: float):
        self._socket = socket
        self._ping = ping
        self._ping_seconds = ping_seconds
        self._seconds = seconds
        # What came while the answer to something else was waited for.
        self._waiting: deque[Row] = deque()

    async def send(self, message: Row) -> None:
        await self._socket.send_json(message)

    async def answer(self, is_it: Callable[[Row], bool], what: str) -> Row:
        """The first message that is the answer; others wait for their turn."""
        passed: list[Row] = []
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    message = await self._heard()
                    if is_it(message):
                        return message
                    passed.append(message)
        except TimeoutError:
            raise Unavailable(f"the stream did not answer to {what}") from None
        finally:
            self._waiting.extend(passed)

    async def messages(self) -> AsyncIterator[Row]:
        """Until the connection is lost, which is an Unavailable."""
        while True:
            yield self._waiting.popleft() if self._waiting else await self._next()

    async def _next(self) -> Row:
        for _ in range(UNANSWERED_MAX + 1):
            try:
                async with asyncio.timeout(self._ping_seconds):
                    return await self._heard()
            except TimeoutError:
                await self.send(self._ping)
        raise Unavailable("the stream has gone silent")

    async def _heard(self) -> Row:
        while True:
            text = await self._text()
            try:
                message = loads(text)
            except ValueError:
                raise Unavailable("the stream told something that is no JSON") from None
            if isinstance(message, dict):
                return message

    async def _text(self) -> str | bytes:
        message = await self._socket.receive()
        if not isinstance(message.data, (str, bytes)):
            # Every other kind means that the connection has ended.
            raise Unavailable("the stream was cut off")
        return message.data


class Dialect(Protocol):
    """How one venue's stream is spoken to."""

    address: str
    ping: Row
    ping_seconds: float

    async def attach(self, wire: Wire) -> None:
        """Logs in and subscribes; Unavailable when it may not."""
        ...

    async def told(self, message: Row) -> Sequence[StreamEvent]:
        """The events in a message; an UNREADABLE error says that it cannot be read."""
        ...


@asynccontextmanager
async def connected(exchange: Exchange, dialect: Dialect, seconds: float) -> AsyncIterator[Wire]:
    """An open wire, attached by its dialect; anything that goes wrong is Unavailable."""
    import aiohttp

    try:
        exchange.open(True)
        async with exchange.session.ws_connect(
            dialect.address, timeout=aiohttp.ClientWSTimeout(ws_close=1), max_msg_size=2**24
        ) as socket:
            wire = Wire(socket, dialect.ping, dialect.ping_seconds, seconds)
            await dialect.attach(wire)
            yield wire
    except (aiohttp.ClientError, OSError) as error:
        raise Unavailable(f"the stream was lost ({type(error).__name__})") from None
