"""Clients of coredis over connections of ours: servers that send nonsense, too much or nothing, and cancellation."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import trio
from coredis import Redis
from support.redis_server import free_port

from trio_socketio.adapters import BusError
from trio_socketio.adapters.redis._coredis import MAX_BYTES, execute
from trio_socketio.adapters.redis._dial import Dialer
from trio_socketio.adapters.redis._discovery import find_master, find_nodes
from trio_socketio.adapters.redis._url import Address, Credentials

pytestmark = pytest.mark.rows("I10")

HELLO = b"%3\r\n+proto\r\n:3\r\n+version\r\n+7.0.0\r\n+id\r\n:1\r\n"


def dialer(timeout: float = 5.0) -> Dialer:
    return Dialer(Credentials("user", "password"), 0, None, timeout)


@asynccontextmanager
async def server(*replies: bytes) -> AsyncIterator[Address]:
    """Run a server that sends one reply each time it has received something, and closes at an empty one."""

    async def serve(stream: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError):
            for reply in replies:
                if not (await stream.receive_some() and reply):
                    return
                await stream.send_all(reply)
            while await stream.receive_some():
                pass

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, serve, 0)
        yield "127.0.0.1", listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def ping(client: Redis[bytes]) -> bytes:
    return await client.ping()


async def test_reply_of_a_command_is_returned() -> None:
    async with server(HELLO, b"+PONG\r\n") as address:
        assert await execute(dialer(), address, "PING", ping) == b"PONG"


@pytest.mark.parametrize(
    ("replies", "message"),
    [
        ([b"-WRONGPASS no such user\r\n"], "refuses PING: no such user"),
        ([b"-ERR unknown command 'HELLO'\r\n"], "refuses PING: unknown command 'HELLO'"),
        ([b"-LOADING data\r\n"], "does not answer: data"),
        ([b"+OK\r\n"], "does not answer: Unable to establish"),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], "sends malformed replies: .*'H'"),
        ([HELLO, b"-NOPERM no\r\n"], "refuses PING: no"),
        ([HELLO, b"*a\r\n"], "sends malformed replies: invalid literal"),
        ([HELLO, b""], "has closed the connection"),
        (
            [HELLO, b"+" + b"x" * MAX_BYTES],
            f"sends more than {MAX_BYTES} bytes",
        ),
    ],
    ids=range(9),
)
async def test_other_reply_is_an_error(replies: list[bytes], message: str) -> None:
    async with server(*replies) as address:
        with pytest.raises(BusError, match=message):
            await execute(dialer(), address, "PING", ping)


@pytest.mark.parametrize(
    ("find", "reply", "message"),
    [
        (lambda address: find_master(dialer(), address, "main"), b"_\r\n", "knows no service 'main'"),
        (lambda address: find_master(dialer(), address, "main"), b"*2\r\n+a\r\n+b\r\n", "malformed replies"),
        (
            lambda address: find_master(dialer(), address, "main"),
            b"*2\r\n+a\r\n+65536\r\n",
            "names the port 65536",
        ),
        (lambda address: find_nodes(dialer(), address), b"+OK\r\n", "no map"),
    ],
    ids=["no-master", "no-port", "large-port", "no-map"],
)
async def test_malformed_answer_is_an_error(
    find: Callable[[Address], Awaitable[object]], reply: bytes, message: str
) -> None:
    async with server(HELLO, reply) as address:
        with pytest.raises(BusError, match=message):
            await find(address)


async def test_server_that_does_not_answer_is_given_up() -> None:
    async with server() as address:
        with pytest.raises(BusError, match="does not answer in time"):
            await execute(dialer(0.05), address, "PING", ping)


async def test_server_that_is_down_leaves_nothing_open() -> None:
    with pytest.raises(OSError, match="all attempts to connect"):
        await execute(dialer(), ("127.0.0.1", free_port()), "PING", ping)
    gc.collect()  # what is open warns


class CancelAfter(trio.abc.Instrument):
    """Cancels a scope after a number of steps of all tasks."""

    def __init__(self, scope: trio.CancelScope, steps: float) -> None:
        self.scope, self.steps = scope, steps

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self.steps -= 1
        if self.steps == 0:
            self.scope.cancel()


async def test_call_that_is_cancelled_at_any_step_leaves_nothing_open() -> None:
    cancelled = 0
    for steps in range(1, 200):
        async with server(HELLO, b"+PONG\r\n") as address:
            with trio.CancelScope() as scope:
                instrument = CancelAfter(scope, steps)
                trio.lowlevel.add_instrument(instrument)
                await execute(dialer(60), address, "PING", ping)
            trio.lowlevel.remove_instrument(instrument)
        if not scope.cancelled_caught:
            break
        cancelled += 1
    assert 10 < cancelled < 198
    gc.collect()  # what is open warns
