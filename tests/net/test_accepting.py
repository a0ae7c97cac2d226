"""Accepting connections when there are no descriptors left (accept(2), EMFILE)."""

from __future__ import annotations

import errno
import logging
import os
import resource
import socket
from contextlib import suppress
from typing import Any

import pytest
import trio
from support.raw import POLLING
from support.wire import HttpClient
from trio.testing import memory_stream_pair

from trio_socketio import EngineServer, Server
from trio_socketio.net._accepting import CONNECTIONS_BETWEEN_CHECKPOINTS, Acceptor

servers = pytest.mark.parametrize("server", [Server, EngineServer])


class Listener(trio.abc.Listener[trio.abc.Stream]):
    """Has a connection to accept when it does not fail."""

    def __init__(self, error: int) -> None:
        self.failure: OSError | None = OSError(error, os.strerror(error))
        self.attempts = 0
        self.is_closed = False
        self.clients, self._theirs = trio.open_memory_channel[trio.abc.Stream](10)

    def connect(self) -> trio.abc.Stream:
        ours, theirs = memory_stream_pair()
        self.clients.send_nowait(theirs)
        return ours

    async def accept(self) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        self.attempts += 1
        if self.failure is not None:
            raise self.failure
        return await self._theirs.receive()

    async def aclose(self) -> None:
        self.is_closed = True


def failures(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


@servers
@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
@pytest.mark.rows("P36")
async def test_lack_of_descriptors_is_one_error_in_ten_seconds(
    autojump_clock: Any, nursery: trio.Nursery, server: Any, error: int, caplog: pytest.LogCaptureFixture
) -> None:
    io = server()
    listeners = [Listener(error), Listener(error)]
    await nursery.start(io.serve_listeners, listeners)
    for count in (1, 2, 3):
        await trio.sleep(9.95)
        assert len(failures(caplog)) == count
    for record in failures(caplog):
        assert record.exc_info is None
        assert errno.errorcode[error] in record.getMessage()
        assert record.name == "trio_socketio.engine"
    for listener in listeners:
        assert 250 < listener.attempts < 350
        listener.failure = None
        http = HttpClient(listener.connect())
        assert (await http.request("GET", f"{io.path}?EIO=4&transport=polling")).status == 200
    assert len(failures(caplog)) == 3
    nursery.cancel_scope.cancel()


@servers
@pytest.mark.rows("P36")
async def test_other_errors_end_serving_and_close_the_listeners(server: Any) -> None:
    listeners = [Listener(errno.EBADF), Listener(errno.EMFILE)]
    with pytest.raises(ExceptionGroup) as caught:
        await server().serve_listeners(listeners)
    (error,) = caught.value.exceptions
    assert error is listeners[0].failure
    assert all(listener.is_closed for listener in listeners)


@pytest.mark.rows("P36")
async def test_clients_are_served_when_there_are_descriptors_again(
    nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    (listener,) = await nursery.start(Server().serve, "127.0.0.1", 0)
    address = listener.socket.getsockname()
    client = socket.socket()
    client.setblocking(False)
    stream = trio.SocketStream(trio.socket.from_stdlib_socket(client))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))), limits[1]))
    spare: list[int] = []
    try:
        with suppress(OSError):  # numbers below the limit may be free
            while True:
                spare.append(os.dup(0))
        await stream.socket.connect(address)
        with trio.fail_after(10):
            while not failures(caplog):
                await trio.lowlevel.checkpoint()
    finally:
        for number in spare:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    with trio.fail_after(10):
        assert (await HttpClient(stream).request("GET", POLLING)).status == 200
    (record,) = failures(caplog)
    assert record.exc_info is None
    await stream.aclose()
    nursery.cancel_scope.cancel()


async def test_connections_that_wait_are_accepted_together(nursery: trio.Nursery) -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    address = listener.socket.getsockname()
    clients = [socket.create_connection(address) for _ in range(CONNECTIONS_BETWEEN_CHECKPOINTS + 1)]
    streams: list[trio.SocketStream] = []
    all_accepted = trio.Event()
    most = 0

    def start(stream: trio.SocketStream) -> None:
        streams.append(stream)
        if len(streams) == len(clients):
            all_accepted.set()

    class Passes(trio.abc.Instrument):
        before = 0

        def before_task_step(self, task: trio.lowlevel.Task) -> None:
            self.before = len(streams)

        def after_task_step(self, task: trio.lowlevel.Task) -> None:
            nonlocal most
            most = max(most, len(streams) - self.before)

    passes = Passes()
    trio.lowlevel.add_instrument(passes)
    await nursery.start(Acceptor(logging.getLogger("test")).run, [listener], start)
    await all_accepted.wait()
    trio.lowlevel.remove_instrument(passes)
    assert 1 < most <= CONNECTIONS_BETWEEN_CHECKPOINTS
    for end in (*clients, *(stream.socket for stream in streams)):
        end.close()
    nursery.cancel_scope.cancel()


async def test_default_timeout_of_sockets_does_not_hold_the_server(nursery: trio.Nursery) -> None:
    before = socket.getdefaulttimeout()
    (listener,) = await nursery.start(Server().serve, "127.0.0.1", 0)
    socket.setdefaulttimeout(10)
    try:
        with trio.fail_after(5):
            stream = await trio.open_tcp_stream(*listener.socket.getsockname())
            assert (await HttpClient(stream).request("GET", POLLING)).status == 200
    finally:
        socket.setdefaulttimeout(before)
    await stream.aclose()
    nursery.cancel_scope.cancel()
