"""Which book rows an observation brings along."""

import asyncio
from decimal import Decimal
from pathlib import Path

from core.book.sqlite import SqliteBook
from core.config.settings import Settings
from core.decide.reconcile.propose import propose
from core.domain.naming import possible_names
from core.domain.observation import Observation
from core.domain.order import BookOrder
from core.domain.paced import SLICE
from core.domain.snapshot import Absent, Lookup
from core.host.clock import SystemIds
from core.observe.observe import observe
from tests.build import NOON, book_execution, book_order, order, snapshot


async def absent(row: BookOrder) -> Lookup:
    return Absent()


def test_a_row_that_bears_the_name_of_a_listed_order_is_brought_along(tmp_path: Path) -> None:
    """book: the row once named after V-1 is V-2 by now, and closed / broker: V-1, another order"""
    name = possible_names("main", "BTCUSDT", "V-1", None)[0]
    book = SqliteBook(tmp_path / "orders.db", ids=SystemIds(), busy_timeout_seconds=Decimal(5))
    with book.write() as writing:
        writing.insert_orders([book_order(name, "V-2", status="cancelled")])
    with book.read() as reading:
        seen = asyncio.run(observe(reading, snapshot(order("V-1")), absent))
    (insert,) = propose(seen, Settings(), NOON).changes
    assert insert.target != name
    with book.write() as writing:
        writing.insert_orders([insert.after])
    book.close()


def test_whoever_is_ready_has_a_turn_while_a_long_history_is_added_up(tmp_path: Path) -> None:
    """Of a running service other symbols are traded meanwhile."""
    rows = [book_execution(f"T-{number}", 1, executed_at=NOON) for number in range(20 * SLICE)]
    book = SqliteBook(tmp_path / "orders.db", ids=SystemIds(), busy_timeout_seconds=Decimal(5))
    with book.write() as writing:
        writing.insert_executions(rows)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def meanwhile() -> Observation:
        beside = asyncio.create_task(others())
        try:
            return await observe(reading, snapshot(), absent)
        finally:
            beside.cancel()

    with book.read() as reading:
        seen = asyncio.run(meanwhile())
    book.close()
    (held,) = seen.book.computed.values()
    assert held.quantity == len(rows)
    # Once for each slice while they are added up, read, put in order, and folded.
    assert turns >= 4 * 20
