"""The venue's own clock: it runs with the wall clock; tests let time pass or set it wrong."""

import time
from collections.abc import Callable


def wall_ms() -> int:
    """Milliseconds since 1970 on this machine."""
    return time.time_ns() // 1_000_000


class VenueClock:
    """Venue time, which `advance` moves for everyone and `skew` moves for the venue alone."""

    def __init__(self, wall: Callable[[], int] = wall_ms) -> None:
        self._wall = wall
        self._passed_ms = 0
        self._skew_ms = 0

    def now_ms(self) -> int:
        """What the venue believes the time to be."""
        return self._wall() + self._passed_ms + self._skew_ms

    def advance(self, seconds: float) -> None:
        """Let time pass; clients cannot follow, so their timestamps are judged without it."""
        self._passed_ms += round(seconds * 1000)

    def skew(self, seconds: float) -> None:
        """Set the venue's clock wrong, so that a client's honest timestamp may be refused."""
        self._skew_ms = round(seconds * 1000)

    def behind_ms(self, client_ms: int) -> int:
        """How old a client's timestamp is to the venue; negative when it lies in the future."""
        return self._wall() + self._skew_ms - client_ms
