"""Real sockets: TCP, TLS, Unix-domain. Port 0, and a deadline for each test."""

from __future__ import annotations

import os
import socket as stdlib_socket
import ssl
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from support.raw import POLLING, WEBSOCKET, read_all, read_until, request, status
from support.wire import HttpClient, SioClient, WebSocket
from trio.testing import memory_stream_pair
from wsproto.events import CloseConnection

from trio_socketio import Server

Connect = Callable[[], Awaitable[trio.abc.Stream]]


@pytest.fixture(autouse=True)
async def _deadline() -> AsyncIterator[None]:
    with trio.fail_after(20):
        yield


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def _server() -> Server:
    io = Server()

    @io.on("who")
    async def who(socket: Any) -> list[Any]:
        handshake = socket.handshake
        return [handshake.address, handshake.secure, handshake.query["transport"]]

    return io


@asynccontextmanager
async def _tcp(io: Server, nursery: trio.Nursery) -> AsyncIterator[Connect]:
    (listener,) = await nursery.start(io.serve, "127.0.0.1", 0)
    port = listener.socket.getsockname()[1]
    assert port != 0

    async def connect() -> trio.abc.Stream:
        return await trio.open_tcp_stream("127.0.0.1", port)

    yield connect


async def _assert_works(connect: Connect, address: str, secure: bool) -> None:
    """A request, a polling session, and a direct WebSocket."""
    async with await connect() as stream:
        http = HttpClient(stream)
        assert (await http.request("GET", "/nothing")).status == 404
        assert (await http.request("GET", POLLING)).text.startswith('0{"sid":"')
    async with await connect() as stream:
        client = await (await SioClient(await WebSocket(stream).open(WEBSOCKET)).start()).connect()
        assert await client.call("who") == [[address, secure, "websocket"]]
        await client.ws.close()
        await client.ws.receive()
        assert await read_all(stream) == b""


@pytest.mark.rows("A2")
async def test_tcp(nursery: trio.Nursery) -> None:
    async with _tcp(_server(), nursery) as connect:
        await _assert_works(connect, "127.0.0.1", secure=False)
    nursery.cancel_scope.cancel()


def _contexts(authority: trustme.CA) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    return server, client


@pytest.mark.rows("A15")
async def test_tls(nursery: trio.Nursery, authority: trustme.CA) -> None:
    ours, theirs = _contexts(authority)
    io = _server()
    (listener,) = await nursery.start(
        lambda task_status: io.serve("127.0.0.1", 0, ssl_context=ours, task_status=task_status)
    )
    port = listener.transport_listener.socket.getsockname()[1]

    async def connect() -> trio.abc.Stream:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        return trio.SSLStream(stream, theirs, server_hostname="localhost", https_compatible=True)

    await _assert_works(connect, "127.0.0.1", secure=True)
    async with await trio.open_tcp_stream("127.0.0.1", port) as plain:  # no TLS: ends alone
        await plain.send_all(request(POLLING))
        await read_all(plain)
    await _assert_works(connect, "127.0.0.1", secure=True)
    nursery.cancel_scope.cancel()


