"""The comparison has teeth: a copy that differs from the book in anything is no backup."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from core.book.copies import making
from core.book.copies.deadline import Deadline
from core.book.copies.load import load_dump
from core.domain.errors import BackupFailed
from tests.core.book.copies.shelf import Shelf

DIFFERENCES = {
    "a value": ("UPDATE orders SET quantity = '11' WHERE rowid = 1", "orders"),
    "a letter's case": ("UPDATE orders SET symbol = lower(symbol)", "orders"),
    "nothing instead of no text": ("UPDATE orders SET trace_id = ''", "orders"),
    "a row less": ("DELETE FROM executions WHERE rowid = 1", "executions"),
    "a row more": ("INSERT INTO alerts VALUES (1,'a','b','c','d','e',NULL,NULL)", "alerts"),
    "another identity": ("UPDATE meta SET serial = serial + 1", "meta"),
    "a key": ("UPDATE orders SET order_id = order_id || 'x'", "orders"),
}


@pytest.mark.parametrize(("script", "table"), DIFFERENCES.values(), ids=DIFFERENCES)
@pytest.mark.parametrize("what", ["the restored copy", "the SQL dump"])
def test_a_difference_is_found(
    shelf: Shelf, what: str, script: str, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil = spoil_loaded if what == "the SQL dump" else spoil_restored
    spoil(monkeypatch, lambda path: shelf.change(script, path))
    with pytest.raises(BackupFailed, match=f"{what} is not the book: {table} differ"):
        shelf.back_up()
    assert shelf.files() == []


Spoil = Callable[[Path], None]


def spoil_restored(monkeypatch: pytest.MonkeyPatch, spoil: Spoil) -> None:
    sound = making.copy_whole

    def copy_whole(source: sqlite3.Connection, into: Path, deadline: Deadline) -> None:
        sound(source, into, deadline)
        if into.name == "restored.db":
            spoil(into)

    monkeypatch.setattr(making, "copy_whole", copy_whole)


def spoil_loaded(monkeypatch: pytest.MonkeyPatch, spoil: Spoil) -> None:
    def load(dump: Path, into: Path, deadline: Deadline) -> None:
        load_dump(dump, into, deadline)
        spoil(into)

    monkeypatch.setattr(making, "load_dump", load)


def test_a_dump_that_does_not_read_back_is_none(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_half(_: sqlite3.Connection, path: Path, deadline: Deadline) -> None:
        path.write_text("BEGIN TRANSACTION;\nCREATE TABLE orders (order_id TEXT);\n")

    monkeypatch.setattr(making, "write_dump", write_half)
    with pytest.raises(BackupFailed, match="the SQL dump does not read back: it ends before its"):
        shelf.back_up()
    assert shelf.files() == []


@pytest.mark.parametrize("gaps", [False, True])
def test_rows_are_compared_whatever_gaps_there_are_between_them(shelf: Shelf, gaps: bool) -> None:
    """A dump does not carry rowids: what was deleted before leaves no gap behind in it."""
    shelf.add_orders("V-3", "V-4", "V-5")
    if gaps:
        shelf.change("DELETE FROM executions WHERE rowid = 2; DELETE FROM orders WHERE rowid = 4")
        shelf.change("DELETE FROM executions WHERE order_id NOT IN (SELECT order_id FROM orders)")
    assert shelf.back_up().manifest.sql


def test_writes_during_the_copy_are_in_neither_the_copy_nor_the_comparison(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program commits while the copy is being checked."""
    sound = making.foreign_key_problems

    def meanwhile(connection: sqlite3.Connection) -> str | None:
        with closing(sqlite3.connect(shelf.book)) as other, other:
            other.execute("UPDATE orders SET trace_id = 'meanwhile'")
        return sound(connection)

    monkeypatch.setattr(making, "foreign_key_problems", meanwhile)
    backup = shelf.back_up()
    assert shelf.ask("SELECT DISTINCT trace_id FROM orders", backup.path) == [(None,)]
    assert shelf.ask("SELECT DISTINCT trace_id FROM orders") == [("meanwhile",)]
