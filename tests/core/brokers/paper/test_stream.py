"""What the paper venue tells by itself: twice, late or not at all, and in the end the truth."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from core.domain.stream import ExecutionTold, Gap, OrderTold, StreamEvent
from tests.core.brokers.paper.venue import PaperVenue
from tests.core.brokers.receipts import receipt

PATIENCE_SECONDS = 30


class Listening:
    def __init__(self, events: AsyncIterator[StreamEvent]):
        self._events = events

    async def next(self) -> StreamEvent:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await anext(self._events)

    async def until(self, wanted: type[Any]) -> list[StreamEvent]:
        """Everything up to the first of its kind, that one included."""
        told = [await self.next()]
        while not isinstance(told[-1], wanted):
            told.append(await self.next())
        return told


@asynccontextmanager
async def listening(venue: PaperVenue) -> AsyncIterator[Listening]:
    """Past the gap that every stream begins with."""
    events = venue.broker.events()
    stream = Listening(events)
    first = await stream.next()
    assert isinstance(first, Gap)
    assert first.why == "listening from here on"
    # The look that the gap belongs to ends before anything new is put in place.
    waiting = asyncio.ensure_future(anext(events))
    for _ in range(10):
        await asyncio.sleep(0)

    async def go_on() -> AsyncIterator[StreamEvent]:
        yield await waiting
        async for event in events:
            yield event

    try:
        yield Listening(go_on())
    finally:
        waiting.cancel()
        await venue.broker.close()


def told(events: list[StreamEvent]) -> list[tuple[str, str, str]]:
    """In few words."""
    found = []
    for event in events:
        match event:
            case OrderTold(order=order):
                found.append(("order", order.broker_order_id, order.status.value))
            case ExecutionTold(execution=row):
                found.append(("execution", row.execution_id, str(row.quantity)))
            case Gap(why=why):
                found.append(("gap", why, ""))
    return found


async def test_an_order_and_its_execution_are_told(venue: PaperVenue) -> None:
    async with listening(venue) as stream:
        order = await venue.place("tu-1", "buy", 2)
        assert told(await stream.until(ExecutionTold)) == [
            ("order", order.broker_order_id, "filled"),
            ("execution", "T-1", "2"),
        ]


async def test_only_what_is_new_is_told(venue: PaperVenue) -> None:
    before = await venue.place("tu-1", "buy", 2)
    async with listening(venue) as stream:
        order = await venue.place("tu-2", "buy", 1, "limit", price=95)
        (news,) = told([await stream.next()])
        assert news == ("order", order.broker_order_id, "open")
        await venue.broker.cancel(receipt("tu-3"), order)
        (news,) = told([await stream.next()])
        assert news == ("order", order.broker_order_id, "cancelled")
        assert order.broker_order_id != before.broker_order_id


async def test_a_duplicate_is_told_twice(venue: PaperVenue) -> None:
    async with listening(venue) as stream:
        await venue.place("tu-1", "buy", 2)
        await stream.until(ExecutionTold)
        venue.script(on="events", kind="duplicate_event")
        again = [await stream.next(), await stream.next()]
        assert told(again) == [("execution", "T-1", "2")] * 2


async def test_a_late_event_comes_late(venue: PaperVenue) -> None:
    """The order is told as filled, its execution only once it is no longer held back."""
    async with listening(venue) as stream:
        venue.script(on="events", kind="delayed_event", times=5, after_seconds=60)
        order = await venue.place("tu-1", "buy", 2)
        first, *rest = told(await stream.until(ExecutionTold))
        assert first == ("order", order.broker_order_id, "filled")
        assert rest == [("execution", "T-1", "2")]
        assert venue.read()["simulation"]["faults"] == []


async def test_a_venue_that_is_gone_is_a_gap_at_both_ends(venue: PaperVenue) -> None:
    """What happened meanwhile is not told one by one: a snapshot of the gap has it."""
    async with listening(venue) as stream:
        venue.script(on="events", kind="unavailable", times=3, text="gone")
        assert told([await stream.next()]) == [("gap", "gone", "")]
        await venue.place("tu-1", "buy", 2)
        assert told([await stream.next()]) == [("gap", "gone", "")]
        order = await venue.place("tu-2", "buy", 1, "limit", price=95)
        assert told([await stream.next()]) == [("order", order.broker_order_id, "open")]


async def test_half_a_look_is_a_gap_once_it_is_whole_again(venue: PaperVenue) -> None:
    async with listening(venue) as stream:
        venue.script(on="events", kind="unavailable", part="executions", text="no executions")
        await venue.place("tu-1", "buy", 2)
        events = await stream.until(Gap)
        assert told(events)[-1] == ("gap", "no executions", "")


async def test_in_the_end_all_that_was_told_is_the_truth(venue: PaperVenue) -> None:
    """Whatever was held back or repeated: told or after a gap, nothing is missing."""
    faults = ["duplicate_event", "delayed_event", "duplicate_event"]
    venue.desk.simulate(
        faults=[{"on": "events", "kind": kind, "times": 2, "after_seconds": 30} for kind in faults]
    )
    async with listening(venue) as stream:
        for number in range(6):
            await venue.place(f"tu-{number}", "buy" if number % 2 else "sell", 1)
        last = await venue.place("tu-last", "buy", 1, "limit", price=90)
        seen: dict[str, Decimal] = {}
        orders: dict[str, str] = {}
        while len(seen) < 6 or last.broker_order_id not in orders:
            match await stream.next():
                case OrderTold(order=order):
                    orders[order.broker_order_id] = order.status.value
                case ExecutionTold(execution=row):
                    seen[row.execution_id] = row.quantity
        snapshot = await venue.broker.snapshot()
        assert seen == {row.execution_id: row.quantity for row in snapshot.executions}
        assert orders == {row.broker_order_id: row.status.value for row in snapshot.orders}


async def test_listening_ends_when_the_broker_is_closed(venue: PaperVenue) -> None:
    events = venue.broker.events()
    await anext(events)
    await venue.broker.close()
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert [event async for event in events] == []
