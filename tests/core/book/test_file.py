"""The book's file: private, plain, ours, in one piece, and never quietly another one."""

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from core.book.schema import APPLICATION_ID, SCHEMA_VERSION
from core.book.sqlite import SqliteBook
from core.domain.errors import BookError
from tests.build import book_order
from tests.core.book.conftest import CountedIds, Sql

BookAt = Callable[[Path], SqliteBook]


@pytest.fixture
def book_at() -> Iterator[BookAt]:
    opened: list[SqliteBook] = []

    def at(path: Path) -> SqliteBook:
        opened.append(SqliteBook(path, ids=CountedIds(), busy_timeout_seconds=Decimal("0.2")))
        return opened[-1]

    yield at
    for book in opened:
        book.close()


@pytest.fixture
def book(book_at: BookAt, path: Path) -> SqliteBook:
    return book_at(path)


def read(book: SqliteBook) -> list[str]:
    with book.read() as reading:
        return reading.live_order_ids("main")


def write(book: SqliteBook) -> None:
    with book.write() as writing:
        writing.insert_orders([book_order()])


def test_nothing_is_created_before_it_is_needed(book: SqliteBook, path: Path) -> None:
    book.close()
    assert not path.exists()


def test_file_and_sidecars_are_private_to_the_user(book: SqliteBook, path: Path) -> None:
    before = os.umask(0)
    try:
        with book.write() as writing:
            writing.insert_orders([book_order()])
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(["orders.db", "orders.db-shm", "orders.db-wal"], 0o600)


def test_a_missing_directory_is_made_private_too(tmp_path: Path, book_at: BookAt) -> None:
    assert read(book_at(tmp_path / "data/orders.db")) == []
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_a_name_full_of_signs_is_just_a_name(tmp_path: Path, book_at: BookAt) -> None:
    odd = tmp_path / "a?mode=memory&b#c%20d ü.db"
    write(book_at(odd))
    assert odd.exists()
    assert read(book_at(odd)) == ["o-1"]


def test_a_closed_book_is_one_file(book: SqliteBook, path: Path) -> None:
    write(book)
    book.close()
    assert [each.name for each in path.parent.iterdir()] == ["orders.db"]


@pytest.mark.parametrize("target", ["elsewhere.db", "nothing.db"])
def test_a_symbolic_link_is_not_followed(
    tmp_path: Path, path: Path, target: str, book_at: BookAt
) -> None:
    write(book_at(tmp_path / "elsewhere.db"))
    path.symlink_to(tmp_path / target)
    for use in (read, write):
        with pytest.raises(BookError, match="symbolic link"):
            use(book_at(path))
    assert not (tmp_path / "nothing.db").exists()


def test_a_pipe_or_a_directory_is_no_book(tmp_path: Path, book_at: BookAt) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        for use in (read, write):
            with pytest.raises(BookError, match="not a plain file"):
                use(book_at(tmp_path / name))


def test_a_place_that_cannot_be_is_a_clear_error(tmp_path: Path, book_at: BookAt) -> None:
    (tmp_path / "file").write_text("")
    for use in (read, write):
        with pytest.raises(BookError, match=r"file/orders\.db: Not a directory"):
            use(book_at(tmp_path / "file/orders.db"))


@pytest.mark.parametrize("content", [b"not a database at all, but some text\n" * 200, b"x" * 16])
def test_a_file_of_another_kind_is_left_alone(path: Path, content: bytes, book_at: BookAt) -> None:
    path.write_bytes(content)
    for use in (read, write):
        with pytest.raises(BookError, match=r"orders.db: .*not a (SQLite )?database"):
            use(book_at(path))
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE orders (order_id TEXT)",
        "CREATE VIEW orders AS SELECT 1",
        "PRAGMA application_id = 252006674",
    ],
)
def test_a_database_of_another_program_is_left_alone(
    path: Path, sql: Sql, statement: str, book_at: BookAt
) -> None:
    sql(statement)
    before = path.read_bytes()
    for use in (read, write):
        with pytest.raises(BookError, match="not a trueup book"):
            use(book_at(path))
    assert path.read_bytes()[100:] == before[100:]
    assert sql("PRAGMA journal_mode") == [("delete",)]


