"""Signals by queue, with a real server: once each, in order, acknowledged after the commit."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from core.domain.errors import BookBusy, QueueError
from core.domain.moment import moment_text
from core.signals.queues import dead_letters_of
from core.signals.rabbit import from_queue
from tests.amqp import PATIENCE_SECONDS, Bus, Line, listens_to, server, until
from tests.home import HomeUnderTest
from tests.producer import desk_now, message, signal_id

pytestmark = pytest.mark.rabbitmq


@pytest.fixture
async def bus() -> AsyncIterator[Bus]:
    async with Bus(server()) as bus:
        yield bus


@asynccontextmanager
async def consuming(
    home: HomeUnderTest, bus: Bus, woken: list[Any] | None = None
) -> "AsyncIterator[asyncio.Task[None]]":
    """The intake at work; whatever it ends with is for the test to look at."""
    desk = desk_now(home)
    with desk.book.read():
        pass

    def wake(lanes: Iterable[tuple[str, str]]) -> None:
        if woken is not None:
            woken.extend(lanes)

    task = asyncio.create_task(from_queue(desk, wake))
    try:
        await until(lambda: task.done() or bus.has_consumer(bus.queue), "a consumer")
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        desk.close_book()


@contextmanager
def book_held(home: HomeUnderTest) -> Iterator[None]:
    """Another program has the book's write lock."""
    with closing(sqlite3.connect(home.book_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def fresh(name: object, **given: Any) -> bytes:
    return message(name, timestamp=moment_text(datetime.now(UTC)), **given)


def taken(home: HomeUnderTest) -> list[str]:
    """Ids in the order of their arrival."""
    query = "select signal_id from signals where state = 'PUBLISHED' order by rowid"
    return [row["signal_id"] for row in home.rows(query)]


def log(home: HomeUnderTest) -> str:
    return (home.root / "logs" / "reconcile.log").read_text()


# --- taking in ------------------------------------------------------------------------------------


async def test_signals_are_taken_in_in_their_order_and_acknowledged(
    home: HomeUnderTest, bus: Bus
) -> None:
    listens_to(home, bus.address, bus.queue)
    names = range(450)
    woken: list[Any] = []
    async with consuming(home, bus, woken):
        await bus.publish(bus.queue, *(fresh(name) for name in names))
        await until(lambda: len(taken(home)) == len(names), "all taken in")
    assert taken(home) == [signal_id(name) for name in names]
    assert set(woken) == {("main", "BTCUSDT")}
    # What is not acknowledged comes back when its consumer goes.
    await until(lambda: bus.ready(bus.queue, 0), "nothing left")
    assert {row["source"] for row in home.rows("select source from signals")} == {"queue"}


async def test_safe_mode_keeps_no_signal_waiting_in_the_queue(
    home: HomeUnderTest, bus: Bus
) -> None:
    listens_to(home, bus.address, bus.queue)
    assert home.sentinel.exists() or "SAFE_MODE: true" in home.config_file.read_text()
    async with consuming(home, bus):
        await bus.publish(bus.queue, fresh("one"))
        await until(lambda: taken(home), "taken in")
    await until(lambda: bus.ready(bus.queue, 0), "acknowledged")


async def test_a_batch_that_comes_twice_is_taken_in_once(home: HomeUnderTest, bus: Bus) -> None:
    listens_to(home, bus.address, bus.queue)
    batch = [fresh(name) for name in range(20)]
    async with consuming(home, bus):
        await bus.publish(bus.queue, *batch, *batch)
        await until(
            lambda: (
                len(home.rows("select * from outbox where event_type = 'signal.rejected'")) == 20
            ),
            "the second half told as duplicates",
        )
    assert taken(home) == [signal_id(name) for name in range(20)]
    assert len(home.rows("select * from signal_deliveries")) == 20
    assert home.rows("select * from dead_letters") == []


async def test_poison_between_good_ones_is_kept_and_holds_up_nothing(
    home: HomeUnderTest, bus: Bus
) -> None:
    listens_to(home, bus.address, bus.queue)
    poison = [b"{", b"\xff\xfe\x00", b"[" * 100_000, b"", b"x" * 70_000, fresh("no", amount=-1)]
    async with consuming(home, bus):
        await bus.publish(bus.queue, fresh("first"), *poison, fresh("last"), message_id="m-7")
        await until(lambda: len(taken(home)) == 2, "both good ones")
    assert taken(home) == [signal_id("first"), signal_id("last")]
    letters = home.rows("select * from dead_letters")
    assert len(letters) == len(poison)
    assert {(row["source"], row["place"]) for row in letters} == {("queue", f"{bus.queue} m-7")}
    await until(lambda: bus.ready(bus.queue, 0), "all acknowledged")
    assert await bus.bodies(dead_letters_of(bus.queue)) == []


async def test_the_trace_of_the_headers_counts_where_the_body_has_none(
    home: HomeUnderTest, bus: Bus
) -> None:
    listens_to(home, bus.address, bus.queue)
    headers = {"X-Trace-Id": "from-the-headers"}
    async with consuming(home, bus):
        await bus.publish(bus.queue, fresh("bare"), headers=headers, message_id="m-1")
        await bus.publish(bus.queue, fresh("own", trace_id="its-own"), headers=headers)
        await bus.publish(bus.queue, fresh("odd"), headers={"X-Trace-Id": 7})
        await until(lambda: len(taken(home)) == 3, "all")
    rows = home.rows("select signal_id, trace_id from signals")
    assert {row["signal_id"]: row["trace_id"] for row in rows} == {
        signal_id("bare"): "from-the-headers",
        signal_id("own"): "its-own",
        signal_id("odd"): None,
    }


# --- trouble --------------------------------------------------------------------------------------


async def test_who_dies_between_commit_and_acknowledgement_takes_in_nothing_twice(
    home: HomeUnderTest, bus: Bus
) -> None:
    listens_to(home, bus.address, bus.queue)
    names = range(30)

    def die(lanes: Iterable[tuple[str, str]]) -> None:
        raise MemoryError("dies here")

    async with consuming(home, bus):
        pass
    await bus.publish(bus.queue, *(fresh(name) for name in names))
    desk = desk_now(home)
    with pytest.raises(MemoryError):
        await from_queue(desk, die)
    desk.close_book()
    committed = taken(home)
    assert committed
    await until(lambda: bus.ready(bus.queue, len(names)), "nothing was acknowledged")

    async with consuming(home, bus):
        await until(lambda: len(taken(home)) == len(names), "the rest")
        await until(
            lambda: (
                len(home.rows("select * from outbox where event_type = 'signal.rejected'"))
                == len(committed)
            ),
            "what had been committed is told as duplicates",
        )
    assert taken(home) == [signal_id(name) for name in names]
    assert len(home.rows("select * from signal_deliveries")) == len(names)
    await until(lambda: bus.ready(bus.queue, 0), "all acknowledged")


async def test_a_book_that_is_busy_for_a_moment_is_waited_for(
    home: HomeUnderTest, bus: Bus
) -> None:
    listens_to(home, bus.address, bus.queue)
    home.set_in("DATABASE", busy_timeout_seconds="0")
    async with consuming(home, bus) as task:
        with book_held(home):
            await bus.publish(bus.queue, fresh("one"), fresh("two"))
            await until(lambda: "queue_waits_for_book" in log(home), "it waits")
            assert not task.done()
        await until(lambda: len(taken(home)) == 2, "taken in")
    assert taken(home) == [signal_id("one"), signal_id("two")]


async def test_a_book_that_stays_busy_gives_the_messages_back_in_order(
    home: HomeUnderTest, bus: Bus
) -> None:
    # Three hundred seconds of a signal's life in ten thousand deliveries: no patience at all.
    listens_to(home, bus.address, bus.queue, delivery_limit="10000")
    home.set_in("DATABASE", busy_timeout_seconds="0")
    names = range(150)
    async with consuming(home, bus) as task:
        with book_held(home):
            await bus.publish(bus.queue, *(fresh(name) for name in names))
            with pytest.raises(BookBusy):
                await task
            await until(lambda: bus.ready(bus.queue, len(names)), "given back")
    assert taken(home) == []
    async with consuming(home, bus):
        await until(lambda: len(taken(home)) == len(names), "redelivered")
    assert taken(home) == [signal_id(name) for name in names]


async def test_nothing_is_asked_for_while_the_book_is_busy(home: HomeUnderTest, bus: Bus) -> None:
    listens_to(home, bus.address, bus.queue)
    home.set_in("DATABASE", busy_timeout_seconds="0")
    async with consuming(home, bus):
        pass
    await bus.publish(bus.queue, fresh("one"))
    desk = desk_now(home)
    with book_held(home), pytest.raises(BookBusy):
        await from_queue(desk, lambda lanes: None)
    desk.close_book()
    assert await bus.ready(bus.queue, 1)
    assert log(home).count("queue_joined") == 1


async def test_a_line_that_breaks_ends_it_and_loses_nothing(home: HomeUnderTest, bus: Bus) -> None:
    async with Line(bus.address) as line:
        listens_to(home, line.address, bus.queue)
        async with consuming(home, bus) as task:
            await bus.publish(bus.queue, fresh("before"))
            await until(lambda: taken(home), "the first")
            line.cut()
            with pytest.raises(QueueError):
                await task
        await bus.publish(bus.queue, fresh("after"))
        async with consuming(home, bus):
            await until(lambda: len(taken(home)) == 2, "the second")


async def test_a_line_that_falls_silent_is_noticed(home: HomeUnderTest, bus: Bus) -> None:
    """Nobody says that the other side is gone; only its heartbeats stay away."""
    async with Line(bus.address) as line:
        listens_to(home, f"{line.address}?heartbeat=1", bus.queue)
        async with consuming(home, bus) as task:
            await bus.publish(bus.queue, fresh("before"))
            await until(lambda: taken(home), "the first")
            line.flows.clear()
            with pytest.raises(QueueError, match="says nothing more"):
                await asyncio.wait_for(task, PATIENCE_SECONDS)


async def test_a_queue_that_is_deleted_is_noticed_and_made_again(
    home: HomeUnderTest, bus: Bus
) -> None:
    """The connection lives on, so that without being told one would wait for ever."""
    listens_to(home, bus.address, bus.queue)
    async with consuming(home, bus) as task:
        await bus.remove(bus.queue)
        with pytest.raises(QueueError, match="is the queue still there"):
            await task
    async with consuming(home, bus):
        await bus.publish(bus.queue, fresh("one"))
        await until(lambda: taken(home), "taken in")


# --- the queue ------------------------------------------------------------------------------------


async def test_a_message_that_kills_its_consumers_ends_among_the_dead_letters(
    home: HomeUnderTest, bus: Bus
) -> None:
    listens_to(home, bus.address, bus.queue, delivery_limit="2")
    async with consuming(home, bus):
        pass
    deadly, harmless = fresh("deadly"), fresh("harmless")
    await bus.publish(bus.queue, deadly)
    # It may come back twice, so that the third who is given it is the last.
    for _ in range(3):
        assert await bus.die_with_a_message(bus.queue) == deadly
    dead = dead_letters_of(bus.queue)
    await until(lambda: bus.ready(dead, 1), "the dead letter")
    await bus.publish(bus.queue, harmless)
    async with consuming(home, bus):
        await until(lambda: taken(home), "the one behind it")
    assert taken(home) == [signal_id("harmless")]
    assert await bus.bodies(dead) == [deadly]


@pytest.mark.parametrize(
    "arguments",
    [{}, {"queue_type": "quorum", "delivery_limit": 99}],
    ids=["classic", "quorum"],
)
async def test_a_queue_that_is_there_otherwise_is_used_as_it_is(
    home: HomeUnderTest, bus: Bus, arguments: dict[str, Any]
) -> None:
    await bus.make(bus.queue, **arguments)
    listens_to(home, bus.address, bus.queue)
    async with consuming(home, bus):
        await bus.publish(bus.queue, fresh("one"))
        await until(lambda: taken(home), "taken in")
    (told,) = [line for line in log(home).splitlines() if "queue_differs" in line]
    assert f"queue {bus.queue}" in told
    assert "x-" in told


async def test_one_consumer_at_a_time_and_the_next_takes_over(
    home: HomeUnderTest, bus: Bus
) -> None:
    listens_to(home, bus.address, bus.queue)
    async with consuming(home, bus) as first:
        await bus.publish(bus.queue, fresh("one"))
        await until(lambda: taken(home), "the first has it")
        woken: list[Any] = []
        async with consuming(home, bus, woken):
            await until(lambda: log(home).count("queue_joined") == 2, "a second one waits")
            await bus.publish(bus.queue, fresh("two"))
            await until(lambda: len(taken(home)) == 2, "the first has it, too")
            assert woken == []
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            await bus.publish(bus.queue, fresh("three"))
            await until(lambda: woken, "the second has taken over")
    assert taken(home) == [signal_id(name) for name in ("one", "two", "three")]
