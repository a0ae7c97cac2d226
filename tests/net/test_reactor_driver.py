"""The reactor driver, with a session and a client, and without HTTP."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import trio
from support.engine import Above, Bench
from support.raw import read_all
from support.websockets import open_session
from support.wire import client_frame

from trio_socketio._core import Reactor
from trio_socketio.errors import DisconnectReason
from trio_socketio.net._lingering import CLOSE_TIMEOUT
from trio_socketio.net._reactor_driver import ReactorDriver
from trio_socketio.net._reactor_host import ReactorHost

pytestmark = pytest.mark.skipif(Reactor is None, reason="the reactor is for Linux")

CLOSE = client_frame(8, b"\x03\xe8")


@dataclass
class Served:
    """A driver that serves a socket, the layer above it, and the client's end of the socket."""

    driver: ReactorDriver
    above: Above
    client: trio.SocketStream


@asynccontextmanager
async def serving(trailing: bytes = b"") -> AsyncIterator[Served]:
    """Serve a WebSocket, whose client has read the open packet."""
    host = ReactorHost(5.0, logging.getLogger("test.reactor"))
    ours, theirs = trio.socket.socketpair()
    async with trio.SocketStream(theirs) as client, trio.open_nursery() as nursery:
        nursery.start_soon(host.run)
        driver = ReactorDriver(host)
        above = open_session(Bench(), driver)
        driver.take_over(trio.SocketStream(ours), trailing)
        assert b'0{"sid":' in await client.receive_some(1000)
        yield Served(driver, above, client)
        nursery.cancel_scope.cancel()


async def test_bytes_after_the_opening_handshake_are_read_first() -> None:
    async with serving(client_frame(1, b"4one")) as served:
        await served.client.send_all(client_frame(1, b"4two"))
        await served.client.send_all(CLOSE)
        await served.client.receive_some(1000)
        assert served.above.messages == ["one", "two"]


@pytest.mark.parametrize("answers", [True, False])
async def test_close_waits_for_the_close_frame_of_the_client(autojump_clock: Any, answers: bool) -> None:
    async with serving() as served:
        now = trio.current_time()
        served.above.session.close(DisconnectReason.FORCED_CLOSE, "closed by the test", now=now)
        assert (await served.client.receive_some(1000))[0] == 0x88
        assert not served.driver.is_gone
        if answers:
            await served.client.send_all(CLOSE)
        await trio.sleep(CLOSE_TIMEOUT + 0.1 if not answers else CLOSE_TIMEOUT / 2)
        assert served.driver.is_gone
        assert await read_all(served.client) == b""


async def test_client_that_ends_the_connection_is_reported() -> None:
    async with serving() as served:
        gone = trio.Event()
        served.driver.on_gone = gone.set
        await served.client.send_eof()
        await gone.wait()
        assert served.above.ended == [(DisconnectReason.TRANSPORT_CLOSE, "the client ended the connection")]


async def test_abort_sends_no_close_frame() -> None:
    async with serving() as served:
        served.driver.abort(goodbye=False)
        assert served.driver.is_gone
        assert await read_all(served.client) == b""
        assert served.driver.delivery(trio.current_time()) is None


async def test_internal_error_drops_only_this_connection(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as served:
        served.driver.failed(ValueError("a mistake of ours"))
        assert served.above.ended == [(DisconnectReason.TRANSPORT_CLOSE, "internal error")]
        assert caplog.messages == ["internal error in a WebSocket: it is dropped"]
        caplog.clear()


async def test_socket_is_closed_if_the_driver_was_dropped_before() -> None:
    host = ReactorHost(5.0, logging.getLogger("test.reactor"))
    ours, theirs = trio.socket.socketpair()
    async with trio.SocketStream(theirs) as client:
        driver = ReactorDriver(host)
        open_session(Bench(), driver)
        driver.drop()
        driver.take_over(trio.SocketStream(ours), b"")
        assert ours.fileno() == -1
        assert await client.receive_some(1000) == b""
    host.reactor.close()
