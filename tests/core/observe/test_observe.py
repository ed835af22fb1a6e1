"""Which book rows an observation brings along."""

import asyncio
from decimal import Decimal
from pathlib import Path

from core.book.sqlite import SqliteBook
from core.config.settings import Settings
from core.decide.reconcile.propose import propose
from core.domain.naming import possible_names
from core.domain.order import BookOrder
from core.domain.snapshot import Absent, Lookup
from core.host.clock import SystemIds
from core.observe.observe import observe
from tests.build import NOON, book_order, order, snapshot


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
