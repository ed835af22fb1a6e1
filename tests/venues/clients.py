"""The real client library, pointed at an emulated venue and told to be quick about it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiohttp

from tests.venues.redirect import redirect
from tests.venues.server import Venue

TIMEOUT_MS = 3000


@asynccontextmanager
async def client_of(venue: Venue, **config: Any) -> AsyncIterator[Any]:
    """A ccxt.pro client of the venue, its markets loaded; numbers are text, nothing is retried."""
    # Half a second that only the tests which speak to a venue need to spend.
    import ccxt.pro

    settings = {
        "apiKey": venue.api_key,
        "secret": venue.api_secret,
        "timeout": TIMEOUT_MS,
        "enableRateLimit": False,
        # Loopback speaks plain HTTP; without certificates to load a client is three times as fast.
        "verify": False,
        "options": {"defaultType": "swap", "maxRetriesOnFailure": 0},
    }
    client = getattr(ccxt.pro, venue.name)(settings | config)
    client.urls["api"] = redirect(client.urls["api"], venue.url)
    client.number = str
    client.timeout_on_exit = 0
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()


async def rest(client: Any, symbol: str, amount: str, key: str, price: str, **params: Any) -> str:
    """Place a limit buy under a client id and return the venue's id of it."""
    params = {"clientOrderId": key} | params
    order = await client.create_order(symbol, "limit", "buy", amount, price, params)
    return str(order["id"])


@contextmanager
def impatient(client: Any) -> Iterator[None]:
    """Let the client give up soon, for requests that get no answer."""
    client.timeout = 100
    try:
        yield
    finally:
        client.timeout = TIMEOUT_MS


class Ear:
    """A bare WebSocket that misses nothing: ccxt merges the events that nobody waits for."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def heard(self, topic: str) -> Any:
        """The next message on a topic or channel, or answer to an op; others are passed over."""
        async with asyncio.timeout(TIMEOUT_MS / 1000):
            while True:
                message = await self._socket.receive_json()
                if topic in {message.get(name) for name in ("topic", "channel", "op")}:
                    return message


@asynccontextmanager
async def ear_at(venue: Venue, path: str, *requests: Any) -> AsyncIterator[Ear]:
    """Connect to a stream of the venue and say these things to it first."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(venue.ws_url + path) as socket,
    ):
        for request in requests:
            await socket.send_json(request)
        yield Ear(socket)
