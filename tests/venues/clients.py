"""The real client library, pointed at an emulated venue and told to be quick about it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import ccxt.pro

from tests.venues.redirect import redirect
from tests.venues.server import Venue

TIMEOUT_MS = 3000


@asynccontextmanager
async def client_of(venue: Venue, **config: Any) -> AsyncIterator[Any]:
    """A ccxt.pro client of the venue, its markets loaded; numbers are text, nothing is retried."""
    settings = {
        "apiKey": venue.api_key,
        "secret": venue.api_secret,
        "timeout": TIMEOUT_MS,
        "enableRateLimit": False,
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


class Ear:
    """A bare WebSocket that misses nothing: ccxt merges the events that nobody waits for."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def heard(self, *topics: str) -> Any:
        """The next message on one of these topics; whatever else comes is passed over."""
        async with asyncio.timeout(TIMEOUT_MS / 1000):
            while True:
                message = await self._socket.receive_json()
                if message.get("topic", message.get("channel")) in topics:
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
