"""reconcile.log: one JSON line per event, private to the user, without secrets, bounded in size."""

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.config.opening import reason
from core.config.secret import HIDDEN, Secret, scrub
from core.domain.moment import moment_text
from core.host.disk import FILE_MODE, append_line, is_still, make_private_dir

if TYPE_CHECKING:
    from core.ports import Clock

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_SECRET_WORDS = ("secret", "passw", "passphrase", "token", "api_key", "apikey", "private_key")
_TEXT_MAX = 20_000


class DiskRunLog:
    """A log that cannot be written never stops the work: the first trouble is kept in `trouble`."""

    def __init__(
        self, path: Path, clock: "Clock", *, bytes_max: int = 10 * 1024 * 1024, keep: int = 5
    ) -> None:
        self.path = path
        self._clock = clock
        self._bytes_max = bytes_max
        self._keep = keep
        self.trouble: str | None = None

    def event(self, name: str, *, level: str = "info", **fields: object) -> None:
        told = {key: _clean(key, value) for key, value in fields.items()}
        head = {"time": moment_text(self._clock.now()), "level": level, "event": name}
        # JSON in ASCII: no line break, escape code or bidi mark of a venue survives as itself.
        line = scrub(json.dumps(head | {k: v for k, v in told.items() if k not in head}))
        try:
            self._write(line)
        except OSError as error:
            self.trouble = self.trouble or f"{self.path} {reason(error)}"

    def _write(self, line: str) -> None:
        make_private_dir(self.path.parent)
        # Opened anew each time: another process may have moved the file aside in between.
        descriptor = os.open(self.path, _FLAGS, FILE_MODE)
        try:
            moved = os.fstat(descriptor).st_size > self._bytes_max and self._moved_aside(descriptor)
            if not moved:
                append_line(descriptor, line)
        finally:
            os.close(descriptor)
        if moved:
            self._write(line)

    def _moved_aside(self, descriptor: int) -> bool:
        """Makes room for a new file; False while another process is doing so."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if is_still(self.path, descriptor):
            for number in range(self._keep - 1, 0, -1):
                older = self._numbered(number)
                if older.exists():
                    older.replace(self._numbered(number + 1))
            self.path.replace(self._numbered(1))
        return True

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


def _clean(name: str, value: object) -> Any:
    """A value that JSON can carry, hidden when its name says that it is secret."""
    if isinstance(value, Secret) or (value and _sounds_secret(name)):
        return HIDDEN
    if isinstance(value, str):
        # Scrubbed whole: a secret that is cut in two is not recognised any more.
        value = scrub(value)
        return value if len(value) <= _TEXT_MAX else value[:_TEXT_MAX] + "..."
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _clean(str(key), each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(name, each) for each in value]
    return _clean_noun(name, value)


def _sounds_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_WORDS)


def _clean_noun(name: str, value: object) -> Any:
    # Imported here: the few events of start-up carry plain values only.
    from core.domain.text import plain, to_row

    if hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        return _clean(name, to_row(value))
    return str(plain(value))
