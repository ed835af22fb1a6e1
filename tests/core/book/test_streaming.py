"""Raw rows for comparing: as they are stored, every one once, executions too."""

from typing import Any

from core.book.streaming import BATCH_ROWS, ORDER_COLUMNS
from core.domain.order import COMPARED
from core.domain.text import to_row
from core.ports import Book
from tests.build import book_execution, book_order
from tests.core.book.conftest import Sql
from tests.core.book.test_facts import FULL_EXECUTION, FULL_ORDER
from tests.core.book.test_rows import EXECUTION_NAMES


def order_rows(book: Book, *asked: Any) -> list[tuple[Any, ...]]:
    with book.read() as reading:
        return list(reading.order_rows("main", *asked))


def execution_rows(book: Book) -> list[tuple[Any, ...]]:
    with book.read() as reading:
        return list(reading.execution_rows("main"))


def test_an_order_row_is_its_id_what_is_compared_its_time_and_origin(book: Book) -> None:
    with book.write() as writing:
        writing.insert_orders([FULL_ORDER])
    row = to_row(FULL_ORDER) | {"reduce_only": 1, "post_only": 0}
    names = ["order_id", *(name for _, name in COMPARED), "created_at", "origin"]
    expected = [tuple(row[name] for name in names)]
    assert order_rows(book) == order_rows(book, [FULL_ORDER.broker_order_id]) == expected


def test_an_execution_row_is_as_stored(book: Book) -> None:
    with book.write() as writing:
        writing.insert_executions([FULL_EXECUTION])
    row = to_row(FULL_EXECUTION)
    assert execution_rows(book) == [tuple(row[name] for name in EXECUTION_NAMES)]


def test_orders_the_venue_never_named_and_other_accounts_are_left_out(book: Book) -> None:
    with book.write() as writing:
        writing.insert_orders(
            [book_order("o-1"), book_order("o-2", None), book_order("o-9", account="other")]
        )
        writing.insert_executions([book_execution(account="other")])
    assert [row[0] for row in order_rows(book)] == ["o-1"]
    assert [row[0] for row in order_rows(book, ["V-1", "V-404"])] == ["o-1"]
    assert order_rows(book, []) == []
    assert execution_rows(book) == []


def test_a_venue_id_that_two_rows_claim_is_told_twice(book: Book) -> None:
    with book.write() as writing:
        writing.insert_orders([book_order("o-1"), book_order("o-2")])
    assert [row[0] for row in order_rows(book, ["V-1"])] == ["o-1", "o-2"]


def test_more_rows_than_a_batch_with_gaps_between_them(book: Book) -> None:
    count = 3 * BATCH_ROWS + 7
    orders = [book_order(f"o-{number}", f"V-{number}") for number in range(count)]
    gone = {f"o-{number}" for number in range(10, BATCH_ROWS * 2)}
    with book.write() as writing:
        writing.insert_orders(orders)
        writing.insert_executions([book_execution(f"T-{number}") for number in range(count)])
        writing.delete_orders(sorted(gone))
    kept = [order.order_id for order in orders if order.order_id not in gone]
    assert [row[0] for row in order_rows(book)] == kept
    assert len({row[0] for row in execution_rows(book)}) == count


def test_rows_can_be_read_while_writing_too(book: Book) -> None:
    with book.write() as writing:
        writing.insert_orders([book_order()])
        assert [row[0] for row in writing.order_rows("main")] == ["o-1"]
        writing.insert_executions([book_execution(), book_execution("T-2")])
        # Left half-way: the next transaction is none the worse for it.
        next(writing.execution_rows("main"))
    with book.write() as writing:
        writing.delete_orders(["o-1"])


def test_what_an_outsider_left_empty_is_told_as_the_default(book: Book, sql: Sql) -> None:
    with book.write() as writing:
        writing.insert_executions([book_execution(), book_execution("T-2", kind="adl")])
    whole = execution_rows(book)
    sql(
        "UPDATE executions SET position_side = NULL, kind = NULL, recorded_serial = NULL"
        " WHERE execution_id = 'T-1'"
    )
    assert execution_rows(book) == whole


def test_what_an_outsider_spelled_his_own_way_is_not_corrected(book: Book, sql: Sql) -> None:
    with book.write() as writing:
        writing.insert_orders([book_order()])
    sql("UPDATE orders SET quantity = '10.0', filled_quantity = NULL, created_at = '2026-01-05'")
    (row,) = order_rows(book)
    held = dict(zip(ORDER_COLUMNS, row, strict=True))
    assert (held["quantity"], held["filled_quantity"], held["created_at"]) == (
        "10.0", None, "2026-01-05",
    )  # fmt: skip
