"""Events that come too fast, that cannot be booked, or that come at a bad moment."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.apply.hold import Hold
from core.domain.errors import BookBusy
from core.domain.order import OrderStatus
from core.domain.snapshot import BrokerSnapshot
from core.domain.stream import OrderTold, StreamEvent
from core.host.clock import SystemClock
from core.operate.account_watch import AccountWatch
from core.operate.catching_up import catch_up
from core.operate.desk import Desk
from core.operate.following import Follower
from core.ports import Broker
from tests.build import instrument, order, quote, snapshot
from tests.home import HomeUnderTest
from tests.producer import desk_at
from tests.service.running import PATIENCE_SECONDS


class Bursting:
    """The paper venue, with a stream that tells exactly what it is given."""

    def __init__(self, broker: Broker):
        self._broker = broker
        self.given: asyncio.Queue[StreamEvent] = asyncio.Queue()
        self.looks = 0
        self.while_looking = lambda: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    async def snapshot(self, *since: Any) -> BrokerSnapshot:
        found = await self._broker.snapshot(*since)
        self.looks += 1
        self.while_looking()
        return found

    async def events(self) -> AsyncIterator[StreamEvent]:
        while True:
            yield await self.given.get()


@pytest.fixture
def desk(home: HomeUnderTest) -> Iterator[Desk]:
    """The book knows V-1, an open purchase of 10 at 90."""
    rows = [order("V-1", price=90), instrument(), quote()]
    home.tell(snapshot(*rows))
    home.adopt_all()
    desk = desk_at(home, SystemClock())  # type: ignore[arg-type]
    yield desk
    desk.close_book()


def follower_at(desk: Desk, **given: Any) -> tuple[Follower, Bursting]:
    venue = Bursting(desk.open_broker("main"))
    desk.open_broker = lambda account: venue  # type: ignore[assignment, return-value]
    follower = Follower(
        desk=desk,
        watch=AccountWatch(broker=venue, behind=None),  # type: ignore[arg-type]
        hold=Hold(desk.lock, desk.clock),
        moved=lambda account, symbol: None,
        **given,
    )
    return follower, venue


@contextmanager
def nobody_writes(desk: Desk) -> Iterator[None]:
    """The book's write lock in other hands."""
    write = desk.book.write

    def busy() -> Any:
        raise BookBusy("another process holds the book's write lock")

    desk.book.write = busy  # type: ignore[method-assign]
    try:
        yield
    finally:
        desk.book.write = write  # type: ignore[method-assign]


def told(filled: int) -> OrderTold:
    state = OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.OPEN
    row = order("V-1", price=90, average_price=90)
    return OrderTold(replace(row, status=state, filled_quantity=Decimal(filled)))


def filled(home: HomeUnderTest) -> str:
    (row,) = home.rows("SELECT filled_quantity FROM orders")
    return str(row["filled_quantity"])


def tell(home: HomeUnderTest, quantity: int) -> None:
    row = order("V-1", price=90, status="partially_filled", filled_quantity=quantity)
    home.tell(snapshot(replace(row, average_price=Decimal(90)), instrument(), quote()))


async def until(is_so: Any) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if is_so():
                return
            await asyncio.sleep(0.01)


async def test_a_burst_beyond_the_queue_is_told_and_made_good(
    home: HomeUnderTest, desk: Desk
) -> None:
    follower, venue = follower_at(desk, queue_length=3)
    for number in range(8):
        follower.take(told(number))
    # What was dropped would have told of seven; only the venue knows now.
    tell(home, 7)
    tasks = [asyncio.create_task(part()) for part in (follower.write, follower.mend)]
    await until(lambda: follower.watch.behind is None and venue.looks)
    for task in tasks:
        task.cancel()
    assert filled(home) == "7"
    (alert,) = home.rows("SELECT * FROM alerts WHERE type = 'live_data_backpressure_drop'")
    assert alert["message"].startswith("5 events of main")


async def test_what_is_dropped_during_a_whole_look_asks_for_another(
    home: HomeUnderTest, desk: Desk
) -> None:
    follower, venue = follower_at(desk)

    def a_drop_and_news() -> None:
        if venue.looks == 1:
            follower.watch.behind = "something came that this look may not show"

    venue.while_looking = a_drop_and_news
    follower.watch.behind = "told by a test"
    await catch_up(desk, follower.watch, follower.hold)
    assert follower.watch.behind == "something came that this look may not show"
    await catch_up(desk, follower.watch, follower.hold)
    assert follower.watch.behind is None


async def test_events_that_could_not_be_booked_leave_the_account_behind(
    home: HomeUnderTest, desk: Desk
) -> None:
    asked: list[str] = []
    follower, _ = follower_at(desk, look_again=lambda: asked.append("look"))
    follower.take(told(4))
    with nobody_writes(desk), suppress(BookBusy):
        await asyncio.wait_for(follower.write(), PATIENCE_SECONDS)
    assert follower.watch.behind
    assert asked == ["look"]
    tell(home, 4)
    await catch_up(desk, follower.watch, follower.hold)
    assert filled(home) == "4"
    assert follower.watch.behind is None
