"""How the database is, for whoever asks."""

import sqlite3

from core.book.examining import WAL_RESET_FIXED
from core.ports import Book
from tests.build import book_execution, book_order
from tests.core.book.conftest import Sql


def test_a_healthy_book_has_no_flaws(book: Book) -> None:
    with book.write() as writing:
        writing.insert_orders([book_order()])
    assert book.examine().flaws == ()


def test_a_reference_to_nothing_is_a_flaw(book: Book, sql: Sql) -> None:
    with book.write() as writing:
        writing.insert_orders([book_order()])
        writing.insert_executions(
            [book_execution(f"T-{number}", order_id="o-1") for number in range(20)]
        )
    sql("DELETE FROM orders")
    flaws = book.examine().flaws
    assert set(flaws) == {"a row of executions points to a row of orders that is not there"}
    assert len(flaws) == 10


def test_an_index_that_lost_a_row_is_a_flaw(book: Book, sql: Sql) -> None:
    with book.write() as writing:
        writing.insert_orders([book_order()])
    sql("PRAGMA writable_schema = ON")
    book.close()
    # The index is declared to cover another column than the one it was built from.
    with sqlite3.connect(_path_of(sql)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, '(broker_order_id, account)',"
            " '(symbol, account)') WHERE name = 'orders_by_broker_order_id'"
        )
    connection.close()
    assert book.examine().flaws


def _path_of(sql: Sql) -> str:
    ((_, _, path),) = sql("PRAGMA database_list")
    return str(path)


def test_an_engine_with_a_known_fault_is_doubted(book: Book) -> None:
    doubts = book.examine().doubts
    assert bool(doubts) is (sqlite3.sqlite_version_info < WAL_RESET_FIXED)
