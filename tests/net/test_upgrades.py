"""From HTTP to WebSocket: the open packet comes with the response, and nothing stays of who goes meanwhile."""

from __future__ import annotations

import contextlib
import logging
import socket as stdlib_socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio
from support.descriptors import open_descriptors
from support.engine import Bench
from support.leftovers import left_behind
from support.raw import WEBSOCKET, close_frame, read_all, upgrade
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import Server
from trio_socketio._core import Reactor
from trio_socketio.net import EngineHost
from trio_socketio.serving._config import EngineConfig

needs_reactor = pytest.mark.skipif(Reactor is None, reason="needs epoll")

Ends = tuple[stdlib_socket.socket, stdlib_socket.socket]


def _tcp_pair() -> Ends:
    with stdlib_socket.create_server(("127.0.0.1", 0)) as listener:
        client = stdlib_socket.create_connection(listener.getsockname())
        return client, listener.accept()[0]


def _segments(end: stdlib_socket.socket) -> int:
    """How many with data have come: tcpi_data_segs_in of the kernel's struct tcp_info."""
    info = end.getsockopt(stdlib_socket.IPPROTO_TCP, stdlib_socket.TCP_INFO, 160)
    return int.from_bytes(info[152:156], sys.byteorder)


def _clogged_pair() -> Ends:
    """The server can write nothing before its client has read what is on the way already: dots."""
    client, server = stdlib_socket.socketpair()
    server.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            server.send(b"." * 65536)
    return client, server


def _stream(end: stdlib_socket.socket) -> trio.SocketStream:
    return trio.SocketStream(trio.socket.from_stdlib_socket(end))


def _living() -> list[object]:
    """What is left, without drivers that are gone: the task that drops them refers to its last one."""
    return [thing for thing in left_behind() if not getattr(thing, "is_gone", False)]


@contextlib.contextmanager
def _nothing_is_left(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No session, driver, descriptor or complaint stays of what happens inside."""
    before, descriptors = len(_living()), len(open_descriptors())
    yield
    assert len(open_descriptors()) == descriptors
    assert len(_living()) <= before
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@needs_reactor
async def test_open_packet_is_written_with_the_response() -> None:
    options = EngineConfig(path="/socket.io/").host_options()
    host = EngineHost(Bench().engine, options, logging.getLogger(__name__))
    client, server = _tcp_pair()
    with client:
        client.sendall(upgrade())
        driver = await host.serve(_stream(server))
        assert driver is not None
        # Nobody turns the reactor here, so what has come was not written by it.
        assert _segments(client) == 1
        head, _, frames = client.recv(65536).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert frames.startswith(bytes([0x81, len(frames) - 2]) + b'0{"sid":"')
        assert host.reactor is not None
        driver.drop()
        host.reactor.reactor.close()


@pytest.mark.parametrize("driver", ["auto", "stream"])
@pytest.mark.parametrize("pair", [stdlib_socket.socketpair, _tcp_pair])
async def test_client_that_resets_before_the_response(
    pair: Callable[[], Ends], driver: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes when its request is read and nothing is written yet."""

    def generate_id() -> str:
        client.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        return "the only session"

    io = Server(driver=driver, generate_id=generate_id)
    async with io:
        with _nothing_is_left(caplog):
            client, server = pair()
            client.sendall(upgrade())
            await io.serve_stream(_stream(server))
            assert io.engine.clients_count == 0


async def test_candidate_that_goes_before_the_response_leaves_its_session_on_polling(
    running: Any, autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()
    async with running(io) as wire:
        polling = await (await wire.polling()).connect()
        with _nothing_is_left(caplog):
            ours, theirs = wire.pair()
            await ours.send_all(upgrade(f"{WEBSOCKET}&sid={polling.sid}"))
            await trio.aclose_forcefully(ours)
            await io.serve_stream(theirs)
        ws = await polling.upgrade()  # and there is no other candidate
        await ws.send("2probe")
        assert await ws.receive() == "3probe"


async def test_upgrade_of_a_session_that_is_ending_is_closed_with_the_reason(
    running: Any, autojump_clock: Any
) -> None:
    io = Server()
    async with running(io) as wire:
        polling = await (await wire.polling()).connect()
        await io.drain()  # the client may still fetch the close packet
        ws = await polling.upgrade()
        closed = await ws.receive()
        assert isinstance(closed, CloseConnection)
        assert (closed.code, closed.reason) == (1001, "the session has ended")


@needs_reactor
@pytest.mark.parametrize(
    ("seconds", "ending"),
    [
        (1.0, close_frame(1002)),  # it opens, and no namespace is joined within connect_timeout
        (12.0, close_frame(1002)),  # which has passed meanwhile
        (16.0, b"}"),  # so has the time of the last flush
        (40.0, b"."),  # even the response has waited for too long
    ],
)
async def test_session_that_ends_while_the_response_is_sent(
    autojump_clock: Any, caplog: pytest.LogCaptureFixture, seconds: float, ending: bytes
) -> None:
    """Its client reads nothing for so many seconds."""
    io = Server(connect_timeout=10.0, disconnect_timeout=5.0)
    async with io, trio.open_nursery() as nursery:
        with _nothing_is_left(caplog):
            client, server = _clogged_pair()
            stream = _stream(client)
            nursery.start_soon(io.serve_stream, _stream(server))
            await stream.send_all(upgrade())
            await wait_all_tasks_blocked()
            assert io.engine.clients_count == 1
            await trio.sleep(seconds)
            received = await read_all(stream)
            assert received.endswith(ending)
            await stream.aclose()
            await wait_all_tasks_blocked()
            assert io.engine.clients_count == 0
