"""All or nothing, one writer at a time, and a serial that moves with every change of facts."""

import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.book.connection import Deadline
from core.book.schema import SCHEMA_VERSION
from core.book.sqlite import BRIEF_SECONDS
from core.domain.errors import BookBusy, BookError
from core.domain.record import Alert, PlanRecord, Severity
from core.ports import Book, BookWriting
from tests.build import NOON, adjustment, book_execution, book_order, decision, stored
from tests.core.book.conftest import OpenBook, sqlite_book


class Interrupted(BaseException):
    """Like a Ctrl-C in the middle."""


def test_a_new_book_has_a_lineage_and_serial_0(book: Book) -> None:
    with book.read() as reading:
        identity = reading.identity()
    assert identity.lineage
    assert (identity.serial, identity.schema_version) == (0, SCHEMA_VERSION)


def test_two_processes_open_one_and_the_same_book(open_book: OpenBook) -> None:
    with open_book().write() as writing:
        writing.insert_orders([book_order()])
        lineage = writing.identity().lineage
    with open_book().read() as reading:
        assert reading.identity().lineage == lineage
        assert reading.live_order_ids("main") == ["o-1"]


@pytest.mark.parametrize("error", [RuntimeError, BookError, Interrupted])
def test_an_error_inside_the_block_undoes_all_of_it(book: Book, error: type[BaseException]) -> None:
    with pytest.raises(error), book.write() as writing:
        writing.insert_orders([book_order()])
        writing.put_positions([stored()])
        raise error("in the middle")
    with book.read() as reading:
        assert reading.orders("main", live=True) == []
        assert reading.positions("main") == []
        assert reading.identity().serial == 0
    with book.write() as writing:
        writing.insert_orders([book_order()])


def test_the_serial_moves_once_per_transaction_that_changes_facts(book: Book) -> None:
    with book.write() as writing:
        assert writing.bump_serial() == 1
        writing.insert_orders([book_order()])
        writing.insert_executions([book_execution()])
        assert writing.bump_serial() == 1
        assert writing.identity().serial == 1
    with book.write() as writing:
        writing.put_positions([stored()])
        # Nobody asked for it; the book moves it all the same.
    with book.read() as reading:
        assert reading.identity().serial == 2


def test_every_kind_of_fact_moves_the_serial(book: Book) -> None:
    moves: list[Callable[[BookWriting], None]] = [
        lambda writing: writing.insert_orders([book_order()]),
        lambda writing: writing.update_orders([book_order(status="filled")]),
        lambda writing: writing.insert_executions([book_execution()]),
        lambda writing: writing.update_executions(
            [(book_execution().execution_key, book_execution(fee=1))]
        ),
        lambda writing: writing.put_positions([stored()]),
        lambda writing: writing.insert_adjustments([adjustment()]),
        lambda writing: writing.delete_orders(["o-1"]),
    ]
    for number, move in enumerate(moves, start=1):
        with book.write() as writing:
            move(writing)
        with book.read() as reading:
            assert reading.identity().serial == number


def test_our_own_doings_leave_the_serial_alone(book: Book) -> None:
    with book.write() as writing:
        writing.register_plan(
            PlanRecord(
                plan_id="p-1", content_digest="d", generated_at=NOON,
                expires_at=NOON + timedelta(minutes=15),
            )
        )  # fmt: skip
        writing.insert_alert(
            Alert(alert_id="a", at=NOON, type="t", severity=Severity.INFO, message="m")
        )
        writing.put_decision(decision("ignore"))
    with book.read() as reading:
        assert reading.identity().serial == 0


def test_a_reader_sees_one_instant(open_book: OpenBook) -> None:
    ours, theirs = open_book(), open_book()
    with ours.read() as before:
        assert before.identity().serial == 0
        with theirs.write() as writing:
            writing.insert_orders([book_order()])
        assert before.orders("main", live=True) == []
        assert before.identity().serial == 0
        with ours.read() as after:
            assert after.live_order_ids("main") == ["o-1"]


