"""Nouns as rows: whatever a noun may hold goes into its table and comes out the same."""

import sqlite3
import types
import typing
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.book import streaming, tables
from core.book.migrations import bring_forward
from core.book.rows import Table, document_text
from core.domain.execution import BookExecution
from core.domain.order import BookOrder
from core.domain.text import to_row

# Everything but halves of characters, which no UTF-8 text can hold.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.decimals(min_value=-(10**20), max_value=10**20, places=20).filter(
    lambda number: abs(number) < 10**20
) | st.integers(0, 10**20 - 1).map(Decimal)
MOMENTS = st.datetimes(timezones=st.just(UTC))
DOCUMENTS = st.dictionaries(
    TEXT, st.recursive(TEXT | st.none() | st.booleans() | st.integers(), st.lists, max_leaves=5)
)
HOLDING: Mapping[str, Table[Any]] = {
    name: table for name, table in vars(tables).items() if isinstance(table, Table)
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """What a field of that type may hold."""
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return st.one_of([_values_of(kind) for kind in kinds])


def _values_of(kind: Any) -> st.SearchStrategy[Any]:
    known = {
        str: TEXT,
        bool: st.booleans(),
        int: st.integers(-(2**63), 2**63 - 1),
        Decimal: NUMBERS,
        datetime: MOMENTS,
        type(None): st.none(),
    }
    if typing.get_origin(kind) is not None:
        return DOCUMENTS
    return st.sampled_from(kind) if issubclass(kind, StrEnum) else known[kind]


def nouns_of(table: Table[Any]) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(table.noun)
    given = {field.name: values_of(hints[field.name]) for field in fields(table.noun)}
    return st.builds(table.noun, **given)


@pytest.fixture(scope="module")
def memory() -> Iterator[sqlite3.Connection]:
    """The tables of a book; each example begins with `only`."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        bring_forward(connection, Path(":memory:"), lineage=lambda: "none")
        connection.execute("PRAGMA foreign_keys = OFF")
        yield connection


def only(connection: sqlite3.Connection, table: Table[Any], noun: Any) -> None:
    # Some tables let nothing be deleted; what is rolled back was never there.
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    connection.execute("BEGIN")
    connection.execute(table.insert, table.stored(noun))


# What OPEN_STEPS reads, JOURNAL wrote.
@pytest.mark.parametrize("name", sorted(HOLDING.keys() - {"OPEN_STEPS"}))
@settings(max_examples=50)
@given(st.data())
def test_every_noun_comes_back_as_it_went_in(
    memory: sqlite3.Connection, name: str, data: st.DataObject
) -> None:
    table = HOLDING[name]
    noun = data.draw(nouns_of(table))
    only(memory, table, noun)
    (row,) = memory.execute(table.select).fetchall()
    assert table.read(row) == noun


@given(noun=nouns_of(tables.ORDERS))
def test_every_order_streams_as_it_is_stored(memory: sqlite3.Connection, noun: BookOrder) -> None:
    only(memory, tables.ORDERS, noun)
    stored = dict(zip(tables.ORDERS.columns, tables.ORDERS.stored(noun), strict=True))
    row = tuple(stored[name] for name in streaming.ORDER_COLUMNS)
    named = [] if noun.broker_order_id is None else [noun.broker_order_id]
    assert list(streaming.order_rows(memory, noun.account)) == [row] * len(named)
    assert list(streaming.order_rows_of(memory, noun.account, named)) == [row] * len(named)


EXECUTION_NAMES = (
    *("execution_key", "broker_order_id", "symbol", "side", "position_side", "quantity", "price"),
    *("fee", "fee_currency", "kind"),
)


@given(noun=nouns_of(tables.EXECUTIONS))
def test_every_execution_streams_as_it_is_stored(
    memory: sqlite3.Connection, noun: BookExecution
) -> None:
    only(memory, tables.EXECUTIONS, noun)
    row = to_row(noun)
    expected = [tuple(row[name] for name in EXECUTION_NAMES)]
    assert list(streaming.execution_rows(memory, noun.account)) == expected


@pytest.mark.parametrize("name", HOLDING)
def test_every_field_has_its_column(memory: sqlite3.Connection, name: str) -> None:
    table = HOLDING[name]
    columns = {row[1] for row in memory.execute(f"PRAGMA table_info({table.name})")}
    assert {field.name for field in fields(table.noun)} <= columns
    assert set(table.key) <= columns


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, b"bytes"])
def test_a_document_holds_nothing_that_json_has_no_word_for(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        document_text({"value": value})
