"""The lock: one process at a time changes the book or the broker.

flock on a file that is never deleted. The kernel lets go of it when the holder dies, however it
dies; lockf would let go as soon as any part of the program closes the same file.

Whoever waits shares a second file, so that a holder who could go on for ever knows to give way.
"""

import errno
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from core.config.opening import reason
from core.domain.errors import DiskError, Locked
from core.domain.moment import moment_text
from core.ports import Clock, Files

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_RETRY_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds the lock; told to whoever is turned away, and to nobody else of any use."""

    pid: int
    command: str
    host: str
    since: str


class HomeLock:
    """Entered by whoever is about to change something; raises Locked when another one has."""

    def __init__(
        self,
        path: Path,
        details: Path,
        *,
        files: Files,
        clock: Clock,
        command: str,
        queue: Path | None = None,
        timeout_seconds: float = 0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = path
        self._details = details
        # Shared by whoever waits; without it nobody can tell.
        self._queue = queue
        self._files = files
        self._clock = clock
        self._command = command
        self._timeout_seconds = timeout_seconds
        self._pause = pause
        # The open lock file while it is held.
        self._held: list[int] = []

    def __enter__(self) -> Self:
        if self._held:
            raise RuntimeError("this lock is held already")
        descriptor = self._acquire()
        try:
            self._files.replace(self._details, _as_json(self._ourselves()))
        except BaseException:
            os.close(descriptor)
            raise
        self._held.append(descriptor)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            # Before letting go: afterwards the details could be those of the next holder.
            self._files.remove(self._details)
        finally:
            os.close(self._held.pop())

    def is_wanted(self) -> bool:
        if self._queue is None:
            return False
        descriptor = _open(self._queue)
        is_free = _taken(descriptor)
        os.close(descriptor)
        return not is_free

    def _acquire(self) -> int:
        descriptor = self._try()
        if descriptor is None and self._timeout_seconds > 0:
            with self._in_the_queue():
                descriptor = self._wait()
        if descriptor is None:
            raise self._locked()
        return descriptor

    def _wait(self) -> int | None:
        left_seconds = self._timeout_seconds
        while left_seconds > 0:
            self._pause(min(_RETRY_SECONDS, left_seconds))
            left_seconds -= _RETRY_SECONDS
            if (descriptor := self._try()) is not None:
                return descriptor
        return None

    def _try(self) -> int | None:
        descriptor = _open(self._path)
        if _taken(descriptor) and _is_still(self._path, descriptor):
            return descriptor
        os.close(descriptor)
        return None

    @contextmanager
    def _in_the_queue(self) -> Iterator[None]:
        if self._queue is None:
            yield
            return
        descriptor = _open(self._queue)
        try:
            # Shared, so this waits for nobody but a holder who is just looking.
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield
        finally:
            os.close(descriptor)

    def _ourselves(self) -> Holder:
        return Holder(
            pid=os.getpid(),
            command=self._command,
            host=os.uname().nodename,
            since=moment_text(self._clock.now()),
        )

    def _locked(self) -> Locked:
        hint = "wait until it ends, or give --lock-timeout 60; never delete the lock file"
        holder = read_holder(self._files, self._details)
        if holder is None or not lives(holder):
            return Locked("another process holds the lock; it has not said who it is", hint=hint)
        return Locked(
            f"`trueup {holder.command}` holds the lock since {holder.since} "
            f"(process {holder.pid} on {holder.host})",
            hint=hint,
        )


def read_holder(files: Files, details: Path) -> Holder | None:
    """The details beside the lock; unreadable ones count as none. They may be a dead process's."""
    try:
        told = json.loads(files.read(details))
        return Holder(**{name: kind(told[name]) for name, kind in Holder.__annotations__.items()})
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, _FLAGS, 0o600)
    except OSError as error:
        raise DiskError(f"the lock {path} {reason(error)}") from None


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN):
            return False
        os.close(descriptor)
        raise DiskError(f"this file system cannot lock files: {error.strerror}") from None
    return True


def _is_still(path: Path, descriptor: int) -> bool:
    """Somebody may have deleted the file after all: then what we locked keeps nobody out."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def lives(holder: Holder) -> bool:
    """Whether its process is there; of another machine's nobody here can say that it is not."""
    if holder.host != os.uname().nodename:
        return True
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _as_json(holder: Holder) -> bytes:
    return (json.dumps(asdict(holder)) + "\n").encode()
