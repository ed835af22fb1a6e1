"""Rows that other programs and people put in with plain SQL."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.domain.errors import BookError
from core.domain.order import OrderStatus, Origin, PositionSide
from core.ports import Book, Listing
from tests.build import NOON, adjustment, book_execution, book_order, decision, stored
from tests.core.book.conftest import Sql
from tests.core.book.test_doings import planned, step


@pytest.fixture
def book(book: Book) -> Book:
    """Ready and empty."""
    with book.read():
        return book


def test_the_fewest_columns_of_an_order_are_enough(book: Book, sql: Sql) -> None:
    sql(
        "INSERT INTO orders (order_id, account, symbol, side, quantity, status)"
        " VALUES ('o-1', 'main', 'BTCUSDT', 'buy', '10', 'open')"
    )
    with book.read() as reading:
        (order,) = reading.orders("main", live=True)
    assert order.position_side is PositionSide.BOTH
    assert order.filled_quantity == 0
    assert order.origin is Origin.OWNED
    assert (order.created_at, order.order_type, order.price) == (None, None, None)


def test_every_column_of_an_order_by_name(book: Book, sql: Sql) -> None:
    sql(
        """INSERT INTO orders (order_id, account, broker_order_id, client_order_id, perm_id, symbol,
        side, position_side, order_type, quantity, filled_quantity, price, trigger_price,
        average_price, time_in_force, reduce_only, post_only, status, origin, signal_id,
        parent_order_id, trace_id, fees, created_at, updated_at, executed_at) VALUES ('o-1', 'main',
        'V-1', NULL, NULL, 'BTCUSDT', 'buy', 'both', 'limit', '10', '0', '100', NULL, NULL, NULL,
        0, 0, 'open', 'external', NULL, NULL, NULL, NULL, '2026-01-05T11:00:00Z',
        '2026-01-05T11:00:00+00:00', NULL)"""
    )
    with book.read() as reading:
        assert reading.orders("main", live=True) == [book_order(reduce_only=False, post_only=False)]


def test_what_is_explicitly_null_takes_the_default_too(book: Book, sql: Sql) -> None:
    sql(
        "INSERT INTO orders (order_id, account, symbol, side, position_side, quantity,"
        " filled_quantity, status) VALUES ('o-1', 'main', 'X', 'buy', NULL, '1', NULL, 'open')"
    )
    with book.read() as reading:
        (order,) = reading.orders("main", live=True)
    assert order.position_side is PositionSide.BOTH
    assert order.filled_quantity == 0


def test_numbers_without_quotes_become_text(book: Book, sql: Sql) -> None:
    sql(
        "INSERT INTO orders (order_id, account, symbol, side, quantity, price, status)"
        " VALUES ('o-1', 'main', 'X', 'buy', 10, 100.5, 'open')"
    )
    with book.read() as reading:
        (order,) = reading.orders("main", live=True)
    assert (order.quantity, order.price) == (Decimal(10), Decimal("100.5"))


def test_the_fewest_columns_of_an_execution_and_a_position(book: Book, sql: Sql) -> None:
    sql(
        "INSERT INTO executions (execution_key, execution_id, account, symbol, side, quantity,"
        " price, executed_at) VALUES ('k', 'T-1', 'main', 'X', 'buy', '5', '100',"
        " '2026-01-05T12:00:00Z')"
    )
    sql("INSERT INTO positions (account, symbol, quantity) VALUES ('main', 'X', '5')")
    with book.read() as reading:
        (execution,) = reading.executions("main", ["k"])
        (position,) = reading.positions("main")
        assert len(list(reading.execution_rows("main"))) == 1
    assert (execution.kind.value, execution.recorded_serial) == ("trade", 0)
    assert execution.executed_at == datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert position.side is PositionSide.BOTH
    assert position.realized_pnl == 0
    assert position.dust is False


@pytest.mark.parametrize(
    ("spoil", "place", "objection"),
    [
        ("orders SET quantity = 'ten'", "orders .* order_id o-1: column quantity", "'ten'"),
        ("orders SET price = '1e5'", "orders .* order_id o-1: column price", "'1e5'"),
        ("orders SET status = 'opne'", "orders .* column status", "'opne'"),
        ("orders SET side = ''", "orders .* column side", "''"),
        ("orders SET created_at = '2026-01-05 11:00'", "orders .* column created_at", "zone"),
        ("orders SET reduce_only = 2", "orders .* column reduce_only", "int"),
        ("executions SET fee = '１２'", "executions .* main.BTCUSDT.V-1.T-1: column fee", "１２"),
        ("executions SET kind = 'gift'", "executions .* column kind", "'gift'"),
        ("positions SET quantity = 'NaN'", "positions .* account main, symbol BTCUSDT", "NaN"),
        ("adjustments SET as_of = 'noon'", "adjustments .* id adj-1: column as_of", "'noon'"),
        ("match_decisions SET choice = 'maybe'", "match_decisions .* column choice", "'maybe'"),
        ("plans SET expires_at = ''", "plans .* plan_id p-1: column expires_at", "''"),
        ("journal SET request = '{'", "journal .* step_id s-1: column request", "JSON"),
        ("journal SET request = '[]'", "journal .* column request", "not a JSON object"),
    ],
)
def test_an_unreadable_row_is_named_with_its_column(
    book: Book, sql: Sql, spoil: str, place: str, objection: str
) -> None:
    with book.write() as writing:
        writing.insert_orders([book_order()])
        writing.insert_executions([book_execution()])
        writing.put_positions([stored()])
        writing.insert_adjustments([adjustment()])
        writing.put_decision(decision("ignore"))
        writing.register_plan(planned())
        writing.insert_step(step())
    sql(f"UPDATE {spoil}")
    with pytest.raises(BookError, match=place) as told, book.read() as reading:
        reading.orders("main", order_ids=["o-1"])
        reading.executions_of("main", ["V-1"])
        reading.positions("main")
        reading.adjustments("main")
        reading.decisions("main")
        reading.latest_plan()
        reading.steps()
    assert objection in told.value.message
    assert told.value.hint


def test_a_list_shows_even_what_nobody_can_read(book: Book, sql: Sql) -> None:
    with book.write() as writing:
        writing.insert_orders([book_order()])
        writing.insert_step(step())
    sql("UPDATE orders SET quantity = 'ten', reduce_only = 7")
    sql("UPDATE journal SET request = '{'")
    with book.read() as reading:
        (order,) = reading.page(Listing(table="orders")).rows
        (journaled,) = reading.page(Listing(table="journal")).rows
        assert len(reading.history("BTCUSDT")) == 2
    assert (order["quantity"], order["reduce_only"]) == ("ten", 7)
    assert journaled["request"] == "{"


def test_text_that_is_no_text_is_a_clear_error(book: Book, sql: Sql) -> None:
    with book.write() as writing:
        writing.insert_orders([book_order()])
    sql("UPDATE orders SET symbol = CAST(x'ff' AS TEXT), quantity = CAST(x'ff' AS TEXT)")
    with pytest.raises(BookError, match="symbol"), book.read() as reading:
        reading.orders("main", live=True)
    with pytest.raises(BookError), book.read() as reading:
        list(reading.order_rows("main"))


def test_rows_written_meanwhile_do_not_disturb_our_next_transaction(book: Book, sql: Sql) -> None:
    with book.write() as writing:
        writing.insert_orders([book_order()])
    sql("UPDATE orders SET status = 'filled', updated_at = ?", "2026-01-05T12:00:00Z")
    with book.write() as writing:
        (order,) = writing.orders("main", order_ids=["o-1"])
        assert (order.status, order.updated_at) == (OrderStatus.FILLED, NOON)
