"""SIGINT while handlers run: the first stops the server, the second ends the grace."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from support.links import Link
from support.wire import SioClient, Wire
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import EngineServer, EngineSocket, Server, Socket

pytestmark = pytest.mark.rows("P7")


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


async def ending(client: SioClient) -> tuple[list[str | bytes], int]:
    """What still comes, and the code of the close frame."""
    messages: list[str | bytes] = []
    while not isinstance(message := await client.receive(), CloseConnection):
        assert isinstance(message, str | bytes), message
        messages.append(message)
    await client.ws.stream.aclose()
    return messages, message.code


def run_until(
    stop: type[BaseException], io: Server | EngineServer, link: Link, act: Callable[[Wire], Awaitable[None]]
) -> None:
    """Run a server until it is stopped by an exception, and what clients do to the end of that."""

    async def clients(wire: Wire) -> None:
        with trio.CancelScope(shield=True):
            await act(wire)

    async def main() -> None:
        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                async with io:
                    nursery.start_soon(clients, Wire(io, nursery, link))
                    await trio.sleep_forever()

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(BaseExceptionGroup) as info:
        trio.run(main)
    assert info.group_contains(stop)
    assert info.value.split(stop)[1] is None
    assert signal.getsignal(signal.SIGINT) is before


def server(where: str, act: Callable[[], None]) -> Server:
    """A server with a handler that emits to all clients and then returns."""
    io = Server()

    @io.on("say")
    async def say(socket: Socket) -> str:
        if where == "event":
            act()
        return "said"

    @io.on("plain")
    def plain(socket: Socket) -> str:
        if where == "plain":
            act()
        return "said"

    async def task() -> None:
        act()
        await trio.sleep_forever()

    @io.on("task")
    async def start(socket: Socket) -> str:
        if where == "task":
            socket.nursery.start_soon(task)
        return "said"

    return io


@pytest.mark.parametrize(("where", "event"), [("event", "say"), ("plain", "plain"), ("task", "task")])
def test_interrupt_is_the_same_as_a_cancel(link: Link, where: str, event: str) -> None:
    io = server(where, interrupt)
    reasons: list[str] = []
    endings: list[Any] = []

    @io.on("disconnect")
    async def gone(socket: Socket, reason: str) -> None:
        await trio.lowlevel.checkpoint()
        reasons.append(reason)

    async def act(wire: Wire) -> None:
        other, client = await wire.connect(), await wire.connect()
        await client.emit(event, ack=7)
        endings.extend([await ending(client), await ending(other)])

    run_until(KeyboardInterrupt, io, link, act)
    assert endings == [(['37["said"]'], 1001), ([], 1001)]
    assert reasons == ["server shutting down"] * 2
    assert io.sockets == {}


@pytest.mark.parametrize("fatal", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize(("where", "event"), [("event", "say"), ("plain", "plain"), ("task", "task")])
def test_interrupt_raised_by_a_handler_stops_the_server_in_order(
    link: Link, where: str, event: str, fatal: type[BaseException]
) -> None:
    def stop() -> None:
        raise fatal

    io = server(where, stop)
    endings: list[Any] = []

    async def act(wire: Wire) -> None:
        other, client = await wire.connect(), await wire.connect()
        await client.emit(event)
        endings.append(await ending(other))
        await client.ws.stream.aclose()

    run_until(fatal, io, link, act)
    assert endings == [([], 1001)]


def test_interrupt_raised_when_a_client_times_out_stops_the_server_in_order(link: Link) -> None:
    io = Server(ping_interval=0.05, ping_timeout=0.5)
    endings: list[Any] = []

    def stop(reason: str, description: str) -> None:
        raise SystemExit

    @io.on("connection")
    def connection(socket: Socket) -> None:
        if len(io.sockets) == 1:
            socket.conn.on("close", stop)

    async def act(wire: Wire) -> None:
        await wire.connect()  # it answers no ping
        other = await wire.connect()
        endings.append(await ending(other))  # it answers pings

    run_until(SystemExit, io, link, act)
    assert endings == [([], 1001)]


def test_interrupt_in_a_message_handler_stops_the_engine(link: Link) -> None:
    eio = EngineServer()
    endings: list[Any] = []

    @eio.on("message")
    async def message(socket: EngineSocket, data: str) -> None:
        interrupt()
        socket.send_nowait("heard")

    async def act(wire: Wire) -> None:
        client = await wire.session()
        await client.send("hello")
        endings.append(await ending(client))

    run_until(KeyboardInterrupt, eio, link, act)
    assert endings == [(["heard"], 1001)]


@pytest.mark.parametrize("ordering", ["serial", "concurrent"])
@pytest.mark.parametrize("serves", ["in the main task", "in a child task"])
def test_second_interrupt_ends_the_grace(
    link: Link, serves: str, ordering: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    io = Server(disconnect_timeout=1000, ordering=ordering)
    cut: list[str] = []

    @io.on("wait")
    async def wait(socket: Socket) -> None:
        await trio.sleep_forever()

    @io.on("disconnect")
    async def gone(socket: Socket) -> None:
        try:
            await trio.sleep_forever()
        finally:
            cut.append(socket.id)

    @trio.lowlevel.enable_ki_protection  # the interrupts are for the main task
    async def act(wire: Wire) -> None:
        clients = [await wire.connect() for _ in range(3)]
        await clients[0].emit("wait", ack=1)
        await wait_all_tasks_blocked()
        interrupt()
        with trio.CancelScope(shield=True):
            while not runtime.is_stopping:
                await trio.lowlevel.checkpoint()
            await wait_all_tasks_blocked()
            interrupt()

    async def serve() -> None:
        nonlocal runtime
        async with trio.open_nursery() as nursery:
            async with io:
                runtime = io._require_runtime()
                nursery.start_soon(act, Wire(io, nursery, link))
                await trio.sleep_forever()

    async def main() -> None:
        with trio.fail_after(10):
            if serves == "in the main task":
                await serve()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(serve)

    runtime: Any = None
    with pytest.raises((BaseExceptionGroup, KeyboardInterrupt)) as info:
        trio.run(main)  # which raises the second one bare, if the main task could not be told of it
    assert isinstance(info.value, KeyboardInterrupt) or info.group_contains(KeyboardInterrupt)
    assert len(cut) == 3
    assert io.sockets == {}
    (record,) = [record for record in caplog.records if "interrupted again" in record.message]
    assert "3 disconnect handlers and 1 acknowledgements" in record.message


def test_second_interrupt_ends_a_handler_that_blocks(link: Link) -> None:
    io = Server()

    @io.on("block")
    async def block(socket: Socket) -> None:
        interrupt()  # deferred, for it hits a task of the server
        interrupt()
        pytest.fail("the second one was deferred, too")

    async def act(wire: Wire) -> None:
        client = await wire.connect()
        await client.emit("block")
        assert (await ending(client))[1] == 1001

    run_until(KeyboardInterrupt, io, link, act)


@pytest.mark.parametrize("first", [0, 1])
async def test_signal_handler_is_restored_after_the_server(nursery: trio.Nursery, first: int) -> None:
    """Whichever of two servers ends first."""
    before = signal.getsignal(signal.SIGINT)
    scopes = [trio.CancelScope(), trio.CancelScope()]

    async def serve(scope: trio.CancelScope, *, task_status: trio.TaskStatus[None]) -> None:
        with scope:
            async with Server():
                task_status.started()
                await trio.sleep_forever()

    for scope in scopes:
        await nursery.start(serve, scope)
    for scope in (scopes[first], scopes[1 - first]):
        assert signal.getsignal(signal.SIGINT) is not before
        scope.cancel()
        await wait_all_tasks_blocked()
    assert signal.getsignal(signal.SIGINT) is before


def test_server_in_another_thread_installs_nothing() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[Any] = []

    async def main() -> None:
        async with Server():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=trio.run, args=(main,))
    thread.start()
    thread.join()
    assert seen == [before]
