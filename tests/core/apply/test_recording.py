"""Facts are written down as they are told: nothing else is, and never over a book that moved."""

import pytest

from core.apply.recording import Recorder
from core.decide.reconcile.propose import propose
from core.domain.errors import Stale
from core.domain.observation import Observation
from core.observe.glance import glance, told_snapshot
from core.operate.desk import Desk
from core.plan.change import AnyChange
from core.plan.plan import Decision
from tests.build import NOON, execution, order
from tests.core.plan.kinds import TABLE, Row
from tests.home import HomeUnderTest
from tests.producer import desk_at


@pytest.fixture
def desk(home: HomeUnderTest) -> Desk:
    home.arm()
    return desk_at(home)


def heard(desk: Desk) -> tuple[Observation, tuple[AnyChange, ...]]:
    """The venue tells of a purchase, against the book as it is now."""
    told = told_snapshot(
        "main",
        "paper",
        NOON,
        orders=[order(status="filled", filled_quantity=5, quantity=5)],
        executions=[execution("T-1", 5)],
    )
    with desk.book.read() as book:
        seen = glance(book, told)
    return seen, propose(seen, desk.settings, NOON).changes


def recorder(desk: Desk) -> Recorder:
    return Recorder(book=desk.book, clock=desk.clock, by="manage", source="stream")


def test_all_that_was_told_is_written_together(home: HomeUnderTest, desk: Desk) -> None:
    seen, facts = heard(desk)
    recorder(desk).record(seen, facts)
    assert home.rows("SELECT status, filled_quantity FROM orders") == [
        {"status": "filled", "filled_quantity": "5"}
    ]
    assert home.rows("SELECT quantity FROM positions") == [{"quantity": "5"}]
    assert home.rows("SELECT DISTINCT source FROM order_events") == [{"source": "stream"}]


def test_nothing_told_is_nothing_written(home: HomeUnderTest, desk: Desk) -> None:
    seen, _ = heard(desk)
    assert recorder(desk).record(seen, []) is None
    with desk.book.read() as book:
        assert book.identity().serial == seen.book.serial


def test_a_book_that_moved_since_the_look_is_looked_at_again(
    home: HomeUnderTest, desk: Desk
) -> None:
    """Two hear the same at the same moment; the second one's rows would be there twice."""
    seen, facts = heard(desk)
    recorder(desk).record(seen, facts)
    with pytest.raises(Stale, match="the book changed while the broker was being read"):
        recorder(desk).record(seen, facts)
    assert home.rows("SELECT quantity FROM positions") == [{"quantity": "5"}]
    assert home.rows("SELECT count(*) AS n FROM executions") == [{"n": 1}]


WAITING = [row for row in TABLE if row.at_broker or row.decision is not Decision.APPROVE]


@pytest.mark.parametrize("row", WAITING, ids=lambda row: f"{row.kind}-{row.change_class}")
def test_what_needs_a_persons_word_is_no_fact(home: HomeUnderTest, desk: Desk, row: Row) -> None:
    """Not even beside facts: all of them or none."""
    seen, facts = heard(desk)
    with pytest.raises(ValueError, match=f"{row.kind} of .* is not a fact to be recorded"):
        recorder(desk).record(seen, [*facts, row.change])
    for table in ("orders", "executions", "positions", "outbox"):
        assert home.rows(f"SELECT * FROM {table}") == []
