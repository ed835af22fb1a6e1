"""The tables as the specification promises them to others, and indexes that are really used."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.book.history import BY_IDENTIFIER, SOURCES
from core.book.migrations import MIGRATIONS, bring_forward
from core.book.schema import APPLICATION_ID, IS_LIVE, IS_OPEN_STEP, SCHEMA_VERSION
from core.domain.order import LIVE
from core.domain.record import STEP_MOVES
from core.ports import Book
from tests.core.book.conftest import Sql

PROMISED = {
    "orders": """order_id account broker_order_id client_order_id perm_id symbol side position_side
        order_type quantity filled_quantity price trigger_price average_price time_in_force
        reduce_only post_only status origin signal_id parent_order_id trace_id fees created_at
        updated_at executed_at""",
    "order_events": """id order_id account event_type from_status to_status details source
        occurred_at recorded_at""",
    "executions": """execution_key execution_id account order_id broker_order_id symbol side
        position_side quantity price fee fee_currency kind realized_pnl executed_at""",
    "positions": """account symbol side quantity average_price mark_price unrealized_pnl
        realized_pnl mode state updated_at last_snapshot_at""",
    "order_audit": """id timestamp correlation_id action_type order_id broker_order_id reason
        details backup_file executed error""",
    "meta": "lineage serial schema_version",
}


@pytest.fixture
def empty() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        bring_forward(connection, Path(":memory:"), lineage=lambda: "none")
        yield connection


@pytest.mark.parametrize("table", PROMISED)
def test_promised_columns_are_there(empty: sqlite3.Connection, table: str) -> None:
    columns = {row[1]: row[2] for row in empty.execute(f"PRAGMA table_info({table})")}
    assert set(PROMISED[table].split()) <= columns.keys()
    assert set(columns.values()) <= {"TEXT", "INTEGER"}


def test_a_fresh_book_is_marked_and_ready(book: Book, sql: Sql) -> None:
    with book.read() as reading:
        lineage = reading.identity().lineage
    assert sql("PRAGMA application_id") == [(APPLICATION_ID,)]
    assert sql("PRAGMA journal_mode") == [("wal",)]
    assert sql("SELECT lineage, serial, schema_version FROM meta") == [(lineage, 0, SCHEMA_VERSION)]
    assert sql("PRAGMA integrity_check") == [("ok",)]


def test_the_version_is_the_number_of_steps() -> None:
    assert len(MIGRATIONS) == SCHEMA_VERSION


def words(condition: str) -> set[str]:
    return set(condition.split("'")[1::2])


def test_the_conditions_in_sql_say_what_the_domain_says() -> None:
    assert words(IS_LIVE) == {status.value for status in LIVE}
    assert words(IS_OPEN_STEP) == {state.value for state, moves in STEP_MOVES.items() if moves}


@pytest.mark.parametrize(
    ("question", "index"),
    [
        (f"SELECT * FROM orders WHERE account = ? AND {IS_LIVE}", "orders_live"),
        *(
            (
                f"SELECT * FROM orders WHERE {name} IN (?, ?) AND account = ?",
                f"orders_by_{name} ({name}=? AND account=?)",
            )
            for name in ("broker_order_id", "client_order_id", "perm_id")
        ),
        ("SELECT * FROM orders WHERE signal_id = ?", "orders_by_signal_id"),
        (
            "SELECT * FROM executions WHERE broker_order_id IN (?, ?) AND account = ?",
            "executions_by_broker_order_id (broker_order_id=? AND account=?)",
        ),
        (
            "SELECT * FROM executions WHERE account = ? AND broker_order_id IS NULL",
            "executions_by_broker_order_id (broker_order_id=? AND account=?)",
        ),
        (
            "SELECT * FROM executions WHERE account = ? ORDER BY rtrim(executed_at, 'Z')",
            "executions_by_time (account=?)",
        ),
        ("SELECT * FROM executions WHERE order_id = ?", "executions_by_order_id"),
        (f"SELECT * FROM journal WHERE {IS_OPEN_STEP}", "journal_open"),
        ("SELECT * FROM journal WHERE plan_id = ?", "journal_by_plan_id"),
    ],
)
def test_indexes_serve_the_questions_they_are_for(
    empty: sqlite3.Connection, question: str, index: str
) -> None:
    values = ("x",) * question.count("?")
    plan = [row[3] for row in empty.execute(f"EXPLAIN QUERY PLAN {question}", values)]
    assert index in plan[0]
    # Nothing is sorted afterwards.
    assert len(plan) == 1


@pytest.mark.parametrize(
    "question",
    [
        BY_IDENTIFIER,
        *(
            f"SELECT * FROM {source.table} WHERE {source.where}"
            for source in SOURCES
            if source.table in ("orders", "executions")
        ),
    ],
)
def test_the_history_of_an_identifier_reads_no_whole_table(
    empty: sqlite3.Connection, question: str
) -> None:
    names = {"subject": "o-1", "orders": "[]", "venue": "[]"}
    plan = [row[3] for row in empty.execute(f"EXPLAIN QUERY PLAN {question}", names)]
    assert [step for step in plan if step.startswith("SCAN") and "json_each" not in step] == []