def test_a_reader_sees_nothing_that_is_not_committed(open_book: OpenBook) -> None:
    ours, theirs = open_book(), open_book()
    with theirs.write() as writing:
        writing.insert_orders([book_order()])
        with ours.read() as reading:
            assert reading.orders("main", live=True) == []


def test_a_second_writer_gives_up_and_says_why(open_book: OpenBook) -> None:
    ours, theirs = open_book(), open_book()
    with theirs.write() as writing:
        writing.insert_orders([book_order()])
        refused = pytest.raises(BookBusy, match="another process holds the book's write lock")
        with refused, ours.write():
            pytest.fail("two writers at once")
    with ours.write() as writing:
        assert writing.live_order_ids("main") == ["o-1"]


def test_a_reader_never_shows_a_file_that_was_replaced(path: Path) -> None:
    """Connections are kept for the next reader, but not beyond their file."""
    ours, other = sqlite_book(path.parent), sqlite_book(path.parent / "elsewhere")
    for book, name in ((ours, "o-1"), (other, "o-2")):
        with book.write() as writing:
            writing.insert_orders([book_order(name)])
        with book.read() as reading:
            assert reading.live_order_ids("main") == [name]
    other.close()
    for beside in path.parent.glob("orders.db-*"):
        beside.unlink()
    (path.parent / "elsewhere" / "orders.db").replace(path)
    with ours.read() as reading:
        assert reading.live_order_ids("main") == ["o-2"]
    ours.close()


def test_who_has_waited_in_vain_once_waits_briefly_until_it_is_let_in(
    open_book: OpenBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service has many writers: together they must not stand still for as many patiences."""
    waited: list[Decimal] = []

    class Noted(Deadline):
        def __init__(self, seconds: Decimal):
            waited.append(seconds)
            super().__init__(seconds)

    ours, theirs = open_book(), open_book()
    with ours.write(), theirs.read():
        pass
    monkeypatch.setattr("core.book.sqlite.Deadline", Noted)
    with theirs.write():
        waited.clear()
        for _ in range(3):
            with pytest.raises(BookBusy), ours.write():
                pytest.fail("two writers at once")
    with ours.write():
        pass
    with ours.write():
        pass
    first, second, third, fourth, fifth = waited
    assert second == third == fourth == BRIEF_SECONDS < first == fifth


def test_a_second_thread_of_the_same_process_gives_up_too(book: Book) -> None:
    told: list[BaseException] = []

    def write_too() -> None:
        try:
            with book.write():
                pytest.fail("two writers at once")
        except BookBusy as error:
            told.append(error)

    with book.write():
        thread = threading.Thread(target=write_too)
        thread.start()
        thread.join()
    assert "another part of this process" in str(told[0])


def test_a_book_is_not_closed_under_its_own_transaction(book: Book) -> None:
    with book.write() as writing:
        writing.insert_orders([book_order()])
        with pytest.raises(BookBusy, match="another part of this process"):
            book.close()
    with book.read() as reading:
        assert reading.live_order_ids("main") == ["o-1"]


def test_threads_take_turns(book: Book) -> None:
    def write(number: int) -> None:
        with book.write() as writing:
            writing.insert_orders([book_order(f"o-{number}", f"V-{number}")])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with book.read() as reading:
        assert len(reading.live_order_ids("main")) == 8
        assert reading.identity().serial == 8


def test_a_view_whose_transaction_is_over_does_nothing(book: Book) -> None:
    with book.write() as writing:
        pass
    with book.read() as reading:
        pass
    with pytest.raises(BookError, match="is over"):
        writing.insert_orders([book_order()])
    with pytest.raises(BookError, match="is over"):
        reading.identity()


def test_a_reading_view_has_no_hands(book: Book) -> None:
    with book.read() as reading:
        assert not hasattr(reading, "insert_orders")


def test_a_closed_book_opens_again_when_it_is_used(book: Book) -> None:
    with book.write() as writing:
        writing.insert_orders([book_order()])
    book.close()
    book.close()
    with book.write() as writing:
        assert writing.live_order_ids("main") == ["o-1"]
