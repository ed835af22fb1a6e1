"""The real client libraries on the other side of the wire, for the tests of this folder.

ib_insync and ib_async must never share an environment, so whichever is installed is used.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .gateway import HOST, IbGateway

LIBRARIES = ("ib_insync", "ib_async")
WAIT_SECONDS_MAX = 5.0
POLL_SECONDS = 0.002
# Loopback answers within a few milliseconds; what is scripted to stay silent costs this much.
SILENCE_SECONDS = 0.15
# A client that must still hear something before it gives up, on a busy machine too.
PATIENCE_SECONDS = 0.5


def installed_library() -> ModuleType | None:
    """The client library of this environment; None where there is none.

    Its event package asks for the current event loop while it is imported, so there has to be one.
    """

    async def find() -> ModuleType | None:
        for name in LIBRARIES:
            try:
                return importlib.import_module(name)
            except ImportError:
                continue
        return None

    return asyncio.run(find())


async def until(condition: Callable[[], object]) -> None:
    """Wait for the condition; the waiting, not the condition, has a limit."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the state waited for did not come")
        await asyncio.sleep(POLL_SECONDS)


class Clients:
    """Connects library clients to one gateway and disconnects them in the end."""

    def __init__(self, library: ModuleType, gateway: IbGateway) -> None:
        self.library = library
        self._gateway = gateway
        self._made: list[Any] = []

    def new(self) -> Any:
        """A fresh client, not connected; its errors are kept in `client.errors`."""
        client = self.library.IB()
        client.errors = []
        client.errorEvent += lambda subject, code, words, _: client.errors.append((subject, code))
        self._made.append(client)
        return client

    async def connect(self, client_id: int = 17, *, timeout: float = 2.0, account: str = "") -> Any:
        client = self.new()
        await client.connectAsync(HOST, self._gateway.port, client_id, timeout, account=account)
        return client

    def disconnect(self) -> None:
        for client in self._made:
            if client.isConnected():
                client.disconnect()

    def stock(self, symbol: str = "SPY") -> Any:
        return self.library.Stock(symbol, "SMART", "USD")

    def future(self, symbol: str = "MES", expiry: str = "203012") -> Any:
        return self.library.Future(symbol, expiry, "CME")

    def limit(self, action: str, quantity: float, price: float, **terms: Any) -> Any:
        return self.library.LimitOrder(action, quantity, price, **{"account": "DU1", **terms})

    def market(self, action: str, quantity: float, **terms: Any) -> Any:
        return self.library.MarketOrder(action, quantity, **{"account": "DU1", **terms})

    def stop(self, action: str, quantity: float, price: float, **terms: Any) -> Any:
        return self.library.StopOrder(action, quantity, price, **{"account": "DU1", **terms})

    def codes(self, client: Any) -> list[int]:
        """The codes of all errors and notices the client has seen."""
        return [code for _, code in client.errors]
