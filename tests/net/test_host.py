"""A server that stops waits for no connection that has not come far enough to be told anything."""

from __future__ import annotations

import os
import ssl
from contextlib import suppress
from typing import Any

import pytest
import trio
import trustme
from support.links import Link, SocketLink
from support.raw import POLLING, request, upgrade
from support.wire import Wire
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from trio_socketio import EngineServer, Server
from trio_socketio._core import Reactor

pytestmark = pytest.mark.rows("P8")

each_server = pytest.mark.parametrize("server", [Server, EngineServer])


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For a server named localhost, and for its clients."""
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


def served(io: Server | EngineServer, nursery: trio.Nursery, context: ssl.SSLContext) -> trio.abc.Stream:
    """The client's end of a connection over TLS, below the TLS."""
    ours, theirs = memory_stream_pair()
    stream = trio.SSLStream(theirs, context, server_side=True, https_compatible=True)
    nursery.start_soon(io.serve_stream, stream)
    return ours


@each_server
@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
async def test_stopping_server_does_not_wait_for_a_tls_handshake(
    autojump_clock: Any, contexts: Any, server: type[Server | EngineServer], sent: bytes
) -> None:
    io = server()
    async with trio.open_nursery() as nursery:
        async with io:
            ours = served(io, nursery, contexts[0])
            await ours.send_all(sent)
            await wait_all_tasks_blocked()
            began = trio.current_time()
        assert trio.current_time() == began
        await trio.aclose_forcefully(ours)


@pytest.mark.parametrize("tls", [True, False])
async def test_connection_accepted_by_a_stopping_server_is_closed(
    autojump_clock: Any, nursery: trio.Nursery, contexts: Any, tls: bool
) -> None:
    async with Server() as io:
        io._require_runtime().host.stop()
        ours = served(io, nursery, contexts[0]) if tls else Wire(io, nursery).stream()
        with trio.fail_after(1):
            assert await ours.receive_some() == b""


async def test_stopping_server_does_not_wait_for_a_request_over_tls(
    autojump_clock: Any, contexts: Any
) -> None:
    io = Server()
    async with trio.open_nursery() as nursery:
        async with io:
            ours = served(io, nursery, contexts[0])
            client = trio.SSLStream(ours, contexts[1], server_hostname="localhost", https_compatible=True)
            await client.send_all(b"GET / HTTP/1.1\r\nHos")
            await wait_all_tasks_blocked()
            began = trio.current_time()
        assert trio.current_time() == began
        await trio.aclose_forcefully(client)


async def test_stopping_server_does_not_wait_for_a_body(link: Link, autojump_clock: Any) -> None:
    io = Server()
    async with trio.open_nursery() as nursery:
        async with io:
            wire = Wire(io, nursery, link)
            polling = await wire.polling()
            stream = wire.stream()
            target = f"{POLLING}&sid={polling.sid}"
            await stream.send_all(request(target, "Content-Length: 10", method="POST", body=b"40"))
            await wait_all_tasks_blocked()
            began = trio.current_time()
        assert trio.current_time() == began


async def test_server_with_tls_listeners_stops(contexts: Any) -> None:
    io = Server()
    with trio.fail_after(4):  # less than the grace of a stop
        async with trio.open_nursery() as nursery:
            listeners: Any = await nursery.start(lambda task_status: io.serve(
                "127.0.0.1", 0, ssl_context=contexts[0], task_status=task_status
            ))  # fmt: skip
            port = listeners[0].transport_listener.socket.getsockname()[1]
            silent = await trio.open_tcp_stream("127.0.0.1", port)
            await wait_all_tasks_blocked(0.01)
            nursery.cancel_scope.cancel()
    await silent.aclose()


@pytest.mark.skipif(Reactor is None, reason="needs epoll")
@pytest.mark.parametrize("http", ["h11", "httptools"])
@pytest.mark.parametrize("head", [request("/other"), upgrade()], ids=["request", "handshake"])
async def test_connection_cancelled_while_a_request_arrives_is_closed(head: bytes, http: Any) -> None:
    link = SocketLink()
    async with Server(http=http) as io:
        for _ in range(20):  # Trio cancels before or after the request is read
            ours, theirs = link.pair()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(io.serve_stream, theirs)
                await wait_all_tasks_blocked()
                os.write(ours.socket.fileno(), head)
                nursery.cancel_scope.cancel()
            with trio.fail_after(5), suppress(trio.BrokenResourceError):
                while await ours.receive_some():
                    pass
    link.close()
