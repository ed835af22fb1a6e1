"""The operator's desk: the home, its configuration and the ports, wired once per run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from core.config.gates import Gates
from core.config.home import Home
from core.config.settings import Settings
from core.domain.errors import Usage
from core.ports import Book, Broker, Clock, Files, Ids, Lock, RunLog

# Most commands never touch a copy, and start-up is counted in milliseconds.
if TYPE_CHECKING:
    from core.domain.backup import Backup, Examination, ListedBackup, Restoration


class Backups(Protocol):
    """Copies of the book."""

    def take(self, *, damaged: bool = False) -> Backup:
        """A new verified copy; BackupFailed when there is none."""
        ...

    def listed(self) -> Sequence[ListedBackup]: ...

    def verify(self, path: Path) -> Examination: ...

    def prune(self, protected: Iterable[str]) -> Sequence[str]: ...

    def restore(self, candidate: Path, *, simulate: bool) -> Restoration:
        """Nobody may have the book open in this process; RestoreFailed leaves the old book."""
        ...


@dataclass(slots=True, kw_only=True)
class Desk:
    home: Home
    settings: Settings
    # Read afresh at every call: file, environment and sentinel, whichever restricts most.
    gates: Callable[[], Gates]
    clock: Clock
    ids: Ids
    files: Files
    log: RunLog
    open_book: Callable[[], Book]
    open_broker: Callable[[str], Broker]
    lock: Callable[[], Lock]
    backups: Callable[[], Backups]
    # Who acts, as it will stand in audit rows and approvals.
    actor: str
    tool_version: str
    _book: Book | None = None
    _brokers: dict[str, Broker] = field(default_factory=dict)

    @property
    def book(self) -> Book:
        """Opened on first use: commands that need no book must work when it is broken."""
        if self._book is None:
            self._book = self.open_book()
        return self._book

    def broker(self, account: str) -> Broker:
        if account not in self._brokers:
            self._brokers[account] = self.open_broker(account)
        return self._brokers[account]

    def accounts(self, chosen: str | None = None) -> Sequence[str]:
        """The accounts a command speaks of: the one it names, or all that are enabled."""
        known = self.settings.ACCOUNTS
        if chosen is None and not any(account.enabled for account in known.values()):
            raise Usage("no account is enabled", hint="enable one under ACCOUNTS")
        if chosen is None:
            return [name for name, account in known.items() if account.enabled]
        if chosen not in known:
            raise Usage(f"no account {chosen!r}; configured: {', '.join(known) or 'none'}")
        return [chosen]

    async def close(self) -> None:
        try:
            for broker in self._brokers.values():
                await broker.close()
        finally:
            self.close_book()

    def close_book(self) -> None:
        if self._book is not None:
            self._book.close()
            self._book = None
