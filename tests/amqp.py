"""A real RabbitMQ for tests: queues of a test's own, a producer, and a line that can be cut.

The server is the one of $TRUEUP_TEST_AMQP, or the one on its standard local port; a test that finds
neither is skipped and says so.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from core.signals.amqp import ChannelRefused, asked
from core.signals.queues import dead_letters_of
from tests.home import HomeUnderTest

STANDARD = "amqp://guest:guest@127.0.0.1:5672/"
PATIENCE_SECONDS = 60


def server() -> str:
    """The address of the server, or the end of the test."""
    if told := os.environ.get("TRUEUP_TEST_AMQP"):
        return told
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", 5672), 2):
        return STANDARD
    pytest.skip("no RabbitMQ: none in $TRUEUP_TEST_AMQP, and none on its standard local port")


def listens_to(
    home: HomeUnderTest, address: str, queue: str, updates: str = "null", **more: str
) -> None:
    """Configures the home as an operator does: the address in a private file."""
    secret = home.root / "config" / "amqp.address"
    secret.touch(mode=0o600)
    secret.write_text(address)
    values = {"rabbitmq_url": f"file:{secret}", "queue": queue, "order_status_queue": updates}
    home.set_in("SIGNALS", **(values | more))


async def until(is_so: Callable[[], Any], what: str) -> Any:
    """Waits for a condition; an awaitable one is asked for again, too."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = is_so()
                if isinstance(found, Awaitable):
                    found = await found
                if found:
                    return found
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"never came true: {what}") from None


class Bus:
    """The server as its administrator and its producers see it."""

    def __init__(self, address: str):
        self.address = address
        name = f"test.{uuid4().hex}"
        self.queue, self.updates = f"{name}.signals", f"{name}.updates"

    async def __aenter__(self) -> "Bus":
        self._connection = await aio_pika.connect(self.address, timeout=PATIENCE_SECONDS)
        self._channel = await self._connection.channel()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in (self.queue, self.updates, dead_letters_of(self.queue)):
            await self.remove(name)
        await self._channel.exchange_delete(dead_letters_of(self.queue))
        await self._connection.close()

    async def remove(self, queue: str) -> None:
        await self._channel.queue_delete(queue)

    async def make(self, queue: str, **arguments: Any) -> None:
        named = {f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}
        await self._channel.declare_queue(queue, durable=True, arguments=named)

    async def publish(self, queue: str, *bodies: bytes, **properties: Any) -> None:
        """Confirmed by the server when it returns; the queue need not be there before long."""
        await until(lambda: self.depth(queue), f"the queue {queue}")
        for body in bodies:
            message = aio_pika.Message(
                body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, **properties
            )
            await self._channel.default_exchange.publish(message, routing_key=queue)

    @contextlib.asynccontextmanager
    async def _aside(self) -> AsyncIterator[AbstractChannel]:
        """A question about a queue that is not there costs the channel it is asked on."""
        channel = await self._connection.channel()
        try:
            yield channel
        finally:
            await channel.close()

    async def depth(self, queue: str) -> tuple[int, int] | None:
        """Messages ready, and consumers; None when there is no such queue."""
        try:
            async with self._aside() as channel:
                found = await asked("looking", channel.declare_queue(queue, passive=True))
        except ChannelRefused:
            return None
        told = found.declaration_result
        return told.message_count or 0, told.consumer_count or 0

    async def ready(self, queue: str, count: int) -> bool:
        depth = await self.depth(queue)
        return depth is not None and depth[0] == count

    async def has_consumer(self, queue: str) -> bool:
        depth = await self.depth(queue)
        return depth is not None and depth[1] > 0

    async def bodies(self, queue: str) -> list[bytes]:
        """What is in the queue now, taken out of it."""
        found = []
        async with self._aside() as channel:
            source = await channel.get_queue(queue)
            while (message := await source.get(no_ack=True, fail=False)) is not None:
                found.append(message.body)
        return found

    async def die_with_a_message(self, queue: str) -> bytes:
        """A consumer that is sent one message and is gone before it says anything."""
        arrived: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def take(message: AbstractIncomingMessage) -> None:
            arrived.set_result(message.body)

        async with self._aside() as channel:
            await channel.set_qos(prefetch_count=1)
            source = await channel.get_queue(queue)
            await source.consume(take)
            return await asyncio.wait_for(arrived, PATIENCE_SECONDS)


class Line:
    """A line to the server, on which a test can pull the plug."""

    def __init__(self, address: str):
        self._parts = urlsplit(address)
        self._writers: set[asyncio.StreamWriter] = set()
        self._far: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_dead = False
        # Cleared, nothing passes any more and nobody is told: as when a cable is pulled.
        self.flows = asyncio.Event()
        self.flows.set()

    async def __aenter__(self) -> "Line":
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        self.flows.set()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def address(self) -> str:
        port = self._server.sockets[0].getsockname()[1]
        user = self._parts.netloc.rpartition("@")[0]
        return self._parts._replace(netloc=f"{user}@127.0.0.1:{port}").geturl()

    def far_ports(self) -> list[int]:
        """Where the server sees our connections come from."""
        return [each.get_extra_info("sockname")[1] for each in self._far if not each.is_closing()]

    def cut(self) -> None:
        """Every connection breaks off; new ones are taken unless the line is dead."""
        for writer in self._writers:
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        with contextlib.suppress(OSError):
            if not self.is_dead:
                await self._carry(reader, writer)
        writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self._parts.hostname or "127.0.0.1", self._parts.port or 5672
        far_reader, far_writer = await asyncio.open_connection(host, port)
        self._writers.add(far_writer)
        self._far.append(far_writer)
        ways = [
            asyncio.create_task(self._pump(reader, far_writer)),
            asyncio.create_task(self._pump(far_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            far_writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while block := await reader.read(65536):
                await self.flows.wait()
                writer.write(block)
                await writer.drain()
