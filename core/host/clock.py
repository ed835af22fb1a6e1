"""The machine's time and randomness."""

import os
from datetime import UTC, datetime


class SystemClock:
    """Wall-clock time in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        # Imported here: a command that never waits does not pay for it at start-up.
        import asyncio

        await asyncio.sleep(seconds)


class SystemIds:
    """Names nobody can guess."""

    def token(self, bytes_count: int) -> str:
        return os.urandom(bytes_count).hex()
