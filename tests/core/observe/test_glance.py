"""What a glance reads of the book: no more than the told rows need."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.book.sqlite import SqliteBook
from core.domain.execution import BrokerExecution
from core.host.clock import SystemIds
from core.observe.glance import glance, told_snapshot
from tests.build import NOON, adjustment, book_execution, execution

TAKEN_OVER = adjustment(as_of=NOON)
BEFORE, AFTER = NOON - timedelta(seconds=1), NOON + timedelta(seconds=1)


def folded(root: Path, *told: BrokerExecution) -> dict[str, Decimal]:
    """Which positions it adds up from all their rows, and to how much."""
    book = SqliteBook(root / "orders.db", ids=SystemIds(), busy_timeout_seconds=Decimal(5))
    with book.write() as writing:
        writing.insert_executions([book_execution("T-1", 3, executed_at=AFTER)])
        writing.insert_adjustments([TAKEN_OVER])
    snapshot = told_snapshot("main", "paper", AFTER, executions=told)
    with book.read() as reading:
        seen = glance(reading, snapshot)
    book.close()
    return {key.symbol: held.quantity for key, held in seen.book.computed.items()}


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_news_of_a_position_that_was_taken_over_reads_nothing_old(
    tmp_path: Path, symbol: str
) -> None:
    assert folded(tmp_path, execution("T-2", executed_at=AFTER, symbol=symbol)) == {}


def test_something_from_before_may_be_in_what_was_taken_over(tmp_path: Path) -> None:
    new, old = execution("T-2", executed_at=AFTER), execution("T-3", executed_at=BEFORE)
    assert folded(tmp_path, new, old) == {"BTCUSDT": Decimal(8)}


def test_so_may_something_of_that_very_moment(tmp_path: Path) -> None:
    assert folded(tmp_path, execution("T-2", executed_at=NOON)) == {"BTCUSDT": Decimal(8)}


def test_but_not_for_another_symbol(tmp_path: Path) -> None:
    assert folded(tmp_path, execution("T-2", executed_at=BEFORE, symbol="ETHUSDT")) == {}
