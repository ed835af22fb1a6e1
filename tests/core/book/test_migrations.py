"""Older books come forward on first use, after a copy was made, completely or not at all."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from sqlite_utils import Database

from core.book import connection, migrations, sqlite
from core.book.migrations import Migration, bring_forward
from core.book.schema import SCHEMA_VERSION, TABLES
from core.book.sqlite import SqliteBook
from core.domain.errors import BookBusy, BookError
from tests.build import book_execution, book_order
from tests.core.book.conftest import CountedIds, Sql

ROOT = Path(__file__).parents[3]
Steps = Sequence[Migration]
# What this program knows, and what the one after it will.
KNOWN, NEXT = SCHEMA_VERSION, SCHEMA_VERSION + 1


def add_note(db: Database) -> None:
    db.execute("ALTER TABLE orders ADD COLUMN note TEXT")
    db.execute("UPDATE orders SET note = 'from before'")


NOTES = Migration("notes on orders", add_note)


@pytest.fixture
def next_version(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A program that knows one version more than the book has; its steps exist in tests only."""

    def knows(*steps: Migration) -> None:
        known = (*migrations.MIGRATIONS, *(steps or (NOTES,)))
        monkeypatch.setattr(migrations, "MIGRATIONS", known)
        monkeypatch.setattr(connection, "SCHEMA_VERSION", len(known))
        monkeypatch.setattr(sqlite, "SCHEMA_VERSION", len(known))

    return knows


@pytest.fixture
def old(path: Path) -> Path:
    """A book of this program's version with an order and its execution."""
    with closing(book_at(path)) as book, book.write() as writing:
        writing.insert_orders([book_order()])
        writing.insert_executions([book_execution(order_id="o-1")])
    return path


def book_at(path: Path, copy: Callable[[Path], object] | None = None) -> SqliteBook:
    return SqliteBook(
        path, ids=CountedIds(), busy_timeout_seconds=Decimal("0.2"), before_migration=copy
    )


def use(path: Path, how: str, copy: Callable[[Path], object] | None) -> tuple[str, int, int]:
    """Opens the book for reading or writing; its lineage, serial and version then."""
    with closing(book_at(path, copy)) as book:
        if how == "read":
            with book.read() as reading:
                identity = reading.identity()
        else:
            with book.write() as writing:
                identity = writing.identity()
    return identity.lineage, identity.serial, identity.schema_version


@pytest.mark.parametrize("how", ["read", "write"])
def test_the_first_use_copies_and_then_migrates(
    old: Path, sql: Sql, next_version: Callable[..., None], how: str
) -> None:
    before = use(old, "read", None)
    next_version()
    seen: list[tuple[Path, object, object]] = []

    def copy(path: Path) -> None:
        seen.append((path, sql("SELECT schema_version FROM meta"), sql("SELECT * FROM orders")))

    assert use(old, how, copy) == (before[0], before[1], NEXT)
    assert use(old, how, copy) == (before[0], before[1], NEXT)
    # Once, of the book as it was.
    ((copied, version, orders),) = seen
    assert (copied, version) == (old, [(KNOWN,)])
    assert "from before" not in str(orders)
    assert sql("SELECT note FROM orders") == [("from before",)]


def test_a_new_book_needs_no_copy(path: Path, next_version: Callable[..., None]) -> None:
    next_version()
    assert use(path, "read", lambda _: pytest.fail("a copy of nothing"))[1:] == (0, NEXT)


def test_without_a_copy_nothing_is_migrated(
    old: Path, sql: Sql, next_version: Callable[..., None]
) -> None:
    next_version()

    def fails(path: Path) -> None:
        raise BookError("no room for a copy")

    for copy, objection in ((fails, "no room for a copy"), (None, "nobody here can back it up")):
        with pytest.raises(BookError, match=objection):
            use(old, "read", copy)
    assert sql("SELECT schema_version FROM meta") == [(KNOWN,)]


def raises(db: Database) -> None:
    add_note(db)
    raise RuntimeError("half-way")


def runs_wild(db: Database) -> None:
    add_note(db)
    db.execute("INSERT INTO nowhere VALUES (1)")


