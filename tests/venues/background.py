"""Runs a venue in a thread of its own, for tests that talk to it from synchronous code."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from tests.venues.server import Venue

AnyVenue = TypeVar("AnyVenue", bound=Venue)
Result = TypeVar("Result")


class InBackground(Generic[AnyVenue]):
    """`with InBackground(BybitVenue()) as venue`, then touch it through `do` alone."""

    def __init__(self, venue: AnyVenue) -> None:
        self._venue = venue
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=venue.name, daemon=True)

    @property
    def url(self) -> str:
        """Where REST requests go."""
        return self._venue.url

    @property
    def ws_url(self) -> str:
        """Where WebSockets connect."""
        return self._venue.ws_url

    @property
    def api_key(self) -> str:
        """The account's key."""
        return self._venue.api_key

    @property
    def api_secret(self) -> str:
        """The account's secret."""
        return self._venue.api_secret

    def do(self, action: Callable[[AnyVenue], Result], timeout: float = 10) -> Result:
        """Do something with the venue in its own thread and return what came of it."""

        async def doing() -> Result:
            return action(self._venue)

        return self._run(doing(), timeout)

    def wait(self, waiting: Callable[[AnyVenue], Awaitable[Result]], timeout: float = 10) -> Result:
        """Wait for something the venue can be awaited for, such as `venue.seen(...)`."""

        async def doing() -> Result:
            return await waiting(self._venue)

        return self._run(doing(), timeout)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._venue.start(), 10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._run(self._venue.stop(), 10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, awaitable: Awaitable[Result], timeout: float) -> Result:
        async def awaiting() -> Result:
            return await awaitable

        return asyncio.run_coroutine_threadsafe(awaiting(), self._loop).result(timeout)
