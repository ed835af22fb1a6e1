"""Order updates with a real server: read from the gateway's queue, acked once handed over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from core.apply.hold import Hold
from core.domain.stream import OrderTold
from core.operate.account_watch import AccountWatch
from core.operate.desk import Desk
from core.operate.following import Follower
from core.signals.order_status import from_order_status
from tests.amqp import Bus, listens_to, server, until
from tests.build import instrument, order, quote, snapshot
from tests.home import HomeUnderTest
from tests.producer import desk_now, update

pytestmark = pytest.mark.rabbitmq


@pytest.fixture
async def bus() -> AsyncIterator[Bus]:
    async with Bus(server()) as bus:
        yield bus


@pytest.fixture
def known(home: HomeUnderTest, bus: Bus) -> HomeUnderTest:
    home.tell(snapshot(order("V-1", price=90), instrument(), quote()))
    home.adopt_all()
    listens_to(home, bus.address, bus.queue, updates=bus.updates)
    return home


def follower_of(desk: Desk) -> Follower:
    return Follower(
        desk=desk,
        watch=AccountWatch(broker=desk.broker("main")),
        hold=Hold(desk.lock, desk.clock),
        moved=lambda account, symbol: None,
    )


@asynccontextmanager
async def listening(home: HomeUnderTest, bus: Bus) -> AsyncIterator[Follower]:
    desk = desk_now(home)
    follower = follower_of(desk)
    task = asyncio.create_task(from_order_status(desk, {"main": follower}))
    try:
        await until(lambda: task.done() or bus.has_consumer(bus.updates), "a listener")
        yield follower
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        desk.close_book()


@pytest.mark.parametrize("arguments", [None, {}, {"queue_type": "quorum"}])
async def test_a_queue_is_taken_as_the_gateway_made_it_or_made(
    known: HomeUnderTest, bus: Bus, arguments: dict[str, str] | None
) -> None:
    if arguments is not None:
        await bus.make(bus.updates, **arguments)
    async with listening(known, bus) as follower:
        await bus.publish(bus.updates, update())
        await until(lambda: follower._queue.qsize() == 1, "handed over")
        event = follower._queue.get_nowait()
    assert isinstance(event, OrderTold)
    assert (event.order.broker_order_id, event.order.filled_quantity) == ("V-1", 4)
    await until(lambda: bus.ready(bus.updates, 0), "acknowledged")


async def test_a_gateway_may_still_declare_its_queue_as_it_used_to(
    known: HomeUnderTest, bus: Bus
) -> None:
    async with listening(known, bus):
        await bus.make(bus.updates)


async def test_an_unreadable_update_is_acknowledged_and_holds_up_nothing(
    known: HomeUnderTest, bus: Bus
) -> None:
    async with listening(known, bus) as follower:
        await bus.publish(bus.updates, b"{", update(), b"\xff" * 70_000, update(cum_exec_qty=5))
        await until(lambda: follower._queue.qsize() >= 3, "two updates and a look")
    await until(lambda: bus.ready(bus.updates, 0), "all acknowledged")


async def test_updates_for_an_account_that_is_followed_elsewhere_stay_in_the_queue(
    known: HomeUnderTest, bus: Bus
) -> None:
    await bus.make(bus.updates)
    await bus.publish(bus.updates, update())
    desk = desk_now(known)
    task = asyncio.create_task(from_order_status(desk, {"another": follower_of(desk)}))
    log = known.root / "logs" / "reconcile.log"
    await until(lambda: "order_updates_left_alone" in log.read_text(), "it says so")
    assert await bus.ready(bus.updates, 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    desk.close_book()
