"""WebSocket sessions: who is connected, who may hear what, and what is on its way to them."""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.venues.bell import Bell
from tests.venues.event_faults import EventScript, Message
from tests.venues.replies import linger_nothing


@dataclass(eq=False, slots=True)
class Session:
    """One WebSocket connection."""

    socket: web.WebSocketResponse
    path: str
    transport: asyncio.Transport | None
    authenticated: bool = False
    topics: set[str] = field(default_factory=set)
    _outgoing: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def send(self, message: Message) -> None:
        """Queue a message; it leaves in the order of the calls."""
        self._outgoing.put_nowait(json.dumps(message))

    def cut(self) -> None:
        """End the connection without a closing word."""
        if self.transport is not None:
            linger_nothing(self.transport)
            self.transport.abort()

    async def deliver(self) -> None:
        """Send what is queued until the connection ends."""
        while not self.socket.closed:
            try:
                await self.socket.send_str(await self._outgoing.get())
            except ConnectionError:
                return


Hear = Callable[[Session, Any], None]


class Streams:
    """Every open session of a venue."""

    def __init__(self, hear: Hear, bell: Bell) -> None:
        self._hear = hear
        self._bell = bell
        self.sessions: list[Session] = []
        self.events = EventScript(self._broadcast)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Hold one session from its handshake to its end."""
        # A client that is gone without a word is not waited for.
        connection = web.WebSocketResponse(timeout=1)
        await connection.prepare(request)
        session = Session(connection, request.path, request.transport)
        self.sessions.append(session)
        self._bell.ring()
        sender = asyncio.ensure_future(session.deliver())
        try:
            async for message in connection:
                if message.type is WSMsgType.TEXT:
                    self._hear(session, json.loads(message.data))
                    self._bell.ring()
        finally:
            sender.cancel()
            self.sessions.remove(session)
            self._bell.ring()
        return connection

    def publish(self, topic: str, message: Message) -> None:
        """Tell everyone subscribed to a topic, mishaps permitting."""
        self.events.pass_on(topic, message)

    def subscribed(self, topic: str) -> int:
        """How many sessions listen to a topic."""
        return sum(topic in session.topics for session in self.sessions)

    def disconnect(self) -> None:
        """Cut every session without a closing word."""
        for session in self.sessions:
            session.cut()

    async def close(self) -> None:
        """End every session properly."""
        await asyncio.gather(*(session.socket.close() for session in list(self.sessions)))

    def _broadcast(self, topic: str, message: Message) -> None:
        for session in _listening(self.sessions, topic):
            session.send(message)


def _listening(sessions: Iterable[Session], topic: str) -> list[Session]:
    return [session for session in sessions if topic in session.topics]
