"""The queue as a source of signals for the running service: taken in, committed, acknowledged.

A message is acknowledged when the book has it, whatever it was: a signal is a row then, nonsense a
dead letter in the book. Whoever dies in between is sent the same once more, and its id tells.
"""

from datetime import timedelta

from core.config.trading_settings import Signals
from core.domain.arrival import Batch, Item
from core.domain.errors import BookError, Usage
from core.operate.desk import Desk
from core.operate.managing import Wake
from core.operate.taking_in import TakenIn, take_in
from core.signals.amqp import connected
from core.signals.consumer import Message, consuming
from core.signals.queues import set_up_signals

SOURCE = "queue"
AGAIN_SECONDS = 0.5
# The server closes a channel on which something stays unacknowledged for half an hour.
PATIENCE_MAX = timedelta(minutes=10)


async def from_queue(desk: Desk, wake: Wake) -> None:
    """For ever; ends only with an error, and what was not acknowledged is delivered again."""
    signals = desk.settings.SIGNALS
    if signals.rabbitmq_url is None:
        raise Usage("SIGNALS.rabbitmq_url is not set")
    _wants_the_book(desk)
    async with connected(signals.rabbitmq_url) as connection:
        await set_up_signals(connection, signals.queue, signals.delivery_limit, desk.log)
        async with consuming(
            connection, signals.queue, prefetch=signals.prefetch, clock=desk.clock
        ) as consumer:
            desk.log.event("queue_joined", queue=signals.queue)
            while True:
                messages = await consumer.next_batch()
                taken = await _taken_in(desk, _batch(signals.queue, messages))
                wake(taken.lanes)
                await consumer.ack(messages)


def _wants_the_book(desk: Desk) -> None:
    """Each delivery counts: nothing is asked for while the book cannot take it."""
    with desk.book.write():
        pass


async def _taken_in(desk: Desk, batch: Batch) -> TakenIn:
    """A book that cannot take it now is tried again for a while; then the batch is given back."""
    until = desk.clock.now() + patience(desk.settings.SIGNALS)
    while True:
        try:
            return take_in(desk, batch)
        except BookError as error:
            if desk.clock.now() >= until:
                raise
            desk.log.event("queue_waits_for_book", level="warning", why=error.message)
            await desk.clock.sleep(AGAIN_SECONDS)


def patience(signals: Signals) -> timedelta:
    """So long that a signal is too old for anybody before it has been given back too often.

    Otherwise a full disk would send good signals to the server's dead letters.
    """
    age = timedelta(seconds=signals.max_signal_age_seconds)
    return min(age / signals.delivery_limit, PATIENCE_MAX)


def _batch(queue: str, messages: list[Message]) -> Batch:
    return Batch(items=tuple(_item(queue, each) for each in messages))


def _item(queue: str, message: Message) -> Item:
    # Not where it stood in the queue: redelivered it must have the same place, and the same letter.
    place = f"{queue} {message.message_id}" if message.message_id else queue
    return Item(raw=message.body, source=SOURCE, place=place, trace_id=message.trace_id)
