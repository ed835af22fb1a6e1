"""Since version 2 a book has the tables of signals; an older one gets them and keeps all it had."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.book.copies.form import check_form, objects_of, read_objects
from core.book.history import (
    OF_THESE_SIGNALS,
    SIGNALS_BY_IDENTIFIER,
    SOURCES,
)
from core.book.intake_reading import LANES, OF_SIGNALS
from core.book.migrations import MIGRATIONS, bring_forward
from core.book.schema import SCHEMA_VERSION
from core.book.trading_schema import IS_OPEN_INTENT, IS_PENDING_DELIVERY
from core.domain.errors import BookError
from core.domain.intent import OPEN
from core.domain.signal import DeliveryState
from tests.build import signal
from tests.core.book.conftest import Sql
from tests.core.book.copies.shelf import Shelf
from tests.core.book.test_migrations import book_at

PROMISED = {
    "signals": """signal_id signal_type symbol amount confidence timestamp strategy_id is_warmup
        market_data_snapshot metadata trace_id account direction confluence_type signal_day
        effective_floor effective_ceiling state request_status""",
    "signal_deliveries": "signal_id account symbol state",
    "trade_intents": "intent_id signal_id account symbol side state attempt",
    "signal_order_relationships": """signal_id order_id relationship_type execution_sequence
        allocation_amount allocation_quantity""",
    "intake_cursors": "source offset line",
    "dead_letters": "letter_id source place reason body at replayed_at",
    "halts": "halt_id account kind reason since lifted_at lifted_by lifted_because",
}
OLD_TABLES = sorted(name for kind, name in objects_of(1) if kind == "table")


def make_old(path: Path) -> None:
    """A book of version 1 with a row in every table."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        bring_forward(connection, path, lineage=lambda: "lineage", steps=MIGRATIONS[:1])
        connection.execute("PRAGMA foreign_keys = OFF")
        for table in set(OLD_TABLES) - {"meta"}:
            columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
            values = [_any_value(table, name, kind) for _, name, kind, *_ in columns]
            marks = ", ".join("?" * len(values))
            connection.execute(f"INSERT INTO {table} VALUES ({marks})", values)


def _any_value(table: str, column: str, kind: str) -> str | int:
    if (table, column) == ("executions", "order_id"):
        return "orders.order_id"
    return 7 if kind == "INTEGER" else f"{table}.{column}"


@pytest.fixture
def old(path: Path) -> Path:
    make_old(path)
    return path


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in OLD_TABLES
        }


def test_an_older_book_comes_forward_with_all_its_rows(old: Path, sql: Sql) -> None:
    before = rows(old)
    copied: list[dict[str, list[tuple[object, ...]]]] = []
    with closing(book_at(old, lambda path: copied.append(rows(path)))) as book:
        with book.read() as reading:
            assert reading.identity().schema_version == SCHEMA_VERSION
            assert reading.lanes_waiting() == []
        with book.write() as writing:
            assert writing.insert_signals([signal()]) == ["sig-1"]
    # The copy is of the book as it was, and nothing but the version is different now.
    assert copied == [before]
    assert rows(old) == before | {"meta": [(1, "lineage", 0, SCHEMA_VERSION)]}
    assert all(len(found) == 1 for found in before.values())
    assert sql("PRAGMA integrity_check") == [("ok",)]
    assert sql("PRAGMA foreign_key_check") == []


