"""Waiting for something to become true, without sleeping for luck."""

import asyncio
from collections.abc import Callable


class Bell:
    """Rung whenever something changed; waiters then look whether it is what they wait for."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        """Let every waiter look again."""
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def until(self, condition: Callable[[], bool], timeout: float = 10) -> None:
        """Return once the condition holds; TimeoutError if it does not in time."""
        async with asyncio.timeout(timeout):
            while not condition():
                future = asyncio.get_running_loop().create_future()
                self._waiting.add(future)
                try:
                    await future
                finally:
                    self._waiting.discard(future)
