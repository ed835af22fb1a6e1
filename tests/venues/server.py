"""A venue as a server: it listens on loopback, answers its endpoints and lets faults happen."""

import asyncio
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Any, ClassVar, Self

from aiohttp import web

from tests.venues.bell import Bell
from tests.venues.event_faults import EventScript
from tests.venues.exchange import Exchange, Refused
from tests.venues.faults import Effect, Fault, FaultScript, Reply
from tests.venues.replies import linger_nothing, send
from tests.venues.steering import PREFIX, Steering
from tests.venues.streams import Session, Streams
from tests.venues.wire import Call, RequestLog, Route, Seen, VenueError, takes_effect

LOOPBACK = "127.0.0.1"
# The name under which opening a WebSocket is scripted and logged; what is said on it goes by its op
# or method: "ws/auth", "ws/subscribe", "ws/login", "ws/ping".
CONNECT = "ws/connect"


@dataclass(eq=False, frozen=True, slots=True)
class _Late:
    """A request that takes effect after its client has given up."""

    seen: Seen
    route: Route
    call: Call


class Venue(ABC):
    """An emulated venue; a subclass brings its endpoints, its signature and its stream."""

    name: ClassVar[str]

    def __init__(
        self,
        exchange: Exchange,
        *,
        api_key: str = "demo-key",
        api_secret: str = "demo-secret",
        port: int = 0,
    ) -> None:
        self.exchange = exchange
        self.api_key = api_key
        self.api_secret = api_secret
        self.faults = FaultScript()
        self.requests = RequestLog()
        self.bell = Bell()
        self.streams = Streams(self._hear, self.bell)
        # Whether anyone on this machine may steer it over HTTP; tests hold it in their hands.
        self.steerable = False
        self._steering = Steering(self)
        self._port = port
        self._closing = asyncio.Event()
        self._late: list[_Late] = []
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        exchange.listen(lambda event: self.bell.ring())
        self._routes = [(re.compile(_pattern(route.path)), route) for route in self.routes()]

    # What a subclass brings

    @abstractmethod
    def routes(self) -> Iterable[Route]:
        """Every endpoint of the venue."""

    @abstractmethod
    def authenticate(self, call: Call) -> None:
        """Raise VenueError unless the request is signed by the account's owner, and in time."""

    @abstractmethod
    def hear(self, session: Session, message: Any) -> None:
        """Take one message that a client sent on its stream."""

    @abstractmethod
    def success(self, result: Any, call: Call) -> Any:
        """The envelope around a result."""

    @abstractmethod
    def failure(self, code: str, text: str) -> Any:
        """The envelope around an error code."""

    @abstractmethod
    def refusal(self, refused: Refused, call: Call) -> VenueError:
        """The venue's own code for why the exchange said no."""

    @abstractmethod
    def bent(self, payload: Any, fault: Fault) -> Any:
        """A payload without its id or cursor, or with fewer rows, as the fault asks."""

    # Life

    @property
    def url(self) -> str:
        """Where REST requests go."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def ws_url(self) -> str:
        """Where WebSockets connect; their paths are those of the venue."""
        return f"ws://{LOOPBACK}:{self._port}"

    @property
    def events(self) -> EventScript:
        """The mishaps of the event stream."""
        return self.streams.events

    async def start(self) -> None:
        """Begin to listen; a port of 0 is replaced by the one the system chose."""
        self._closing.clear()
        application = web.Application()
        application.router.add_route("*", "/{tail:.*}", self._receive)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await self.open_port()

    async def stop(self) -> None:
        """End every session and request and stop listening."""
        self._closing.set()
        self._late.clear()
        await self.streams.close()
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner, self._site = None, None

    async def open_port(self) -> None:
        """Accept connections, on the same port as before."""
        assert self._runner is not None, "the venue is not started"
        self._site = web.TCPSite(self._runner, LOOPBACK, self._port)
        await self._site.start()
        self._port = self._runner.addresses[0][1]

    async def close_port(self) -> None:
        """Refuse new connections and cut the standing ones, as a venue that is down does."""
        assert self._site is not None and self._runner is not None, "the venue is not started"
        await self._site.stop()
        self._site = None
        server = self._runner.server
        for connection in list(server.connections) if server is not None else ():
            if connection.transport is not None:
                linger_nothing(connection.transport)
                connection.transport.abort()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    # What tests do to it besides moving its exchange

    def disconnect(self) -> None:
        """Cut every stream without a closing word."""
        self.streams.disconnect()

    def restart(self) -> None:
        """Restart the venue's back end: streams break and closed orders leave its short memory."""
        self.disconnect()
        self.exchange.register.forget_closed()

    def release(self) -> None:
        """Let the requests that are accepted late take effect now."""
        for late in list(self._late):
            self._perform_late(late)

    async def seen(self, endpoint: str, count: int = 1, timeout: float = 10) -> None:
        """Wait until an endpoint has met so many requests."""
        await self.bell.until(lambda: self.requests.count(endpoint) >= count, timeout)

    async def subscribed(self, topic: str, count: int = 1, timeout: float = 10) -> None:
        """Wait until so many sessions listen to a topic."""
        await self.bell.until(lambda: self.streams.subscribed(topic) >= count, timeout)

    # Requests

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        self.exchange.expire()
        if self.steerable and request.path.startswith(PREFIX):
            return self._steering.answer(request.path, await request.text())
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._connect(request)
        route, call = self._parse(request, await request.text())
        fault = self.faults.take(call.endpoint, call.params)
        seen = self._remember(call, fault)
        payload = self._outcome(seen, route, call, fault)
        if fault is not None and fault.reply is Reply.GENUINE and fault.seconds:
            await asyncio.sleep(fault.seconds)
        return await send(request, self.encode(payload), fault, self._closing)

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        call = Call(endpoint=CONNECT, params=request.query, headers=request.headers)
        fault = self.faults.take(CONNECT, {"path": request.path})
        self._remember(call, fault)
        if fault is not None:
            return await send(request, b"", fault, self._closing)
        return await self.streams.serve(request)

    def _hear(self, session: Session, message: Any) -> None:
        if not isinstance(message, dict):
            return
        name = f"ws/{message.get('op') or message.get('method')}"
        fault = self.faults.take(name, message)
        self._remember(Call(endpoint=name, params={}, headers={}), fault)
        if fault is None:
            self.hear(session, message)
        elif fault.reply is not Reply.HANG:
            session.cut()

    def _parse(self, request: web.Request, body: str) -> tuple[Route | None, Call]:
        """Find the endpoint and gather the parameters of a request."""
        path, _, query = request.raw_path.partition("?")
        decoded = self.decode(body) if body else None
        params: dict[str, Any] = dict(request.query)
        if isinstance(decoded, dict):
            params.update(decoded)
        for pattern, route in self._routes:
            match = pattern.fullmatch(path)
            if match and route.method == request.method:
                params.update(match.groupdict())
                break
        else:
            route = None
        call = Call(
            endpoint=route.name if route is not None else path,
            params=params,
            headers=request.headers,
            signed_text=body if request.method == "POST" else query,
            body=decoded,
        )
        return route, call

    def _remember(self, call: Call, fault: Fault | None) -> Seen:
        seen = Seen(
            endpoint=call.endpoint,
            params=call.params,
            at_ms=self.exchange.clock.now_ms(),
            fault=fault,
        )
        self.requests.seen.append(seen)
        self.bell.ring()
        return seen

    def _outcome(self, seen: Seen, route: Route | None, call: Call, fault: Fault | None) -> Any:
        """The payload of the reply, after whatever effect the fault leaves the request."""
        if route is None:
            return self.failure("404", f"no endpoint at {call.endpoint}")
        payload = None
        if takes_effect(fault):
            payload = self._perform(seen, route, call)
        elif fault is not None and fault.effect is Effect.LATER:
            self._put_off(_Late(seen, route, call), fault)
        if fault is None:
            return payload
        if fault.reply is Reply.REFUSAL:
            return self.failure(fault.code, fault.text or "scripted")
        return self.bent(payload, fault)

    def _put_off(self, late: _Late, fault: Fault) -> None:
        self._late.append(late)
        if fault.seconds is not None:
            asyncio.get_running_loop().call_later(fault.seconds, self._perform_late, late)

    def _perform_late(self, late: _Late) -> None:
        # It may have been released, or dropped with the venue, in the meantime.
        if late in self._late:
            self._late.remove(late)
            self._perform(late.seen, late.route, late.call, in_time=False)

    def _perform(self, seen: Seen, route: Route, call: Call, *, in_time: bool = True) -> Any:
        """Carry a request out and note how it ended.

        A request put off was in time when it came, so its timestamp is not judged again.
        """
        try:
            if route.private and in_time:
                self.authenticate(call)
            result = route.answer(call)
        except Refused as refused:
            error = self.refusal(refused, call)
        except VenueError as raised:
            error = raised
        else:
            seen.accepted = True
            self.bell.ring()
            return self.success(result, call)
        seen.accepted, seen.code = False, error.code
        self.bell.ring()
        return self.failure(error.code, error.text)

    def encode(self, payload: Any) -> bytes:
        """A payload as the bytes of a body."""
        return json.dumps(payload).encode()

    def decode(self, body: str) -> Any:
        """A request's body, None when it is not JSON."""
        try:
            return json.loads(body, parse_float=Decimal)
        except ValueError:
            return None


def _pattern(path: str) -> str:
    """The regular expression of a path whose variable parts stand in braces."""
    return re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))