def test_a_book_brought_forward_has_the_form_of_a_new_one(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    for path in (old, new):
        with closing(book_at(path, lambda _: None)) as book, book.read():
            pass
    with closing(sqlite3.connect(old)) as one, closing(sqlite3.connect(new)) as other:
        assert read_objects(one) == read_objects(other) == objects_of(SCHEMA_VERSION)
        assert check_form(one).schema_version == SCHEMA_VERSION


def test_a_copy_of_version_1_is_restored_and_comes_forward(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.book.parent.mkdir()
    make_old(shelf.book)
    before = rows(shelf.book)
    backup = shelf.back_up()
    assert backup.manifest.schema_version == 1
    shelf.change("DELETE FROM orders")
    for ending in (".db", ".sql"):
        report = shelf.restore(backup.path.with_suffix(ending))
        assert report.new
        assert report.new.schema_version == 1
        assert rows(shelf.book) | {"meta": before["meta"]} == before
    with closing(book_at(shelf.book, lambda _: None)) as book, book.read() as reading:
        assert reading.identity().schema_version == SCHEMA_VERSION


def test_a_book_of_a_version_to_come_is_refused(old: Path, sql: Sql) -> None:
    with closing(book_at(old, lambda _: None)) as book, book.read():
        pass
    newer = SCHEMA_VERSION + 1
    sql("UPDATE meta SET schema_version = ?", newer)
    with closing(book_at(old)) as book:
        told = f"schema version {newer}, this program knows {SCHEMA_VERSION}"
        with pytest.raises(BookError, match=told), book.read():
            pytest.fail("read by a program that cannot know what it reads")
        with pytest.raises(BookError, match=told), book.write():
            pytest.fail("written by a program that cannot know what it writes")
    assert sql("SELECT count(*) FROM orders") == [(1,)]


# --- copies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", PROMISED)
def test_copies_hold_the_rows_of_every_new_table(tmp_path: Path, table: str) -> None:
    shelf = Shelf(tmp_path)
    shelf.add_orders("V-1")
    columns = shelf.ask(f"SELECT name, type FROM pragma_table_info('{table}')")
    values = ", ".join("7" if kind == "INTEGER" else f"'{name}''s'" for name, kind in columns)
    shelf.change(f"INSERT INTO {table} VALUES ({values})")
    kept = shelf.ask(f"SELECT * FROM {table}")
    backup = shelf.back_up()
    assert backup.manifest.row_counts[table] == len(kept) == 1
    for ending in (".db", ".sql"):
        shelf.change(f"DELETE FROM {table}")
        shelf.restore(backup.path.with_suffix(ending))
        assert shelf.ask(f"SELECT * FROM {table}") == kept


# --- the tables -----------------------------------------------------------------------------------


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


def test_the_conditions_in_sql_say_what_the_domain_says() -> None:
    assert set(IS_OPEN_INTENT.split("'")[1::2]) == {state.value for state in OPEN}
    assert f"state = '{DeliveryState.PENDING.value}'" == IS_PENDING_DELIVERY
    assert "state = 'APPROVED'" in LANES


PENDING = f"SELECT * FROM signal_deliveries WHERE {IS_PENDING_DELIVERY}"


@pytest.mark.parametrize(
    ("question", "index"),
    [
        (
            f"{PENDING} AND account = ? AND symbol = ? ORDER BY sequence",
            "signal_deliveries_pending",
        ),
        (
            f"SELECT * FROM trade_intents WHERE account = ? AND symbol = ? AND {IS_OPEN_INTENT}",
            "trade_intents_open (account=? AND symbol=?)",
        ),
        ("SELECT * FROM trade_intents WHERE signal_id = ?", "(signal_id=?)"),
        ("SELECT * FROM signals WHERE trace_id = ?", "signals_by_trace_id"),
        ("SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL", "dead_letters_waiting"),
        ("SELECT * FROM halts WHERE lifted_at IS NULL AND account = ?", "halts_standing"),
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
        SIGNALS_BY_IDENTIFIER,
        f"SELECT * FROM orders WHERE {OF_THESE_SIGNALS}",
        *(
            f"SELECT * FROM {source.table} WHERE {source.where}"
            for source in SOURCES
            if source.table in PROMISED
        ),
    ],
)
def test_the_history_of_a_signal_reads_no_whole_table(
    empty: sqlite3.Connection, question: str
) -> None:
    assert scanned(empty, question, {"subject": "sig-1", "signals": "[]"}) == []


def test_orders_of_signals_are_found_without_reading_all_orders(empty: sqlite3.Connection) -> None:
    assert scanned(empty, f"SELECT * FROM orders WHERE {OF_SIGNALS}", ("[]",)) == []


def scanned(
    empty: sqlite3.Connection, question: str, values: dict[str, str] | tuple[str, ...]
) -> list[str]:
    plan = [row[3] for row in empty.execute(f"EXPLAIN QUERY PLAN {question}", values)]
    return [step for step in plan if step.startswith("SCAN") and "json_each" not in step]


def test_lanes_are_found_among_what_waits(empty: sqlite3.Connection) -> None:
    plan = " ".join(row[3] for row in empty.execute(f"EXPLAIN QUERY PLAN {LANES}"))
    assert "signal_deliveries_pending" in plan
    assert "trade_intents_open" in plan
