"""Order updates by queue: each is handed to its account's follower, as told or as the venue says.

Acknowledged once it was handed over, although the follower has not booked it yet: whoever dies in
between takes a whole look when he starts again, and that makes up for any update.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.domain.errors import BrokerError, Usage
from core.domain.order import BookOrder
from core.domain.snapshot import Absent, Found
from core.domain.stream import Gap, OrderTold
from core.operate.desk import Desk
from core.operate.following import Follower
from core.signals.amqp import connected
from core.signals.consumer import consuming
from core.signals.order_event import OrderEvent, Unreadable, as_told, is_old, read_order_event
from core.signals.queues import set_up_updates

# Asking for more orders than this one by one costs more than a whole look.
ASK_MAX = 20
# However much of it cannot be read, the venue is not looked at more often than this.
LOOK_EVERY = timedelta(seconds=10)
_BODY_SHOWN = 300

# Symbol and broker_order_id.
OrderName = tuple[str, str]


async def from_order_status(desk: Desk, followers: Mapping[str, Follower]) -> None:
    """For ever; ends only with an error."""
    signals = desk.settings.SIGNALS
    if signals.rabbitmq_url is None or signals.order_status_queue is None:
        raise Usage("SIGNALS.rabbitmq_url or SIGNALS.order_status_queue is not set")
    name, queue = account_told_of(desk), signals.order_status_queue
    if name not in followers:
        # The updates are for the process that follows this account, so none is taken from it.
        desk.log.event("order_updates_left_alone", queue=queue, account=name)
        await asyncio.Event().wait()
    updates = Updates(desk=desk, follower=followers[name], queue=queue)
    async with connected(signals.rabbitmq_url) as connection:
        await set_up_updates(connection, queue)
        async with consuming(
            connection, queue, prefetch=signals.prefetch, clock=desk.clock
        ) as consumer:
            desk.log.event("queue_joined", queue=queue, account=name)
            while True:
                messages = await consumer.next_batch(within_seconds=updates.owes_in_seconds())
                await updates.hand_over([each.body for each in messages])
                if messages:
                    await consumer.ack(messages)


def account_told_of(desk: Desk) -> str:
    """The configuration has been checked: without a name there is only one that is enabled."""
    named = desk.settings.SIGNALS.order_status_account
    return named if named is not None else desk.accounts()[0]


@dataclass(slots=True, kw_only=True)
class Updates:
    desk: Desk
    follower: Follower
    queue: str
    # Why a whole look is owed, and when the last one was asked for.
    _owed: str | None = None
    _looked_at: datetime | None = None
    # Of one batch: what the book has of its orders, the symbols with a call under way, and the
    # orders that the venue has to be asked for, each once.
    _rows: dict[OrderName, BookOrder] = field(default_factory=dict)
    _busy: set[str] = field(default_factory=set)
    _doubtful: dict[OrderName, BookOrder | None] = field(default_factory=dict)

    async def hand_over(self, bodies: Sequence[bytes]) -> None:
        read = [(body, read_order_event(body)) for body in bodies]
        self._doubtful = {}
        self._read_book([each.order_id for _, each in read if each.order_id])
        for body, each in read:
            if isinstance(each, Unreadable):
                self._tell_unreadable(body, each)
            else:
                self._take(each)
        await self._ask()
        self._pay()

    def owes_in_seconds(self) -> float | None:
        """When a whole look is due that could not be asked for at once."""
        if self._owed is None or self._looked_at is None:
            return None
        due = self._looked_at + LOOK_EVERY - self.desk.clock.now()
        return max(due.total_seconds(), 0)

    # --- one update -------------------------------------------------------------------------------

    def _read_book(self, order_ids: Sequence[str]) -> None:
        if not order_ids:
            return
        with self.desk.book.read() as book:
            rows = book.orders(self._account, broker_order_ids=order_ids)
            self._busy = {step.symbol for step in book.open_steps(self._account)}
        self._rows = {(row.symbol, row.broker_order_id): row for row in rows if row.broker_order_id}

    def _take(self, event: OrderEvent) -> None:
        name = event.symbol, event.order_id
        row = self._rows.get(name)
        if row is not None and is_old(event, row):
            return
        ahead = timedelta(seconds=self.desk.settings.SIGNALS.max_ahead_seconds)
        order = as_told(event, row, now=self.desk.clock.now(), ahead=ahead) if row else None
        # A call under way may be changing what the row says, and one answer settles both.
        if order is None or name in self._doubtful or event.symbol in self._busy:
            self._doubtful[name] = row
        else:
            self.follower.take(OrderTold(order))

    def _tell_unreadable(self, body: bytes, told: Unreadable) -> None:
        self.desk.log.event(
            "order_update_unreadable",
            level="warning",
            queue=self.queue,
            reasons=list(told.reasons),
            body=body[:_BODY_SHOWN].decode("utf-8", "backslashreplace"),
        )
        if told.order_id and told.symbol:
            name = told.symbol, told.order_id
            self._doubtful[name] = self._rows.get(name)
        else:
            self._owed = f"an update in {self.queue} could not be read"

    # --- asking -----------------------------------------------------------------------------------

    async def _ask(self) -> None:
        if len(self._doubtful) > ASK_MAX:
            self._owed = f"{len(self._doubtful)} updates in {self.queue} had to be asked for"
            return
        for (symbol, order_id), row in self._doubtful.items():
            await self._ask_for(symbol, order_id, row)

    async def _ask_for(self, symbol: str, order_id: str, row: BookOrder | None) -> None:
        try:
            answer = await self.follower.watch.broker.find_order(
                symbol=symbol,
                broker_order_id=order_id,
                created_at=row.created_at if row else None,
            )
        except BrokerError as error:
            self._owed = f"order {order_id} could not be asked for: {error.message}"
            return
        if isinstance(answer, Found):
            self.follower.take(OrderTold(answer.order))
        elif row is not None:
            self._owed = f"the venue could not tell of order {order_id}"
        else:
            # Neither side knows it; if it is there after all, the next round sees it.
            self.desk.log.event(
                "order_update_of_a_stranger",
                level="warning",
                queue=self.queue,
                account=self._account,
                symbol=symbol,
                broker_order_id=order_id,
                certain=isinstance(answer, Absent),
            )

    def _pay(self) -> None:
        now = self.desk.clock.now()
        if self._owed is None or self.owes_in_seconds():
            return
        self.follower.take(Gap(self._owed, now))
        self._owed, self._looked_at = None, now

    @property
    def _account(self) -> str:
        return self.follower.watch.account
