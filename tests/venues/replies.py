"""The replies a client may get instead of the genuine one, down to the socket."""

import asyncio
import socket
import struct

from aiohttp import web

from tests.venues.faults import Fault, Reply

_PAGE = "<html><head><title>Just a moment...</title></head><body>checking</body></html>"


async def send(
    request: web.Request, body: bytes, fault: Fault | None, closing: asyncio.Event
) -> web.StreamResponse:
    """Send a genuine body, or whatever the fault makes of it."""
    reply = Reply.GENUINE if fault is None else fault.reply
    if reply is Reply.HANG:
        await closing.wait()
        return _sever(request, reset=False)
    if reply is Reply.RESET or reply is Reply.CUT:
        return _sever(request, reset=reply is Reply.RESET)
    if reply is Reply.TRUNCATED:
        return await _truncate(request, body)
    if reply is Reply.HTML:
        return web.Response(text=_PAGE, content_type="text/html")
    if reply is Reply.EMPTY:
        return web.Response(body=b"", content_type="application/json")
    if reply is Reply.STATUS and fault is not None:
        return _status(fault)
    return web.Response(body=body, content_type="application/json")


def _status(fault: Fault) -> web.Response:
    headers = {}
    if fault.retry_after_seconds is not None:
        headers["Retry-After"] = str(fault.retry_after_seconds)
    return web.Response(text=fault.text, status=fault.status, headers=headers)


async def _truncate(request: web.Request, body: bytes) -> web.StreamResponse:
    """Announce the whole body, send half of it and hang up."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _sever(request: web.Request, *, reset: bool) -> web.StreamResponse:
    """Hang up without a word: with RST for a reset, with FIN otherwise."""
    if request.transport is not None:
        if reset:
            linger_nothing(request.transport)
            request.transport.abort()
        else:
            request.transport.close()
    # The server wants an answer to write; the transport is gone, so nobody hears it.
    return web.Response()


def linger_nothing(transport: asyncio.BaseTransport) -> None:
    """Make the next close of a connection send RST and drop what is unsent."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
