"""The account's file: locked while it is changed, replaced as a whole, read again each time."""

import fcntl
import os
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from core.brokers.paper.account import Account, account_from
from core.domain.errors import BrokenDocument, Unavailable
from core.ports import Files

_LOCK_MODE = 0o600


class FileLock:
    """Held while the file is changed; the kernel lets go of it when a process dies."""

    def __init__(self, path: Path):
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(path, flags, _LOCK_MODE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)

    def taken(self, *, wait: bool = False) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True


class AccountFile:
    """Believes the disk, not its memory: parsing is spared only while the bytes are the same."""

    def __init__(self, path: Path, account: str, files: Files):
        self.path = path
        self._name = account
        self._files = files
        self._content = b""
        self._account: Account | None = None

    def lock(self) -> FileLock:
        """Not taken yet. A folder that is missing is not made: there is no account in it."""
        try:
            return FileLock(self.path.with_name(self.path.name + ".lock"))
        except OSError as error:
            raise Unavailable(f"the paper account cannot be locked: {error}") from error

    def load(self) -> Account:
        """A missing or broken file is an account that nothing is known of, never an empty one."""
        try:
            content = self._files.read(self.path)
            account = self._account
            if account is None or account.changed or content != self._content:
                account = account_from(content)
        except OSError as error:
            raise Unavailable(f"the paper account cannot be read: {error}") from error
        except BrokenDocument as error:
            raise Unavailable(f"{self.path.name}: {error.message}") from error
        if (told := account.told.account) != self._name:
            raise Unavailable(f"{self.path.name} is the account {told!r:.60}, not {self._name!r}")
        self._content, self._account = content, account
        return account

    def save(self, account: Account, now: datetime) -> None:
        """Durable when this returns; when it does not return, the file is believed again."""
        self._account = None
        content = account.content(now)
        self._files.replace(self.path, content)
        account.saved()
        self._content, self._account = content, account
