"""The gateway in a thread with a loop of its own, for tests that block or start subprocesses."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

from .gateway import IbGateway

T = TypeVar("T")

ANSWER_SECONDS_MAX = 10.0
POLL_SECONDS = 0.005


class BackgroundGateway:
    """Runs a gateway while the context lasts; reach it through `do`, never directly."""

    def __init__(self, gateway: IbGateway) -> None:
        self._gateway = gateway
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="ib-gateway", daemon=True
        )

    def __enter__(self) -> BackgroundGateway:
        self._thread.start()
        self.run(self._gateway.start)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.run(lambda: self._gateway.__aexit__(kind, error, trace))
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    @property
    def port(self) -> int:
        return self._gateway.port

    def do(self, action: Callable[[IbGateway], T]) -> T:
        """Run the action on the gateway's own loop and return what it returns."""

        async def act() -> T:
            return action(self._gateway)

        return self.run(act)

    def run(self, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine, such as a restart, on the gateway's own loop."""
        return asyncio.run_coroutine_threadsafe(start(), self._loop).result(ANSWER_SECONDS_MAX)

    def restart(self, *, forget_order_ids: bool = True, new_day: bool = False) -> None:
        self.run(lambda: self._gateway.restart(forget_order_ids=forget_order_ids, new_day=new_day))

    def wait_until(
        self, condition: Callable[[IbGateway], bool], seconds: float = ANSWER_SECONDS_MAX
    ) -> None:
        """Block until the condition holds."""
        deadline = time.monotonic() + seconds
        while not self.do(condition):
            if time.monotonic() > deadline:
                raise TimeoutError("the gateway did not come to the state waited for")
            time.sleep(POLL_SECONDS)
