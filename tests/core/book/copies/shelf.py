"""A home with a book and a shelf of copies, in the words that the tests below use."""

import itertools
import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.book.backup import create_backup, list_backups, prune_backups, verify_backup
from core.book.copies.deadline import Patience
from core.book.restore import restore_book
from core.book.sqlite import SqliteBook
from core.config.settings import Retention
from core.domain.backup import Backup, Examination, ListedBackup, Restoration
from core.domain.record import BookIdentity
from tests.build import NOON, book_execution, book_order


class SetClock:
    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class CountedIds:
    def __init__(self, start: int = 1) -> None:
        self._numbers = itertools.count(start)

    def token(self, bytes_count: int) -> str:
        return f"{next(self._numbers):0{2 * bytes_count}x}"


class Shelf:
    """`data/orders.db` and `backups/` below one folder."""

    def __init__(self, root: Path):
        self.root = root
        self.book = root / "data" / "orders.db"
        self.backups = root / "backups"
        self.clock = SetClock()
        self.ids = CountedIds()
        self.retention = Retention()
        self.patience = Patience(total_seconds=60, lock_seconds=0.1)

    # --- the book -----------------------------------------------------------------------------

    def open(self) -> SqliteBook:
        return SqliteBook(self.book, ids=self.ids, busy_timeout_seconds=Decimal("0.2"))

    def add_orders(self, *names: str, fills: bool = True) -> None:
        """Orders o-NAME, each with one execution."""
        with closing(self.open()) as book, book.write() as writing:
            writing.insert_orders([book_order(f"o-{name}", name) for name in names])
            if fills:
                writing.insert_executions(
                    [book_execution(f"T-{name}", broker_order_id=name) for name in names]
                )
            writing.bump_serial()

    def orders(self) -> list[str]:
        return [row[0] for row in self.ask("SELECT broker_order_id FROM orders ORDER BY 1")]

    def identity(self) -> BookIdentity:
        return BookIdentity(*self.ask("SELECT lineage, serial, schema_version FROM meta")[0])

    def ask(self, question: str, path: Path | None = None) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(path or self.book)) as connection:
            return connection.execute(question).fetchall()

    def change(self, script: str, path: Path | None = None) -> None:
        """What somebody does with the sqlite3 shell."""
        with closing(sqlite3.connect(path or self.book, isolation_level=None)) as connection:
            connection.executescript(script)

    def content(self, path: Path | None = None) -> Mapping[str, list[tuple[Any, ...]]]:
        """Everything in the database, for comparing."""
        tables = self.ask("SELECT name FROM sqlite_schema WHERE type = 'table'", path)
        return {name: self.ask(f"SELECT * FROM {name} ORDER BY 1", path) for (name,) in tables}

    # --- the copies ---------------------------------------------------------------------------

    def back_up(self, **options: Any) -> Backup:
        return create_backup(
            self.book,
            self.backups,
            clock=self.clock,
            ids=self.ids,
            **{"retention": self.retention, "patience": self.patience, **options},
        )

    def restore(self, candidate: Path, **options: Any) -> Restoration:
        return restore_book(
            candidate,
            self.book,
            self.backups,
            clock=self.clock,
            ids=self.ids,
            **{"retention": self.retention, "patience": self.patience, **options},
        )

    def verify(self, path: Path) -> Examination:
        return verify_backup(path, self.backups, ids=self.ids, patience=self.patience)

    def listed(self) -> tuple[ListedBackup, ...]:
        return list_backups(self.backups, self.clock.now())

    def prune(self, protected: Iterable[str] = (), **limits: int) -> tuple[str, ...]:
        return prune_backups(
            self.backups,
            now=self.clock.now(),
            retention=Retention(**limits) if limits else self.retention,
            protected=protected,
            patience=self.patience,
        )

    def files(self) -> list[str]:
        """Whatever lies in the backups folder, scratch folders too."""
        return sorted(path.name for path in self.backups.iterdir()) if self.backups.exists() else []

    def snapshot(self) -> Mapping[str, bytes]:
        """Every file of the home, byte for byte; -shm aside, which is nobody's content."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and path.suffix != ".db-shm"
        }

    def lone_copy(self, backup: Backup, name: str = "mine.db") -> Path:
        """The .db somewhere else, without its manifest."""
        lone = self.root / "elsewhere" / name
        lone.parent.mkdir(exist_ok=True)
        shutil.copy(backup.path.with_suffix(lone.suffix), lone)
        return lone
