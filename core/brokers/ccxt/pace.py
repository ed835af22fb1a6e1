"""The one limiter that all requests of an account share."""

from datetime import datetime, timedelta

from core.ports import Clock

# A clock that is set back must not stop an account for an hour.
_WAIT_MAX = timedelta(seconds=60)


class Pace:
    """At most so many requests a second; 0 leaves that to what ccxt knows the venue to allow."""

    def __init__(self, per_second: int, clock: Clock):
        self._apart = timedelta(seconds=1) / per_second if per_second else timedelta(0)
        self._clock = clock
        self._free_at: datetime | None = None

    async def turn(self) -> None:
        """Waits until the next request may go out; in the order of the calls."""
        now = self._clock.now()
        at = max(now, self._free_at or now)
        self._free_at = at + self._apart
        if at > now:
            await self._clock.sleep(min(at - now, _WAIT_MAX).total_seconds())

    def hold(self, seconds: float) -> None:
        """Nothing goes out for so long: the venue asked for it."""
        until = self._clock.now() + timedelta(seconds=seconds)
        self._free_at = max(until, self._free_at or until)
