"""The only file that names concrete adapters: it wires a home into a desk.

Adapters are imported when an account uses them; a command that needs none pays for none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import __version__
from core.apply.lock import HomeLock
from core.config.effective import Effective
from core.config.gates import Gates
from core.config.home import Home
from core.config.settings import Account, Settings
from core.domain.errors import BookError, Usage
from core.host.clock import SystemClock, SystemIds
from core.host.disk import DiskFiles
from core.host.run_log import DiskRunLog
from core.operate.desk import Backups, Desk
from core.ports import Book, Broker, Clock, Files, Ids, Lock

# Only the service needs it, and start-up is counted in milliseconds.
if TYPE_CHECKING:
    from core.operate.managing import Intake, Listener


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who runs which command, and how patiently."""

    actor: str
    command: str
    lock_timeout_seconds: float = 0


class Wiring:
    """Makes each part from the configuration, once."""

    def __init__(self, effective: Effective, gates: Callable[[], Gates], caller: Caller):
        self._home: Home = effective.home
        self._settings: Settings = effective.settings
        self._gates = gates
        self._caller = caller
        self.clock: Clock = SystemClock()
        self.ids: Ids = SystemIds()
        self.files: Files = DiskFiles()

    def desk(self) -> Desk:
        return Desk(
            home=self._home,
            settings=self._settings,
            gates=self._gates,
            clock=self.clock,
            ids=self.ids,
            files=self.files,
            log=DiskRunLog(self._home.run_log, self.clock),
            open_book=self.book,
            open_broker=self.broker,
            lock=self.lock,
            backups=self.backups,
            actor=self._caller.actor,
            tool_version=__version__,
        )

    def book(self) -> Book:
        """A missing book is made anew, but not where one has been at work before."""
        if not self.files.exists(self._home.book) and self.files.exists(self._home.journal_copy):
            raise BookError(
                f"{self._home.shown(self._home.book)} is missing, although this home has applied "
                "plans with it; a lost book is never replaced by an empty one",
                hint="trueup backup list, then trueup restore FILE",
            )
        from core.book.sqlite import SqliteBook

        database = self._settings.DATABASE
        return SqliteBook(
            self._home.book,
            ids=self.ids,
            busy_timeout_seconds=database.busy_timeout_seconds,
            before_migration=lambda path: self.backups().take(),
        )

    def backups(self) -> Backups:
        from core.book.shelf_keeper import BookBackups

        return BookBackups(
            book=self._home.book,
            folder=self._home.backups_dir,
            clock=self.clock,
            ids=self.ids,
            retention=self._settings.BACKUP,
            journal_copy=self._home.journal_copy,
        )

    def lock(self) -> Lock:
        return HomeLock(
            self._home.lock,
            self._home.lock_details,
            files=self.files,
            clock=self.clock,
            command=self._caller.command,
            queue=self._home.lock_queue,
            timeout_seconds=self._caller.lock_timeout_seconds,
        )

    def manage_lock(self) -> Lock:
        """One service a home, however long it runs."""
        return HomeLock(
            self._home.manage_lock,
            self._home.manage_lock_details,
            files=self.files,
            clock=self.clock,
            command=self._caller.command,
        )

    def broker(self, name: str) -> Broker:
        account = self._settings.ACCOUNTS.get(name)
        if account is None:
            raise Usage(
                f"the account {name!r:.40} is not configured any more",
                hint="put it back under ACCOUNTS in config/local_reconcile.yml",
            )
        return _BROKERS.get(account.broker, Wiring._ccxt)(self, name, account)

    def _paper(self, name: str, account: Account) -> Broker:
        from core.brokers.paper.broker import PaperBroker

        path = self._home.path(account.file)
        return PaperBroker(path, name, files=self.files, clock=self.clock)

    def _ib(self, name: str, account: Account) -> Broker:
        from core.brokers.ib import IbBroker

        return IbBroker(name, account, self.clock)

    def _ccxt(self, name: str, account: Account) -> Broker:
        """Bybit, MEXC, and any other exchange id that ccxt knows."""
        from core.brokers.ccxt import CcxtBroker

        return CcxtBroker(name, account, self.clock)


_BROKERS = {"paper": Wiring._paper, "ib": Wiring._ib}


def intakes(desk: Desk) -> Mapping[str, Intake]:
    """Where the running service takes signals from."""
    from core.signals.spool_intake import spool_intake

    sources: dict[str, Intake] = {"spool": spool_intake}
    if desk.settings.SIGNALS.rabbitmq_url is not None:
        from core.signals.rabbit import from_queue

        sources["queue"] = from_queue
    return sources


def listeners(desk: Desk) -> Mapping[str, Listener]:
    """What else it listens to."""
    signals = desk.settings.SIGNALS
    if signals.rabbitmq_url is None or signals.order_status_queue is None:
        return {}
    from core.signals.order_status import from_order_status

    return {"order updates": from_order_status}


def spool_writer(desk: Desk) -> Callable[[bytes], None]:
    """Where signals are left for the service; a line is on disk when the call returns."""
    from core.signals.spool_intake import spool_writer as writer_for

    return writer_for(desk).append
