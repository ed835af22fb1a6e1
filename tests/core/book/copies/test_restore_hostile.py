"""Copies that must not be restored: refused with the reason, and nothing touched by looking."""

import re

import pytest

from core.book.copies import load
from core.book.copies.candidate import Candidate
from core.domain.errors import RestoreFailed
from tests.core.book.copies.hostile import EVERY, Maker, dumped, sound
from tests.core.book.copies.shelf import Shelf


@pytest.mark.parametrize(("make", "said"), EVERY.items(), ids=[m.__name__ for m in EVERY])
def test_it_is_refused_and_nothing_is_touched(
    shelf: Shelf, make: Maker, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shelf.root)
    candidate = make(shelf)
    before = shelf.snapshot()
    for simulate in (True, False):
        with pytest.raises(RestoreFailed, match=f"is refused: {said}") as refused:
            shelf.restore(candidate, simulate=simulate)
        assert refused.value.details[-1].startswith("fail: ")
    assert shelf.snapshot() == before


@pytest.mark.parametrize(("make", "said"), EVERY.items(), ids=[m.__name__ for m in EVERY])
def test_verify_says_the_same_without_raising(shelf: Shelf, make: Maker, said: str) -> None:
    examination = shelf.verify(make(shelf))
    assert not examination.good
    assert re.match(said, examination.failures[0])


def test_a_dump_may_grow_only_so_far(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cross join of constants needs nothing that is forbidden."""
    monkeypatch.setattr(load, "PAGES_SPARE", 64)
    ten = "(VALUES" + ",".join(f"({n})" for n in range(10)) + ")"
    line = (
        "INSERT INTO order_events (order_id, account, event_type, source, occurred_at)"
        f" SELECT 'x', 'x', 'x', 'x', 'x' FROM {' CROSS JOIN '.join([ten] * 9)};"
    )
    with pytest.raises(RestoreFailed, match="content: it grows far beyond"):
        shelf.restore(dumped(shelf, line))


def test_a_statement_without_an_end_is_not_read_for_ever(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "STATEMENT_BYTES_MAX", 1 << 20)
    with pytest.raises(RestoreFailed, match="a statement of more than 1 MiB"):
        shelf.restore(dumped(shelf, "INSERT INTO alerts VALUES ('" + "x\n" * 600_000))


def test_line_ends_inside_a_statement_are_not_looked_at_for_ever(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "LOOKED_AT_SPARE", 1 << 20)
    with pytest.raises(RestoreFailed, match="a statement with too many line ends in it"):
        shelf.restore(dumped(shelf, "INSERT INTO alerts VALUES ('" + "x;\n" * 100_000))


def test_what_analyze_left_behind_is_no_content(shelf: Shelf) -> None:
    shelf.change("ANALYZE")
    backup = shelf.back_up()
    shelf.restore(backup.path)
    shelf.restore(backup.path.with_suffix(".sql"))
    assert shelf.orders() == ["V-1", "V-2"]


def test_a_dump_larger_than_any_book_is_not_read(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.book.copies.candidate.BYTES_MAX", 1 << 10)
    with pytest.raises(RestoreFailed, match="is not read; restore the .db"):
        shelf.restore(sound(shelf, "mine.sql"))


def test_the_book_itself_is_no_candidate(shelf: Shelf) -> None:
    link = shelf.root / "link.db"
    link.symlink_to(shelf.book)
    for candidate in (shelf.book, link):
        with pytest.raises(RestoreFailed, match="is the book itself"):
            shelf.restore(candidate)
    assert shelf.orders() == ["V-1", "V-2"]


def test_a_copy_that_changes_after_its_look_is_restored_as_it_was_looked_at(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The content is taken in first; what happens to the file later is of no consequence."""
    mine = sound(shelf)
    looked = Candidate.examine

    def swap(self: Candidate) -> object:
        outcome = looked(self)
        mine.write_bytes(b"something else")
        return outcome

    monkeypatch.setattr(Candidate, "examine", swap)
    assert shelf.restore(mine).rows_after["orders"] == 2
    assert shelf.orders() == ["V-1", "V-2"]
