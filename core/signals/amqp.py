"""One connection to RabbitMQ: every call has an end, and no failure tells the password.

Nothing is mended in here. A connection that broke is given up, whoever used it ends with a
QueueError, and the service starts that part anew: a client that reconnects by itself may hang, and
takes back neither what was half done nor the order in which it came.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import (
    CONNECTION_EXCEPTIONS,
    ChannelClosed,
    ChannelNotFoundEntity,
    InvalidFrameError,
    ProbableAuthenticationError,
)

from core.config.secret import Secret, scrub
from core.domain.errors import QueueError, Usage
from core.domain.text import printable

CALL_SECONDS = 10.0
CLOSE_SECONDS = 3.0
# A peer that has gone silent is noticed after three of these.
HEARTBEAT_SECONDS = 20
_CONNECTION_NAME = "trueup"
_REASON_MAX = 300

Answer = TypeVar("Answer")

# What it has to say is raised as well, and without a handler it would end up on the screen.
for _name in ("aio_pika", "aiormq"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


class ChannelRefused(QueueError):
    """The server said no to a call and closed its channel."""


class NotThere(ChannelRefused):
    """The queue or exchange does not exist."""


@asynccontextmanager
async def connected(address: Secret) -> AsyncIterator[AbstractConnection]:
    """Leaving it gives everything back that was not acknowledged."""
    connection = await _open(address.reveal())
    try:
        yield connection
    finally:
        # A server that does not even answer to this has noticed, or soon will.
        with suppress(*CONNECTION_EXCEPTIONS, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await connection.close()


@asynccontextmanager
async def channel_of(connection: AbstractConnection) -> AsyncIterator[AbstractChannel]:
    """A refused call costs its channel, so each question that may be refused has one of its own."""
    channel = connection.channel()
    await asked("opening a channel", channel.initialize(timeout=CALL_SECONDS))
    try:
        yield channel
    finally:
        with suppress(*CONNECTION_EXCEPTIONS, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await channel.close()


async def asked(what: str, call: Awaitable[Answer]) -> Answer:
    """The answer to one call; whatever goes wrong instead is a QueueError."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            return await call
    except TimeoutError:
        raise QueueError(
            f"{what}: RabbitMQ did not answer within {CALL_SECONDS:g} seconds"
        ) from None
    except ChannelNotFoundEntity as error:
        raise NotThere(f"{what}: {reason(error)}") from None
    except ChannelClosed as error:
        raise ChannelRefused(f"{what}: {reason(error)}") from None
    except CONNECTION_EXCEPTIONS as error:
        raise QueueError(f"{what}: {reason(error)}") from None


def reason(error: BaseException | None) -> str:
    """What the server or the network said, fit for a log."""
    said = "it ended" if error is None else str(error) or type(error).__name__
    return printable(scrub(said))[:_REASON_MAX]


# --- connecting -----------------------------------------------------------------------------------


async def _open(url: str) -> AbstractConnection:
    where, told = _taken_apart(url)
    defaults = {"heartbeat": str(HEARTBEAT_SECONDS), "name": _CONNECTION_NAME}
    wanted: dict[str, Any] = {name: value for name, value in defaults.items() if name not in told}
    try:
        async with asyncio.timeout(CALL_SECONDS):
            connection: AbstractConnection = await aio_pika.connect(
                url, timeout=CALL_SECONDS, **wanted
            )
            return connection
    except TimeoutError:
        raise QueueError(
            f"RabbitMQ at {where} did not answer within {CALL_SECONDS:g} seconds"
        ) from None
    except ProbableAuthenticationError as error:
        raise QueueError(
            f"RabbitMQ at {where} does not let us in: {reason(error)}",
            hint="look at user, password and virtual host in SIGNALS.rabbitmq_url",
        ) from None
    except InvalidFrameError:
        # How the library tells that the server closed the connection instead of opening it.
        raise QueueError(
            f"RabbitMQ at {where} knows us, but does not open the connection",
            hint="is there the virtual host of SIGNALS.rabbitmq_url, and may its user enter it?",
        ) from None
    except CONNECTION_EXCEPTIONS as error:
        raise QueueError(f"RabbitMQ at {where} cannot be reached: {reason(error)}") from None
    except (ValueError, TypeError, KeyError):
        # Such an error quotes parts of the address, which may be parts of the password.
        raise _no_address() from None


def _taken_apart(url: str) -> tuple[str, set[str]]:
    """Host and port, which may be shown, and the names of the options the operator has set."""
    try:
        parts = urlsplit(url)
        port = parts.port
        options = parse_qs(parts.query)
    except ValueError:
        raise _no_address() from None
    # An @ behind the host is a password with a slash in it, and the host the user's name.
    if parts.scheme not in ("amqp", "amqps") or not parts.hostname or "@" in parts.path:
        raise _no_address()
    where = printable(parts.hostname) + (f":{port}" if port else "")
    return where, set(options)


def _no_address() -> Usage:
    return Usage(
        "SIGNALS.rabbitmq_url leads to something that is no address of RabbitMQ",
        hint="write amqp://USER:PASSWORD@HOST:5672/VHOST there, or amqps://, and in a password "
        "@ : / # as %40 %3A %2F %23",
    )
