"""The queues as we would have them; what somebody else has set up otherwise is used as it is.

A queue of signals is replicated, delivers to one consumer at a time and in order, and gives a
message that comes back too often to its dead letters, from which nothing is ever lost: such a
message stays in the queue until the queue of dead letters has it.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractConnection

from core.ports import RunLog
from core.signals.amqp import CALL_SECONDS, ChannelRefused, NotThere, asked, channel_of

Act = Callable[[AbstractChannel], Awaitable[Any]]

_REPLICATED = {"x-queue-type": "quorum"}


def dead_letters_of(queue: str) -> str:
    """The name of the exchange and of the queue behind it."""
    return f"{queue}.dead"


def signal_arguments(queue: str, delivery_limit: int) -> dict[str, Any]:
    return {
        **_REPLICATED,
        "x-delivery-limit": delivery_limit,
        # One consumer, and the next one only when it is gone: otherwise two would share the order.
        "x-single-active-consumer": True,
        "x-dead-letter-exchange": dead_letters_of(queue),
        "x-dead-letter-strategy": "at-least-once",
        # Dead letters at least once cannot go with a queue that drops its oldest messages.
        "x-overflow": "reject-publish",
    }


async def set_up_signals(
    connection: AbstractConnection, queue: str, delivery_limit: int, log: RunLog
) -> None:
    dead = dead_letters_of(queue)
    await _make_or_take(
        connection,
        f"exchange {dead}",
        lambda channel: channel.declare_exchange(
            dead, ExchangeType.FANOUT, durable=True, timeout=CALL_SECONDS
        ),
        lambda channel: channel.declare_exchange(dead, passive=True, timeout=CALL_SECONDS),
        log,
    )
    await _make_or_take(
        connection,
        f"queue {dead}",
        lambda channel: _bound(channel, dead),
        lambda channel: _passive(channel, dead),
        log,
    )
    arguments = signal_arguments(queue, delivery_limit)
    await _make_or_take(
        connection,
        f"queue {queue}",
        lambda channel: channel.declare_queue(
            queue, durable=True, arguments=arguments, timeout=CALL_SECONDS
        ),
        lambda channel: _passive(channel, queue),
        log,
    )


async def set_up_updates(connection: AbstractConnection, queue: str) -> None:
    """Another program's queue: how it is made is theirs to say, and only a missing one is made.

    Without arguments, which is how a program declares a queue that has no wishes for it.
    """
    try:
        async with channel_of(connection) as channel:
            await asked(f"looking for queue {queue}", _passive(channel, queue))
    except NotThere:
        async with channel_of(connection) as channel:
            await asked(
                f"declaring queue {queue}",
                channel.declare_queue(queue, durable=True, timeout=CALL_SECONDS),
            )


async def _make_or_take(
    connection: AbstractConnection, name: str, make: Act, take: Act, log: RunLog
) -> None:
    """What is there already with other arguments, or may not be made by us, is taken as it is."""
    try:
        async with channel_of(connection) as channel:
            await asked(f"declaring {name}", make(channel))
    except ChannelRefused as error:
        async with channel_of(connection) as channel:
            await asked(f"looking for {name}", take(channel))
        log.event("queue_differs", level="warning", what=name, why=error.message)


async def _bound(channel: AbstractChannel, name: str) -> None:
    queue = await channel.declare_queue(
        name, durable=True, arguments=dict(_REPLICATED), timeout=CALL_SECONDS
    )
    await queue.bind(name, timeout=CALL_SECONDS)


def _passive(channel: AbstractChannel, name: str) -> Awaitable[Any]:
    return channel.declare_queue(name, passive=True, timeout=CALL_SECONDS)
