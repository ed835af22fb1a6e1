"""What was applied since the copy was taken, told from the journal's copy outside the book."""

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from core.book.copies import forgetting
from core.book.restore import forgotten
from core.domain.backup import Forgotten
from core.domain.errors import RestoreFailed
from core.domain.record import Audit, Step, StepState
from tests.build import NOON
from tests.core.book.copies.shelf import Shelf

AUDIT = Audit(
    timestamp=NOON,
    correlation_id="p-1",
    action_type="insert_order",
    details={"action_id": "a001"},
    executed=True,
)
STEP = Step(
    step_id="s-1",
    plan_id="p-1",
    action_id="a002",
    account="main",
    symbol="BTCUSDT",
    kind="cancel_orphan_stop",
    idempotency_key="tu-1",
    request={},
    state=StepState.DONE,
    begun_at=NOON,
)


def line(action_id: str, plan_id: str = "p-1", **other: str | None) -> Mapping[str, str | None]:
    return {
        "plan_id": plan_id,
        "action_id": action_id,
        "kind": "insert_order",
        "account": "main",
        "symbol": "BTCUSDT",
        "target": f"V-{action_id}",
        "at": "2026-01-05T12:00:00+00:00",
        "idempotency_key": None,
        **other,
    }


@pytest.fixture
def copy(shelf: Shelf) -> Path:
    """A book that knows a001 from its audit and a002 from its journal, and a copy with one more."""
    with closing(shelf.open()) as book, book.write() as writing:
        writing.insert_audit([AUDIT])
        writing.insert_step(STEP)
    return write(shelf, [line("a001"), line("a002"), line("a003", idempotency_key="tu-3")])


def write(shelf: Shelf, lines: list[Mapping[str, str | None]]) -> Path:
    path = shelf.root / "journal.jsonl"
    path.write_text("".join(f"{json.dumps(each)}\n" for each in lines), "utf-8")
    return path


def names(told: Forgotten) -> list[str]:
    return [f"{action.plan_id}/{action.action_id}" for action in told.actions]


def test_what_audit_and_journal_know_is_not_forgotten(shelf: Shelf, copy: Path) -> None:
    told = forgotten(copy, shelf.book)
    assert (told.total, told.unreadable_lines) == (1, 0)
    (action,) = told.actions
    assert (action.action_id, action.target, action.idempotency_key) == ("a003", "V-a003", "tu-3")


def test_a_restore_tells_what_was_applied_since(shelf: Shelf, copy: Path) -> None:
    backup = shelf.back_up()
    with closing(shelf.open()) as book, book.write() as writing:
        writing.insert_audit([replace(AUDIT, details={"action_id": "a003"})])
    for simulate in (True, False):
        report = shelf.restore(backup.path, journal_copy=copy, simulate=simulate)
        assert report.forgotten and names(report.forgotten) == ["p-1/a003"]
    assert names(forgotten(copy, shelf.book)) == ["p-1/a003"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE order_audit SET executed = 0",
        "UPDATE order_audit SET details = 'not JSON'",
        "UPDATE order_audit SET correlation_id = 'p-2'",
    ],
)
def test_what_the_audit_says_was_not_carried_out_counts_as_unknown(
    shelf: Shelf, copy: Path, change: str
) -> None:
    shelf.change(change)
    assert names(forgotten(copy, shelf.book)) == ["p-1/a001", "p-1/a003"]


@pytest.mark.parametrize("state", ["begun", "unknown", "failed"])
def test_a_step_that_the_book_still_thinks_open_was_finished_without_its_knowledge(
    shelf: Shelf, copy: Path, state: str
) -> None:
    shelf.change(f"UPDATE journal SET state = '{state}'")
    assert names(forgotten(copy, shelf.book)) == ["p-1/a002", "p-1/a003"]


def test_without_a_copy_of_the_journal_nothing_is_claimed(shelf: Shelf) -> None:
    assert forgotten(shelf.root / "none.jsonl", shelf.book) == Forgotten(total=0)
    assert shelf.restore(shelf.back_up().path).forgotten is None


STRANGE = {
    "torn": b'{"plan_id": "p-1", "acti',
    "not an object": b"[1, 2]",
    "nested": b"[" * 60_000,
    "no JSON": b"\xff\xfe\x00",
    "field missing": json.dumps({"plan_id": "p-1"}).encode(),
    "field of another type": json.dumps({**line("a009"), "symbol": 7}).encode(),
    "too long": b"x" * 60_000,
}


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
def test_a_strange_line_is_counted_and_the_others_still_count(
    shelf: Shelf, copy: Path, strange: bytes
) -> None:
    good = copy.read_bytes()
    copy.write_bytes(strange + b"\n" + good + b"\n\n" + strange)
    told = forgotten(copy, shelf.book)
    assert names(told) == ["p-1/a003"]
    assert told.unreadable_lines == 2


def test_a_line_without_end_is_read_in_pieces(shelf: Shelf, copy: Path) -> None:
    copy.write_bytes(copy.read_bytes() + b"x" * 1_000_000)
    told = forgotten(copy, shelf.book)
    assert (told.total, told.unreadable_lines) == (1, 16)


def test_only_the_latest_are_listed_and_all_are_counted(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "SHOWN_MAX", 3)
    told = forgotten(write(shelf, [line(f"a{n:03}") for n in range(10)]), shelf.book)
    assert told.total == 10
    assert names(told) == ["p-1/a007", "p-1/a008", "p-1/a009"]


def test_an_action_told_twice_is_one_action(shelf: Shelf) -> None:
    assert forgotten(write(shelf, [line("a001"), line("a001")]), shelf.book).total == 1


def test_a_copy_that_is_a_link_is_not_followed(shelf: Shelf, copy: Path) -> None:
    link = shelf.root / "link.jsonl"
    link.symlink_to(copy)
    with pytest.raises(RestoreFailed, match="link.jsonl is a symbolic link"):
        forgotten(link, shelf.book)