def tears_apart(db: Database) -> None:
    db.execute("DELETE FROM orders")


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (raises, (RuntimeError, "half-way")),
        (runs_wild, (BookError, "no such table: nowhere")),
        (tears_apart, (BookError, "'wrong' broke references between rows")),
    ],
)
def test_a_step_that_fails_leaves_the_old_book(
    old: Path,
    sql: Sql,
    next_version: Callable[..., None],
    step: Callable[[Database], None],
    told: tuple[type[Exception], str],
) -> None:
    before = sql("SELECT type, name, sql FROM sqlite_master")
    next_version(Migration("wrong", step))
    with pytest.raises(told[0], match=told[1]):
        use(old, "write", lambda _: None)
    assert sql("SELECT type, name, sql FROM sqlite_master") == before
    assert sql("SELECT schema_version FROM meta") == [(KNOWN,)]
    assert sql("SELECT order_id FROM executions") == [("o-1",)]


def test_steps_already_done_stay_done_when_a_later_one_fails(
    old: Path, sql: Sql, next_version: Callable[..., None]
) -> None:
    next_version(NOTES, Migration("wrong", runs_wild))
    with pytest.raises(BookError):
        use(old, "write", lambda _: None)
    assert sql("SELECT schema_version FROM meta") == [(NEXT,)]
    assert sql("SELECT note FROM orders") == [("from before",)]


def test_a_table_can_be_rebuilt_without_dragging_others_along(
    old: Path, sql: Sql, next_version: Callable[..., None]
) -> None:
    def rebuild(db: Database) -> None:
        db.execute("CREATE TABLE kept AS SELECT * FROM orders")
        db.execute("DROP TABLE orders")
        db.execute(TABLES[0])
        db.execute("INSERT INTO orders SELECT * FROM kept")
        db.execute("DROP TABLE kept")

    next_version(Migration("orders anew", rebuild))
    use(old, "write", lambda _: None)
    assert sql("SELECT order_id FROM executions") == [("o-1",)]


def test_references_an_outsider_broke_earlier_do_not_stop_a_step(
    old: Path, sql: Sql, next_version: Callable[..., None]
) -> None:
    sql("UPDATE executions SET order_id = 'o-404'")
    next_version()
    assert use(old, "read", lambda _: None)[2] == NEXT


def test_only_one_of_two_processes_migrates(old: Path, next_version: Callable[..., None]) -> None:
    """The second one waits for the lock and then finds that all is done."""
    next_version()
    with closing(sqlite3.connect(old, isolation_level=None)) as other:

        def migrated_meanwhile(path: Path) -> None:
            bring_forward(other, path, lineage=lambda: "none")

        assert use(old, "read", migrated_meanwhile)[2] == NEXT


def test_a_writer_in_the_way_is_said_to_be_in_the_way(
    old: Path, next_version: Callable[..., None]
) -> None:
    next_version()
    with closing(sqlite3.connect(old, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BookBusy):
            use(old, "read", lambda _: None)


# --- other processes ------------------------------------------------------------------------------

KILLED_HALF_WAY = """
import os, signal, sqlite3, sys
from pathlib import Path
from core.book.migrations import MIGRATIONS, Migration, bring_forward

def step(db):
    db.execute("ALTER TABLE orders ADD COLUMN note TEXT")
    db.execute("UPDATE orders SET note = 'x', quantity = '0'")
    os.kill(os.getpid(), signal.SIGKILL)

path = Path(sys.argv[1])
connection = sqlite3.connect(path, isolation_level=None)
steps = (*MIGRATIONS, Migration("killed", step))
bring_forward(connection, path, lineage=lambda: "none", steps=steps)
"""


def test_a_process_killed_half_way_leaves_the_old_book(old: Path, sql: Sql) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_HALF_WAY, str(old)], cwd=ROOT, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert use(old, "read", None)[2] == KNOWN
    assert sql("SELECT quantity FROM orders") == [("10",)]
    assert sql("PRAGMA integrity_check") == [("ok",)]


FIRST_USE = """
import sys
from decimal import Decimal
from pathlib import Path
from core.book.sqlite import SqliteBook
from core.host.clock import SystemIds

sys.stdin.readline()
book = SqliteBook(Path(sys.argv[1]), ids=SystemIds(), busy_timeout_seconds=Decimal(30))
with book.read() as reading:
    print(reading.identity().lineage, "sqlite_utils" in sys.modules)
with book.write() as writing:
    writing.bump_serial()
book.close()
"""


def test_processes_that_create_a_book_at_once_share_it(path: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST_USE, str(path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    told = [process.communicate("go\n")[0].split()[0] for process in started]
    assert len(set(told)) == 1
    assert use(path, "read", None) == (told[0], 4, KNOWN)


def test_a_book_that_is_ready_opens_without_sqlite_utils(old: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_USE, str(old)],
        cwd=ROOT,
        input="go\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[1] == "False"
