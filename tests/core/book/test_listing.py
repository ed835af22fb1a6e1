"""Pages of a table: filters, sorting, paging, and nothing that is not on the list."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from core.book.listing import LISTED
from core.domain.errors import Usage
from core.ports import Book, Listing, Page
from tests.build import NOON, book_execution, book_order, clock, intent, signal, stored


@pytest.fixture
def book(book: Book) -> Book:
    """o-1 at 11:00, o-2 filled at 11:01, o-3 ETHUSDT at 11:02, o-4 another's, without a time."""
    with book.write() as writing:
        writing.insert_orders(
            [
                book_order("o-1", "V-1"),
                book_order("o-2", "V-2", status="filled", created_at="11:01"),
                book_order("o-3", "V-3", symbol="ETHUSDT", created_at="11:02"),
                book_order("o-4", None, account="other", created_at=None, reduce_only=True),
            ]
        )
    return book


def ask(book: Book, **asked: Any) -> Page:
    with book.read() as reading:
        return reading.page(Listing(**({"table": "orders"} | asked)))


def ids(page: Page) -> list[str]:
    return [row["order_id"] for row in page.rows]


def test_newest_first_unless_told_otherwise(book: Book) -> None:
    assert ids(ask(book)) == ["o-3", "o-2", "o-1", "o-4"]
    assert ids(ask(book, descending=False)) == ["o-1", "o-2", "o-3", "o-4"]


def test_rows_carry_the_columns_of_the_book(book: Book) -> None:
    row = ask(book, where={"order_id": "o-4"}).rows[0]
    assert row["account"] == "other"
    assert row["quantity"] == "10"
    assert row["created_at"] is None
    assert row["updated_at"] == "2026-01-05T11:00:00Z"
    assert row["reduce_only"] is True
    assert row["post_only"] is None


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"symbol": "ETHUSDT"}, ["o-3"]),
        ({"account": "main", "status": "open"}, ["o-3", "o-1"]),
        ({"broker_order_id": "V-2"}, ["o-2"]),
        ({"symbol": "BTC%"}, []),
        ({"symbol": "x' OR '1'='1"}, []),
        ({"status": ""}, []),
    ],
)
def test_filters(book: Book, where: Mapping[str, str], found: list[str]) -> None:
    page = ask(book, where=where)
    assert ids(page) == found
    assert page.total_items == len(found)


def test_a_range_of_time_includes_its_beginning_and_not_its_end(book: Book) -> None:
    page = ask(book, since=clock("11:00"), until=clock("11:02"))
    assert ids(page) == ["o-2", "o-1"]
    half_a_second_later = clock("11:00") + timedelta(seconds=0.5)
    assert ids(ask(book, since=half_a_second_later, until=clock("11:02"))) == ["o-2"]


def test_fractions_of_a_second_sort_as_time_does(book: Book) -> None:
    moments = [clock("11:00") + timedelta(microseconds=each) for each in (0, 500_000, 1, 10)]
    with book.write() as writing:
        writing.insert_executions(
            [book_execution(f"T-{at.microsecond}", executed_at=at) for at in moments]
        )
    rows = ask(book, table="executions", descending=False).rows
    assert [row["execution_id"] for row in rows] == ["T-0", "T-1", "T-10", "T-500000"]


def test_sorting_by_another_column(book: Book) -> None:
    assert ids(ask(book, sort="symbol"))[0] == "o-3"
    assert ids(ask(book, sort="status", descending=False))[0] == "o-2"


@pytest.mark.parametrize("descending", [True, False])
def test_pages_neither_repeat_nor_drop_a_row(book: Book, descending: bool) -> None:
    with book.write() as writing:
        writing.insert_orders([book_order(f"x-{number:02}", None) for number in range(23)])
    pages = [
        ask(book, sort="symbol", page=number, page_size=5, descending=descending)
        for number in range(1, 7)
    ]
    found = [order_id for page in pages for order_id in ids(page)]
    assert len(found) == len(set(found)) == 27
    assert {(page.total_items, page.total_pages, page.page_size) for page in pages} == {(27, 6, 5)}
    assert ids(ask(book, page=7, page_size=5)) == []
    assert ids(ask(book, page=1_000_000_000, page_size=1000)) == []


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"table": "meta"}, "choose one of orders, positions"),
        ({"table": "sqlite_master"}, "choose one of orders"),
        ({"table": "orders; DROP TABLE orders"}, "choose one of orders"),
        ({"sort": "price;DROP TABLE orders"}, "choose one of created_at, updated_at"),
        ({"sort": "1"}, "choose one of created_at"),
        ({"sort": "fees"}, "choose one of created_at"),
        ({"where": {"1=1 OR symbol": "x"}}, "choose one of account, symbol"),
        ({"where": {"price": "100"}}, "choose one of account, symbol"),
        ({"page": 0}, "page 0 is not in"),
        ({"page": 10**30}, "is not in"),
        ({"page_size": 0}, "page size 0 is not in 1..1000"),
        ({"page_size": 1001}, "page size 1001 is not in 1..1000"),
    ],
)
def test_what_is_not_on_the_list_is_refused_by_name(
    book: Book, asked: Mapping[str, Any], named: str
) -> None:
    with pytest.raises(Usage, match=named):
        ask(book, **asked)
    assert len(ids(ask(book))) == 4


@pytest.mark.parametrize("table", LISTED)
def test_whatever_is_on_the_list_can_be_asked(book: Book, table: str) -> None:
    listed = LISTED[table]
    for sort in listed.sorts:
        ask(book, table=table, sort=sort)
    where = dict.fromkeys(listed.filters, "x")
    assert ask(book, table=table, where=where, since=NOON, until=NOON).total_items == 0


def test_positions_are_told_apart_by_side(book: Book) -> None:
    with book.write() as writing:
        writing.put_positions([stored(1, side="long"), stored(2, side="short", dust=True)])
    rows = ask(book, table="positions", sort="symbol", descending=False).rows
    assert [(row["side"], row["quantity"], row["dust"]) for row in rows] == [
        ("long", "1", False),
        ("short", "2", True),
    ]


def test_signals_by_arrival_with_their_documents(book: Book) -> None:
    with book.write() as writing:
        writing.insert_signals(
            [
                signal("sig-1", urgency=True, metadata={"reasoning": "up"}),
                signal("sig-2", account="main", request_status="failed"),
                signal("sig-3", received_at="11:00"),
            ]
        )
    found = ask(book, table="signals", descending=False).rows
    # Those of one moment in the order in which they came.
    assert [row["signal_id"] for row in found] == ["sig-3", "sig-1", "sig-2"]
    assert found[1]["urgency"] is True
    assert found[1]["metadata"] == {"reasoning": "up"}
    (failed,) = ask(book, table="signals", where={"request_status": "failed"}).rows
    assert (failed["signal_id"], failed["account"]) == ("sig-2", "main")


def test_intents_with_their_reasons(book: Book) -> None:
    reasons = {"reasons": [{"code": "balance", "message": "10 of 100"}]}
    with book.write() as writing:
        writing.insert_intents(
            [intent("sig-1", state="REJECTED", reasons=reasons), intent("sig-2")]
        )
    (rejected,) = ask(book, table="trade_intents", where={"state": "REJECTED"}).rows
    assert rejected["reasons"] == reasons
    assert rejected["orders"] == {}