@pytest.mark.rows("A17")
async def test_unix_socket(nursery: trio.Nursery, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    io = _server()
    async with trio.open_nursery() as serving:
        await serving.start(io.serve_unix, path)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600

        async def connect() -> trio.abc.Stream:
            return await trio.open_unix_socket(path)

        await _assert_works(connect, "unix", secure=False)
        serving.cancel_scope.cancel()
    assert not path.exists()


@pytest.mark.rows("A4")
async def test_several_listeners_of_every_kind(
    nursery: trio.Nursery, authority: trustme.CA, tmp_path: Path
) -> None:
    ours, theirs = _contexts(authority)
    plain = await trio.open_tcp_listeners(0, host="127.0.0.1")
    tls = await trio.open_ssl_over_tcp_listeners(0, ours, host="127.0.0.1", https_compatible=True)
    unix = trio.socket.socket(trio.socket.AF_UNIX)
    await unix.bind(str(tmp_path / "socket"))
    unix.listen()
    listeners = [*plain, *tls, trio.SocketListener(unix)]
    assert await nursery.start(_server().serve_listeners, listeners) == listeners
    tls_port = tls[0].transport_listener.socket.getsockname()[1]  # type: ignore[attr-defined]

    async def over_tcp() -> trio.abc.Stream:
        return await trio.open_tcp_stream("127.0.0.1", plain[0].socket.getsockname()[1])

    async def over_tls() -> trio.abc.Stream:
        stream = await trio.open_tcp_stream("127.0.0.1", tls_port)
        return trio.SSLStream(stream, theirs, server_hostname="localhost", https_compatible=True)

    async def over_unix() -> trio.abc.Stream:
        return await trio.open_unix_socket(tmp_path / "socket")

    await _assert_works(over_tcp, "127.0.0.1", secure=False)
    await _assert_works(over_tls, "127.0.0.1", secure=True)
    await _assert_works(over_unix, "unix", secure=False)
    nursery.cancel_scope.cancel()


@pytest.mark.rows("A4")
async def test_serve_stream_serves_one_stream(nursery: trio.Nursery) -> None:
    ours, theirs = memory_stream_pair()
    ended = trio.Event()

    async def serve() -> None:
        await _server().serve_stream(theirs)
        ended.set()

    nursery.start_soon(serve)
    client = await (await SioClient(await WebSocket(ours).open(WEBSOCKET)).start()).connect()
    assert await client.call("who") == [["", False, "websocket"]]
    await client.ws.close()
    await ended.wait()


@pytest.mark.rows("C25")
async def test_answer_to_a_post_over_the_limit_is_not_lost(nursery: trio.Nursery) -> None:
    """The client still sends: closing at once would reset the connection, and the answer with it."""
    async with _tcp(_server(), nursery) as connect:
        async with await connect() as stream:
            sid = (await HttpClient(stream).request("GET", POLLING)).text[9:29]
        async with await connect() as stream:
            await stream.send_all(request(f"{POLLING}&sid={sid}", "Content-Length: 1000001", method="POST"))
            for _ in range(16):
                await stream.send_all(bytes(65536))
            assert status(await read_all(stream)) == 413
    nursery.cancel_scope.cancel()


async def test_client_that_resets_the_connection(nursery: trio.Nursery) -> None:
    io = _server()
    async with io:
        async with _tcp(io, nursery) as connect:
            stream = await connect()
            assert isinstance(stream, trio.SocketStream)
            ws = await WebSocket(stream).open(WEBSOCKET)
            await ws.receive()
            stream.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            await stream.aclose()
            await _assert_works(connect, "127.0.0.1", secure=False)
            while io.engine.clients_count > 1:  # the polling session of _assert_works stays
                await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()


@pytest.mark.rows("H1", "A2")
async def test_server_ends_with_its_listener(nursery: trio.Nursery) -> None:
    io = _server()
    async with trio.open_nursery() as serving:
        async with _tcp(io, serving) as connect:
            stream = await connect()
            client = await (await SioClient(await WebSocket(stream).open(WEBSOCKET)).start()).connect()

            async def leave() -> None:
                assert isinstance(await client.ws.receive(), CloseConnection)
                await client.ws.close()

            nursery.start_soon(leave)
            serving.cancel_scope.cancel()
    with pytest.raises(RuntimeError, match="async with io"):
        io.health()
    await stream.aclose()
    nursery.cancel_scope.cancel()


async def test_pipelined_requests_over_tcp(nursery: trio.Nursery) -> None:
    async with _tcp(_server(), nursery) as connect, await connect() as stream:
        await stream.send_all(request("/nothing") * 50 + request(POLLING))
        assert (await read_until(stream, b"maxPayload")).count(b"HTTP/1.1 404") == 50
    nursery.cancel_scope.cancel()
