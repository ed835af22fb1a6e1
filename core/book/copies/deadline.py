"""How long a backup or restore may take, all of it together."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_AGAIN_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    total_seconds: float = 900
    # For a lock that another process holds on the database.
    lock_seconds: float = 10


class TimeUp(Exception):
    """The deadline has passed."""


class Deadline:
    """SQLite has no overall limit, so running statements are interrupted from outside."""

    def __init__(self, patience: Patience):
        self.patience = patience
        self._ends_at = time.monotonic() + patience.total_seconds
        self._connections: set[sqlite3.Connection] = set()
        self._closed = threading.Event()
        self._watch = threading.Thread(target=self._ring, daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed.set()
        self._watch.join()

    @property
    def lock_seconds(self) -> float:
        """How long to wait for a lock, from now."""
        return max(0.0, min(self.patience.lock_seconds, self._left_seconds()))

    @property
    def passed(self) -> bool:
        return self._left_seconds() <= 0

    def check(self) -> None:
        if self.passed:
            raise TimeUp(f"it took longer than {self.patience.total_seconds:g} seconds")

    @contextmanager
    def watching(self, connection: sqlite3.Connection) -> Iterator[None]:
        # Adding to a set and copying it are single steps: no lock is needed that could stay held.
        self._connections.add(connection)
        try:
            yield
        finally:
            self._connections.discard(connection)

    def abandon(self) -> None:
        """Time is up at once, for everything that works under this deadline."""
        self._ends_at = time.monotonic()
        self._interrupt()

    def _interrupt(self) -> None:
        for connection in tuple(self._connections):
            # One that was closed in this very moment has nothing left to interrupt.
            with suppress(sqlite3.ProgrammingError):
                connection.interrupt()

    def _left_seconds(self) -> float:
        return self._ends_at - time.monotonic()

    def _ring(self) -> None:
        wait_seconds = max(0.0, self._left_seconds())
        # An interrupt between two statements is lost, so it is repeated until all have stopped.
        while not self._closed.wait(wait_seconds):
            self._interrupt()
            wait_seconds = _AGAIN_SECONDS
