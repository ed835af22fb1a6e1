"""The operator's desk: the home, its configuration and the ports, wired once per run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.config.gates import Gates
from core.config.home import Home
from core.config.settings import Settings
from core.domain.errors import Usage
from core.ports import Book, Broker, Clock, Files, Ids, Lock, RunLog


class Backups(Protocol):
    """Verified copies of the book."""

    def create(self) -> str:
        """The name of a new verified copy; raises BackupFailed when there is none."""
        ...


@dataclass(slots=True, kw_only=True)
class Desk:
    home: Home
    settings: Settings
    # Read afresh at every call: the file, the environment and the sentinel, whichever restricts most.
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
