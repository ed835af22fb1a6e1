"""Full disks, killed processes and whatever else SQLite reports: all or nothing, and in words."""

import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from core.book.failures import MEANINGS, explained
from core.book.sqlite import SqliteBook
from core.domain.errors import BookBusy, BookError
from tests.build import book_order
from tests.core.book.conftest import CountedIds, Sql

ROOT = Path(__file__).parents[3]
MANY = [book_order(f"o-{number}", f"V-{number}") for number in range(2000)]


@pytest.fixture
def book(path: Path) -> Iterator[SqliteBook]:
    """With one order, o-first."""
    book = SqliteBook(path, ids=CountedIds(), busy_timeout_seconds=Decimal("0.2"))
    with closing(book):
        with book.write() as writing:
            writing.insert_orders([book_order("o-first", "V-first")])
        yield book


def live(book: SqliteBook) -> list[str]:
    with book.read() as reading:
        return reading.live_order_ids("main")


# --- a full disk ----------------------------------------------------------------------------------


def test_a_full_disk_keeps_what_was_there_and_nothing_else(book: SqliteBook) -> None:
    with book.write() as writing:
        (pages,) = writing._connection.execute("PRAGMA page_count").fetchone()
        writing._connection.execute(f"PRAGMA max_page_count = {pages + 10}")
    refused = pytest.raises(BookError, match="no space left for the book")
    with refused as told, book.write() as writing:
        writing.insert_orders(MANY)
    assert "Make room" in (told.value.hint or "")
    assert live(book) == ["o-first"]
    # Room was made: the same book goes on.
    with book.write() as writing:
        writing._connection.execute("PRAGMA max_page_count = 1000000")
    with book.write() as writing:
        writing.insert_orders(MANY)
    assert len(live(book)) == 2001


FULL_AT_ANY_BYTE = """
import resource, signal, sys
from decimal import Decimal
from pathlib import Path
from core.book.sqlite import SqliteBook
from core.domain.errors import BookError
from core.host.clock import SystemIds
from tests.build import book_order

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
book = SqliteBook(Path(sys.argv[1]), ids=SystemIds(), busy_timeout_seconds=Decimal(5))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    with book.write() as writing:
        writing.insert_orders([book_order(f"o-{n}", f"V-{n}") for n in range(4000)])
    print("written")
except BookError as error:
    print("refused:", error.message)
"""


@pytest.mark.parametrize("file_bytes_max", [1, 4096, 40_000, 123_456, 400_001])
def test_a_write_that_the_disk_refuses_at_any_byte_is_undone(
    book: SqliteBook, path: Path, file_bytes_max: int
) -> None:
    book.close()
    done = subprocess.run(
        [sys.executable, "-c", FULL_AT_ANY_BYTE, str(path), str(file_bytes_max)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("refused:"), done.stdout + done.stderr
    assert live(book) == ["o-first"]
    with book.write() as writing:
        writing.insert_orders([book_order("o-next", "V-next")])
    assert sorted(live(book)) == ["o-first", "o-next"]


def test_the_limit_above_is_of_that_process_only() -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


# --- a killed process -----------------------------------------------------------------------------

WRITER = """
import sys
from decimal import Decimal
from pathlib import Path
from core.book.sqlite import SqliteBook
from core.host.clock import SystemIds
from tests.build import book_order

book = SqliteBook(Path(sys.argv[1]), ids=SystemIds(), busy_timeout_seconds=Decimal(5))
with book.write() as writing:
    writing.insert_orders([book_order(f"o-{n}", f"V-{n}") for n in range(2000)])
    if sys.argv[2] == "open":
        print("open", flush=True)
        sys.stdin.readline()
print("committed", flush=True)
sys.stdin.readline()
"""


@contextmanager
def another_writer(path: Path, until: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that wrote 2000 orders, and stops with its transaction open or committed."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), until],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{until}\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_writer_killed_in_the_middle_leaves_nothing(book: SqliteBook, path: Path) -> None:
    with another_writer(path, "open") as process:
        assert live(book) == ["o-first"]
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert live(book) == ["o-first"]
    with book.write() as writing:
        writing.insert_orders(MANY)
    assert len(live(book)) == 2001


def test_a_writer_killed_after_its_commit_leaves_everything(book: SqliteBook, path: Path) -> None:
    with another_writer(path, "committed") as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(live(book)) == 2001


def test_the_lock_of_another_process_is_told_and_ends_with_it(book: SqliteBook, path: Path) -> None:
    with another_writer(path, "open") as process:
        with pytest.raises(BookBusy, match="write lock") as told, book.write():
            pytest.fail("two writers at once")
        assert "trueup status" in (told.value.hint or "")
        process.send_signal(signal.SIGKILL)
        process.wait()
        with book.write() as writing:
            writing.bump_serial()


def test_a_torn_log_loses_what_was_not_whole(book: SqliteBook, path: Path, tmp_path: Path) -> None:
    """Power fails while the log is written: at whatever byte it ends, the book opens whole."""
    with book.write() as writing:
        writing.insert_orders([book_order("o-last", "V-last")])
    database, log = path.read_bytes(), path.with_name("orders.db-wal").read_bytes()
    for number, length in enumerate(range(0, len(log), 997)):
        torn = tmp_path / f"torn-{number}"
        torn.mkdir()
        (torn / "orders.db").write_bytes(database)
        (torn / "orders.db-wal").write_bytes(log[:length])
        again = SqliteBook(torn / "orders.db", ids=CountedIds(), busy_timeout_seconds=Decimal(1))
        with closing(again):
            assert live(again) in ([], ["o-first"], ["o-first", "o-last"])
            with again.write() as writing:
                assert writing._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# --- in words -------------------------------------------------------------------------------------


def reported(code: int | None, text: str = "what SQLite says") -> sqlite3.Error:
    error = sqlite3.OperationalError(text)
    if code is not None:
        error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize("code", MEANINGS)
def test_what_sqlite_reports_is_said_with_a_remedy(code: int) -> None:
    # Extended codes say more in their upper bytes.
    for each in (code, code | 7 << 8):
        told = explained(reported(each), Path("/home/orders.db"))
        assert type(told) is BookError
        assert told.message.startswith(f"/home/orders.db: {MEANINGS[code][0]}")
        assert "what SQLite says" in told.message
        assert told.hint


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_SNAPSHOT])
def test_a_held_lock_is_an_error_of_its_own(code: int) -> None:
    assert isinstance(explained(reported(code), Path("orders.db")), BookBusy)


@pytest.mark.parametrize("code", [None, sqlite3.SQLITE_NOMEM])
def test_anything_else_is_still_a_book_error(code: int | None) -> None:
    assert "could not be used" in explained(reported(code), Path("orders.db")).message


def test_our_own_mistakes_are_not_dressed_up(book: SqliteBook) -> None:
    with pytest.raises(sqlite3.ProgrammingError), book.read() as reading:
        reading._connection.execute("SELECT ?", ())


def test_a_lock_that_cannot_be_given_back_is_dropped_with_its_connection(
    book: SqliteBook, sql: Sql
) -> None:
    """ROLLBACK itself fails: what led there is raised, and the next transaction starts afresh."""
    with pytest.raises(RuntimeError, match="in the middle"), book.write() as writing:
        writing.insert_orders(MANY)
        writing._connection.set_authorizer(
            lambda action, *_: (
                sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_TRANSACTION else sqlite3.SQLITE_OK
            )
        )
        raise RuntimeError("in the middle")
    assert sql("SELECT count(*) FROM orders") == [(1,)]
    with book.write() as writing:
        writing.insert_orders([book_order()])
