"""Connecting: what goes wrong is told in one sentence, and never with the password."""

import asyncio
import logging
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import core.signals.amqp as amqp
from core.config.secret import Secret
from core.domain.errors import QueueError, TrueupError, Usage
from core.signals.amqp import connected
from tests.amqp import server

CANARY = "canary-word-4711"


def secret(address: str) -> Secret:
    return Secret("env:AMQP", root=Path("/"), environment={"AMQP": address})


async def refused_by(address: str) -> TrueupError:
    with pytest.raises(TrueupError) as refused:
        async with connected(secret(address)):
            raise AssertionError("nobody can be there")
    return refused.value


def told_anywhere(error: BaseException) -> str:
    """The error with all that it drags along."""
    parts = []
    each: BaseException | None = error
    while each is not None:
        parts.append(f"{each!r} {each} {getattr(each, 'hint', '')}")
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return "\n".join(parts)


@pytest.mark.parametrize(
    "address",
    [
        f"http://user:{CANARY}@127.0.0.1:5672/",
        f"user:{CANARY}@127.0.0.1",
        f"amqp://user:{CANARY}@/",
        # A slash and a colon that should have been quoted: the port is then a part of the password.
        f"amqp://user:{CANARY}/more@127.0.0.1:5672/",
        f"amqp://user:7:{CANARY}@127.0.0.1:port/",
        f"amqp://user:{CANARY}@127.0.0.1:99999/",
        f"amqp://user:{CANARY}@[::1/",
        f"amqp://user:4711/{CANARY}@127.0.0.1:5672/",
    ],
)
async def test_what_is_no_address_is_said_so(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    error = await refused_by(address)
    assert CANARY not in told_anywhere(error) + caplog.text
    assert isinstance(error, Usage)
    assert "SIGNALS.rabbitmq_url" in error.message
    assert "%40" in str(error.hint)


async def test_where_nobody_listens_is_told_by_host_and_port(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    nobody = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = nobody.sockets[0].getsockname()[1]
    nobody.close()
    await nobody.wait_closed()
    error = await refused_by(f"amqp://user:{CANARY}@127.0.0.1:{port}/")
    assert isinstance(error, QueueError)
    assert error.message.startswith(f"RabbitMQ at 127.0.0.1:{port} cannot be reached: ")
    assert CANARY not in told_anywhere(error) + caplog.text


async def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amqp, "CALL_SECONDS", 0.1)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with silent:
        error = await refused_by(f"amqp://user:{CANARY}@127.0.0.1:{port}/")
    assert isinstance(error, QueueError)
    assert "did not answer within" in error.message


async def test_something_else_on_that_port_is_told() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    other = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    async with other:
        error = await refused_by(f"amqp://user:{CANARY}@127.0.0.1:{port}/")
    assert isinstance(error, QueueError)


@pytest.mark.rabbitmq
async def test_a_wrong_password_is_told_without_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    parts = urlsplit(server())
    address = f"amqp://guest:{CANARY}@{parts.hostname}:{parts.port or 5672}/"
    error = await refused_by(address)
    assert isinstance(error, QueueError)
    assert "does not let us in" in error.message
    assert "ACCESS_REFUSED" in error.message
    assert "SIGNALS.rabbitmq_url" in str(error.hint)
    assert CANARY not in told_anywhere(error) + caplog.text


@pytest.mark.rabbitmq
async def test_a_virtual_host_that_is_not_there_is_told() -> None:
    error = await refused_by(server().rstrip("/") + "/nowhere-to-be-found")
    assert isinstance(error, QueueError)
    assert "virtual host" in str(error.hint)
