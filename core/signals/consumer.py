"""What one queue delivers, a batch at a time, in its order, and acknowledged by the batch."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

from core.domain.errors import QueueError
from core.domain.text import printable
from core.ports import Clock
from core.signals.amqp import CALL_SECONDS, asked, channel_of, reason

BATCH_MAX = 100
# What comes within this time of a first message shares its transaction.
GATHER_SECONDS = 0.003
# One byte more than anybody reads tells that there was more.
BODY_MAX = 64 * 1024 + 1
_NAME_MAX = 128
_TRACE_HEADERS = ("x-trace-id", "trace_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    # Counts from 1 on each channel.
    tag: int
    body: bytes
    message_id: str | None = None
    trace_id: str | None = None


class Consumer:
    """Ends with a QueueError as soon as nothing more can come."""

    def __init__(self, channel: AbstractChannel, queue: str, clock: Clock):
        self._channel = channel
        self._queue = queue
        self._clock = clock
        # Never longer than the prefetch.
        self._arrived: asyncio.Queue[Message | None] = asyncio.Queue()
        self._ended: str | None = None
        self._last_tag = 0

    async def start(self, prefetch: int) -> None:
        channel = self._channel
        await asked(
            "setting the prefetch",
            channel.set_qos(prefetch_count=prefetch, timeout=CALL_SECONDS),
        )
        channel.close_callbacks.add(self._closed)
        beneath = await channel.get_underlay_channel()
        beneath.on_consumer_cancel_callbacks.add(self._cancelled)
        queue = await channel.get_queue(self._queue, ensure=False)
        await asked(
            f"consuming from {self._queue}", queue.consume(self._take, timeout=CALL_SECONDS)
        )

    async def next_batch(self, *, within_seconds: float | None = None) -> list[Message]:
        """At least one, unless none came within that time."""
        try:
            async with asyncio.timeout(within_seconds):
                found = [await self._next()]
        except TimeoutError:
            return []
        if self._arrived.empty():
            await self._clock.sleep(GATHER_SECONDS)
        while len(found) < BATCH_MAX and not self._arrived.empty():
            found.append(await self._next())
        return found

    async def ack(self, batch: Sequence[Message]) -> None:
        """That one, and all that came before it."""
        beneath = await self._channel.get_underlay_channel()
        await asked(
            f"acknowledging to {self._queue}", beneath.basic_ack(batch[-1].tag, multiple=True)
        )

    async def _next(self) -> Message:
        message = None if self._ended else await self._arrived.get()
        if message is None or self._ended:
            raise QueueError(f"{self._queue}: {self._ended}")
        if message.tag != self._last_tag + 1:
            # An acknowledgement speaks of all that came before, so nothing may be missing there.
            raise QueueError(
                f"{self._queue}: message {message.tag} of the channel came after {self._last_tag}"
            )
        self._last_tag = message.tag
        return message

    # --- told by the connection -------------------------------------------------------------------

    async def _take(self, message: AbstractIncomingMessage) -> None:
        self._arrived.put_nowait(_kept(message))

    async def _closed(self, channel: Any, error: BaseException | None) -> None:
        # Cancelled is how the library tells that the other side had fallen silent.
        is_silent = isinstance(error, asyncio.CancelledError)
        self._end("the server says nothing more" if is_silent else reason(error))

    async def _cancelled(self, frame: Any) -> None:
        """As when the queue is deleted; the connection would live on in silence."""
        self._end("the server delivers nothing more: is the queue still there?")

    def _end(self, why: str) -> None:
        self._ended = self._ended or why
        self._arrived.put_nowait(None)


@asynccontextmanager
async def consuming(
    connection: AbstractConnection, queue: str, *, prefetch: int, clock: Clock
) -> AsyncIterator[Consumer]:
    async with channel_of(connection) as channel:
        consumer = Consumer(channel, queue, clock)
        await consumer.start(prefetch)
        yield consumer


def _kept(message: AbstractIncomingMessage) -> Message:
    headers = {str(name).lower(): value for name, value in (message.headers or {}).items()}
    traces = (_name(headers.get(name)) for name in _TRACE_HEADERS)
    return Message(
        tag=message.delivery_tag or 0,
        body=message.body[:BODY_MAX],
        message_id=_name(message.message_id),
        trace_id=next((each for each in traces if each), None),
    )


def _name(told: object) -> str | None:
    """A name as somebody gave it; what is none is left out."""
    if isinstance(told, bytes):
        told = told.decode("utf-8", "replace")
    if not isinstance(told, str) or not told.strip() or len(told) > _NAME_MAX:
        return None
    return printable(told)