def test_an_empty_file_becomes_a_book(path: Path, book_at: BookAt) -> None:
    path.touch()
    write(book_at(path))
    assert read(book_at(path)) == ["o-1"]


@pytest.mark.parametrize("page", [1, 2])
def test_a_damaged_book_is_said_to_be_damaged(path: Path, page: int, book_at: BookAt) -> None:
    book = book_at(path)
    with book.write() as writing:
        writing.insert_orders([book_order(f"o-{number}", None) for number in range(500)])
    book.close()
    with path.open("r+b") as file:
        file.seek(4096 * (page - 1) + (100 if page == 1 else 0))
        file.write(b"\xa5" * 3000)
    with pytest.raises(BookError, match=r"damaged|not a database") as told:
        read(book_at(path))
    assert "trueup restore" in (told.value.hint or "")


def test_a_book_that_lost_its_identity_is_damaged(book: SqliteBook, path: Path, sql: Sql) -> None:
    write(book)
    sql("DELETE FROM meta")
    for use in (read, write):
        with pytest.raises(BookError, match="table meta is empty"):
            use(book)


def test_a_book_that_lost_a_table_is_a_clear_error(book: SqliteBook, sql: Sql) -> None:
    write(book)
    sql("DROP TABLE orders")
    with pytest.raises(BookError, match="no such table: orders"):
        read(book)


def test_a_newer_book_is_refused_and_left_as_it_is(
    book: SqliteBook, path: Path, sql: Sql, book_at: BookAt
) -> None:
    write(book)
    newer = SCHEMA_VERSION + 1
    sql("UPDATE meta SET schema_version = ?", newer)
    for use in (read, write):
        # Also by whoever had it open before somebody else brought it forward.
        for each in (book, book_at(path)):
            with pytest.raises(BookError, match=f"schema version {newer}, this program knows"):
                use(each)
    assert sql("SELECT count(*) FROM orders") == [(1,)]


def test_a_file_that_was_replaced_under_us_is_not_written(
    book: SqliteBook, path: Path, book_at: BookAt
) -> None:
    write(book)
    other = path.with_name("other.db")
    write(book_at(other))
    other.replace(path)
    with pytest.raises(BookError, match="replaced while it was in use"), book.write():
        pytest.fail("written into a file that nobody will ever see again")
    assert read(book) == ["o-1"]


def test_a_file_that_vanished_under_us_is_a_clear_error(book: SqliteBook, path: Path) -> None:
    write(book)
    path.unlink()
    with pytest.raises(BookError, match="No such file"):
        write(book)


def test_a_read_only_copy_of_a_book_can_be_read(
    book: SqliteBook, path: Path, book_at: BookAt
) -> None:
    write(book)
    book.close()
    path.chmod(0o400)
    assert read(book_at(path)) == ["o-1"]


def test_a_book_in_rollback_mode_reads_at_once_and_writes_in_wal(
    path: Path, sql: Sql, book_at: BookAt
) -> None:
    first = book_at(path)
    write(first)
    first.close()
    sql("PRAGMA journal_mode = DELETE")
    assert read(book_at(path)) == ["o-1"]
    with book_at(path).write() as writing:
        writing.delete_orders(["o-1"])
    assert sql("PRAGMA journal_mode") == [("wal",)]


def test_a_reader_cannot_write(book: SqliteBook) -> None:
    write(book)
    with book.read() as reading, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reading._connection.execute("DELETE FROM orders")


def test_a_schema_that_calls_functions_is_not_trusted(book: SqliteBook, path: Path) -> None:
    write(book)
    with book.write() as writing:
        assert writing._connection.execute("PRAGMA trusted_schema").fetchone() == (0,)
        assert writing._connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert writing._connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    with closing(sqlite3.connect(path)) as person:
        assert person.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


def test_a_copy_beside_its_wal_is_read_as_a_whole(
    book: SqliteBook, tmp_path: Path, book_at: BookAt
) -> None:
    write(book)
    copied = tmp_path / "copied"
    copied.mkdir()
    for name in ("orders.db", "orders.db-wal"):
        shutil.copy(tmp_path / name, copied / name)
    assert read(book_at(copied / "orders.db")) == ["o-1"]
