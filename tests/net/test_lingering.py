"""The last response of a connection whose client still sends: it arrives, and behind it the end of the stream."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import trio
import trustme
from support.raw import POLLING, request, status

from trio_socketio import EngineServer, Server
from trio_socketio.net._lingering import LINGER_TIMEOUT

Connect = Callable[[], Awaitable[trio.abc.Stream]]

SENT = 1_500_000


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    return server, client


@pytest.fixture(params=[Server, EngineServer])
def server(request: pytest.FixtureRequest) -> Any:
    return request.param(path="/socket.io/")


@pytest.fixture(params=["TCP", "TLS"])
async def connect(
    request: pytest.FixtureRequest, server: Any, contexts: Any, nursery: trio.Nursery
) -> AsyncIterator[Connect]:
    """Connections that take an end without ``close_notify`` for an error, if they are TLS."""
    is_tls = request.param == "TLS"

    async def serve(task_status: Any) -> None:
        context = contexts[0] if is_tls else None
        await server.serve("127.0.0.1", 0, ssl_context=context, task_status=task_status)

    (listener,) = await nursery.start(serve)
    address = (listener.transport_listener if is_tls else listener).socket.getsockname()

    async def connect() -> trio.abc.Stream:
        stream = await trio.open_tcp_stream(*address)
        return trio.SSLStream(stream, contexts[1], server_hostname="localhost") if is_tls else stream

    with trio.fail_after(20):
        yield connect
    nursery.cancel_scope.cancel()


async def read_to_the_end(stream: trio.abc.Stream) -> bytes:
    received = b""
    while data := await stream.receive_some(65536):
        received += data
    return received


BODIES = {
    "too large": (413, [f"Content-Length: {SENT}"]),
    "two lengths": (400, ["Content-Length: 5", f"Content-Length: {SENT}"]),
    "chunk too large": (413, ["Transfer-Encoding: chunked"]),
    "elsewhere": (404, [f"Content-Length: {SENT}"]),
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.rows("P9", "A15")
async def test_refusal_arrives_while_the_client_sends(connect: Connect, body: str) -> None:
    code, lines = BODIES[body]
    first = await connect()
    await first.send_all(request(POLLING, "Connection: close"))
    opened = await read_to_the_end(first)
    target = f"{POLLING}&sid={opened.partition(b'sid')[2][3:23].decode()}"
    head = request("/nothing" if body == "elsewhere" else target, *lines, method="POST")
    stream = await connect()
    await stream.send_all(head + b"FFFFFFF\r\n")
    for _ in range(SENT // 65536):
        await stream.send_all(bytes(65536))
    began = trio.current_time()
    assert status(await read_to_the_end(stream)) == code
    assert trio.current_time() - began < LINGER_TIMEOUT / 2  # the end is told at once
    await trio.aclose_forcefully(stream)
    await trio.aclose_forcefully(first)


@pytest.mark.rows("P9")
async def test_refusal_arrives_while_the_client_goes_on(connect: Connect) -> None:
    stream = await connect()
    async with trio.open_nursery() as nursery:

        async def send() -> None:
            try:
                while True:
                    await stream.send_all(bytes(1000))
                    await trio.sleep(0.01)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass

        await stream.send_all(request("/nothing", f"Content-Length: {SENT}", method="POST"))
        nursery.start_soon(send)
        assert status(await read_to_the_end(stream)) == 404
        await trio.aclose_forcefully(stream)


@pytest.mark.rows("P9")
async def test_client_that_closes_ends_the_connection(connect: Connect, server: Any) -> None:
    stream = await connect()
    await stream.send_all(b"nonsense\r\n\r\n")
    assert status(await read_to_the_end(stream)) == 400
    await stream.aclose()
    host = server._require_runtime().host
    while host.connections:
        await trio.lowlevel.checkpoint()
