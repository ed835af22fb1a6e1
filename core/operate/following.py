"""Following one account: what its venue tells by itself goes into the book as it is told.

A reader takes events off the venue's line at once, a writer books them; between them lies a queue
of bounded length. Events that find it full are dropped, said so, and made good by a whole look,
which is taken beside the two: a venue that is slow to list still tells what fills.
"""

import asyncio
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from core.apply.hold import Hold
from core.domain.errors import Stale
from core.domain.order import LIVE, STOP_TYPES, BrokerOrder
from core.domain.stream import ExecutionTold, Gap, OrderTold, StreamEvent
from core.operate.account_watch import AccountWatch
from core.operate.alerting import raise_alert
from core.operate.catching_up import catch_up
from core.operate.desk import Desk
from core.operate.hearing import hear
from core.operate.permission import may_change

QUEUE_LENGTH = 10_000
AT_ONCE = 200
AGAIN_SECONDS = 0.05


@dataclass(slots=True, kw_only=True)
class Follower:
    desk: Desk
    watch: AccountWatch
    hold: Hold
    # Told of every symbol that moved, so that its lane looks again.
    moved: Callable[[str, str], None]
    # Asks for a round: something was bought or sold, or the book lags behind.
    look_again: Callable[[], None] = lambda: None
    queue_length: int = QUEUE_LENGTH
    _queue: "asyncio.Queue[StreamEvent]" = field(init=False)
    # Events about symbols with a call under way; its outcome comes first.
    _waiting: list[StreamEvent] = field(default_factory=list)
    _dropped: int = 0
    # Rung when the book lags behind the venue.
    _lags: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._queue = asyncio.Queue(self.queue_length)

    async def read(self) -> None:
        """Never waits for the book."""
        async for event in self.watch.broker.events():
            self.watch.heard_at = self.desk.clock.now()
            self.take(event)

    def take(self, event: StreamEvent) -> None:
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self._drop()

    async def write(self) -> None:
        while True:
            events = [*self._waiting, *await self._next()]
            self._waiting = []
            try:
                await self.book(events)
            except Exception:
                # How many of them were booked is not known; the venue knows what they told.
                self.watch.behind = self.watch.behind or "events could not be booked"
                self.look_again()
                raise

    async def book(self, events: Sequence[StreamEvent]) -> None:
        if self._dropped:
            # Said once more: a look that had begun before may have ended meanwhile.
            self.watch.behind = "events were dropped"
            self._tell_dropped()
        if not may_change(self.desk.gates()):
            # Nothing is written now; once it may be, only a whole look tells what was missed.
            self.watch.behind = "events came while changes were not allowed"
            return
        for some in _portions(events):
            await self._book_some(some)
        if self.watch.behind is not None:
            self._lags.set()

    async def mend(self) -> None:
        """A whole look whenever the book lags."""
        while True:
            await self._lags.wait()
            self._lags.clear()
            try:
                caught = await catch_up(self.desk, self.watch, self.hold)
            except BaseException:
                self._lags.set()
                raise
            self._wake(caught.symbols)
            # What was bought meanwhile must not wait for its stop.
            if caught.filled or self.watch.behind is not None:
                self.look_again()

    async def _book_some(self, events: Sequence[StreamEvent]) -> None:
        for event in events:
            if isinstance(event, Gap):
                self.watch.behind = event.why
                self.desk.log.event(
                    "stream_gap", account=self.watch.account, why=event.why, since=str(event.since)
                )
        with self.desk.book.read() as book:
            # An execution of an order whose place is not settled yet would look like a stranger's.
            busy = {step.symbol for step in book.open_steps(self.watch.account)}
        self._waiting += [event for event in events if _symbol(event) in busy]
        events = [event for event in events if _symbol(event) not in busy]
        orders = [event.order for event in events if isinstance(event, OrderTold)]
        executions = [event.execution for event in events if isinstance(event, ExecutionTold)]
        if not orders and not executions:
            return
        try:
            heard = await hear(self.desk, self.watch, self.hold, orders, executions)
        except Stale:
            self._waiting += events
            return
        if heard.waits:
            self._waiting += events
            return
        self._wake({symbol for event in events if (symbol := _symbol(event))})
        if executions or self._is_left_bare(orders):
            self.look_again()

    def _is_left_bare(self, orders: Sequence[BrokerOrder]) -> bool:
        """Whether the last stop of a position has ended, as when somebody cancels it by hand."""
        ended = {
            (row.symbol, row.side)
            for row in orders
            if row.type in STOP_TYPES and row.status not in LIVE
        }
        if not ended:
            return False
        with self.desk.book.read() as book:
            held = {row.symbol for row in book.positions(self.watch.account) if row.quantity}
            live = book.orders(self.watch.account, live=True)
        standing = {(row.symbol, row.side) for row in live if row.order_type in STOP_TYPES}
        return any(symbol in held for symbol, _ in ended - standing)

    async def _next(self) -> list[StreamEvent]:
        """At least one, unless some are waiting for a call to end."""
        if self._waiting and self._queue.empty():
            await self.desk.clock.sleep(AGAIN_SECONDS)
            await asyncio.sleep(0)
            if self._queue.empty():
                return []
        events = [await self._queue.get()]
        while not self._queue.empty() and len(events) < AT_ONCE:
            events.append(self._queue.get_nowait())
        return events

    def _wake(self, symbols: Collection[str]) -> None:
        for symbol in symbols:
            self.moved(self.watch.account, symbol)

    def _drop(self) -> None:
        self._dropped += 1
        self.watch.behind = "events were dropped"

    def _tell_dropped(self) -> None:
        dropped, self._dropped = self._dropped, 0
        raise_alert(
            self.desk,
            "live_data_backpressure_drop",
            f"{dropped} events of {self.watch.account} came faster than they could be booked; "
            "a whole look makes them good",
            account=self.watch.account,
        )


def _portions(events: Iterable[StreamEvent]) -> Iterator[list[StreamEvent]]:
    """Runs of events in which nothing is told twice, so that each telling is seen in its turn."""
    some: list[StreamEvent] = []
    seen: set[Hashable] = set()
    for event in events:
        if (name := _name(event)) in seen:
            yield some
            some, seen = [], set()
        some.append(event)
        seen.add(name)
    if some:
        yield some


def _name(event: StreamEvent) -> Hashable:
    match event:
        case OrderTold(order=order):
            return "order", order.symbol, order.broker_order_id
        case ExecutionTold(execution=row):
            return "execution", row.symbol, row.broker_order_id, row.execution_id
    return "gap", id(event)


def _symbol(event: StreamEvent) -> str | None:
    match event:
        case OrderTold(order=order):
            return order.symbol
        case ExecutionTold(execution=row):
            return row.symbol
    return None
