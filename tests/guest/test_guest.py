"""``async with io.guest(...)``: the block, its servers, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import socket as sockets
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import trio
from support.guests import connected, in_asyncio, open_client, port_of, started
from support.logs import warnings
from support.peers import WebSocketPeer
from support.wire import SioClient, WebSocket
from wsproto.events import CloseConnection

from trio_socketio import EngineServer, EngineSocket, Server, Socket

pytestmark = pytest.mark.rows("K10")


def echoing(**options: Any) -> Server:
    io = Server(**options)

    @io.on("echo")
    async def echo(socket: Socket, *args: Any) -> tuple[Any, ...]:
        return args

    return io


@in_asyncio
async def test_handlers_run_in_trio_beside_tasks_of_asyncio() -> None:
    io = echoing()
    async with io.guest("127.0.0.1", 0) as guest:
        async with connected(guest) as client:
            assert await guest.run(client.call, "echo", 1, "two") == [1, "two"]
            await guest.run(io.emit, "news", {"a": 1})
            assert await guest.run(client.event) == ["news", {"a": 1}]
            assert io.engine.clients_count == 1
    with pytest.raises(RuntimeError, match="not running"):
        io.health()


@in_asyncio
async def test_callbacks_of_asyncio_emit_soon() -> None:
    io = echoing()
    async with io.guest("127.0.0.1", 0) as guest:
        async with connected(guest) as client:
            loop = asyncio.get_running_loop()
            loop.call_soon(io.from_thread.emit_soon, "soon", 1)
            loop.call_soon(io.to("nowhere").from_thread.emit_soon, "soon", 2)
            loop.call_soon(io.from_thread.emit_soon, "soon", 3)
            assert await guest.run(client.event) == ["soon", 1]
            assert await guest.run(client.event) == ["soon", 3]


@in_asyncio
async def test_end_of_the_block_stops_the_server_in_order() -> None:
    io = echoing(disconnect_timeout=0.2)  # the client does not answer the close frame
    ends: list[str] = []

    @io.on("disconnect")
    async def disconnect(socket: Socket, reason: str) -> None:
        await trio.lowlevel.checkpoint()
        ends.append(reason)

    async with AsyncExitStack() as clients, io.guest("127.0.0.1", 0) as guest:
        await clients.enter_async_context(connected(guest))
        port = port_of(guest.listeners)
    assert ends == ["server shutting down"]
    with pytest.raises(ConnectionRefusedError):
        sockets.create_connection(("127.0.0.1", port))


@in_asyncio
async def test_error_of_the_body_is_raised_after_the_stop() -> None:
    io = echoing()
    with pytest.raises(ValueError, match="mine"):
        async with io.guest("127.0.0.1", 0):
            raise ValueError("mine")
    async with io.guest("127.0.0.1", 0) as guest:
        assert await guest.run(trio.lowlevel.checkpoint) is None


class Crash(Exception):
    """An error of a server."""


async def crash(error: BaseException) -> None:
    raise error


@in_asyncio
async def test_failing_server_cancels_the_body_and_its_error_comes_bare() -> None:
    io, seen = echoing(), []

    async def program() -> None:
        async with io.guest("127.0.0.1", 0):
            io._require_runtime().nursery.start_soon(crash, Crash())
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError as error:
                seen.append(error)
                raise

    with pytest.raises(Crash) as caught:
        await program()
    task = asyncio.current_task()
    assert task is not None and task.cancelling() == 0
    assert len(seen) == 1
    assert type(caught.value) is Crash


@in_asyncio
async def test_failing_server_is_told_if_the_body_hides_its_cancellation() -> None:
    io = echoing()

    async def program() -> None:
        async with io.guest("127.0.0.1", 0):
            io._require_runtime().nursery.start_soon(crash, Crash())
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                pass

    with pytest.raises(Crash):
        await program()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_interrupt_in_a_handler_is_raised_by_the_block(kind: type[BaseException]) -> None:
    io, ends = echoing(disconnect_timeout=0.2), []
    io.on("disconnect", lambda socket, reason: ends.append(reason))

    @io.on("stop")
    async def stop(socket: Socket) -> None:
        raise kind

    async def main() -> None:
        async with io.guest("127.0.0.1", 0) as guest:
            async with connected(guest) as client:
                await guest.run(client.emit, "stop")
                await asyncio.get_running_loop().create_future()

    with pytest.raises(kind):
        asyncio.run(main())
    assert ends == ["server shutting down"]


@in_asyncio
async def test_cancellation_of_the_block_waits_for_the_stop() -> None:
    io, steps = echoing(disconnect_timeout=5.0), []
    release = trio.Event()

    @io.on("disconnect")
    async def disconnect(socket: Socket) -> None:
        steps.append("begun")
        begun.set_result(None)
        await release.wait()
        steps.append("ended")

    async def program() -> None:
        async with io.guest("127.0.0.1", 0) as guest:
            async with connected(guest):
                ready.set_result(None)
                await asyncio.get_running_loop().create_future()

    loop = asyncio.get_running_loop()
    ready, begun = loop.create_future(), loop.create_future()
    task = await started(program)
    await ready
    task.cancel()
    await begun
    for _ in range(3):
        task.cancel()
        await asyncio.wait([task], timeout=0)
        assert not task.done()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["begun", "ended"]


@in_asyncio
async def test_stop_is_bounded_when_it_is_cancelled_again() -> None:
    io = echoing(disconnect_timeout=0.1)

    @io.on("disconnect")
    async def disconnect(socket: Socket) -> None:
        begun.set_result(None)
        await trio.sleep_forever()

    async def program() -> None:
        async with io.guest("127.0.0.1", 0) as guest:
            async with connected(guest):
                ready.set_result(None)
                await asyncio.get_running_loop().create_future()

    loop = asyncio.get_running_loop()
    ready, begun = loop.create_future(), loop.create_future()
    task = await started(program)
    await ready
    task.cancel()
    await begun
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@in_asyncio
async def test_cancellation_while_the_guest_starts_ends_it() -> None:
    io = echoing()

    async def program() -> None:
        async with io.guest("127.0.0.1", 0):
            pytest.fail("started")

    task = await started(program)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not trio.lowlevel.in_trio_run()
    async with io.guest("127.0.0.1", 0):
        pass


@in_asyncio
async def test_second_guest_of_a_thread_is_refused() -> None:
    io, other = echoing(), echoing()
    async with io.guest("127.0.0.1", 0) as guest:
        with pytest.raises(RuntimeError, match=r"has a guest already.*guest\.serve"):
            async with other.guest("127.0.0.1", 0):
                pytest.fail("started")
        async with connected(guest) as client:
            assert await guest.run(client.call, "echo", 1) == [1]


@in_asyncio
async def test_guest_runs_once() -> None:
    guest = echoing().guest("127.0.0.1", 0)
    with pytest.raises(RuntimeError, match="use async with"):
        await guest.run(trio.lowlevel.checkpoint)
    async with guest:
        pass
    with pytest.raises(RuntimeError, match="runs once"):
        async with guest:
            pytest.fail("started again")
    with pytest.raises(RuntimeError, match="has ended"):
        await guest.run(trio.lowlevel.checkpoint)


async def test_loop_inside_trio_is_refused() -> None:
    async def program() -> None:
        async with echoing().guest("127.0.0.1", 0):
            pytest.fail("started")

    with pytest.raises(RuntimeError, match=r"Trio runs already in this thread.*io\.serve"):
        asyncio.run(program())
    await trio.lowlevel.checkpoint()


@in_asyncio
async def test_each_thread_may_have_a_guest() -> None:
    def in_thread() -> None:
        async def program() -> None:
            io = echoing()
            async with io.guest("127.0.0.1", 0) as guest:
                async with connected(guest) as client:
                    answers.append(await guest.run(client.call, "echo", "there"))

        asyncio.run(program())

    answers: list[Any] = []
    async with echoing().guest("127.0.0.1", 0) as guest:
        async with connected(guest) as client:
            await asyncio.to_thread(in_thread)
            assert await guest.run(client.call, "echo", "here") == ["here"]
    assert answers == [["there"]]


@in_asyncio
async def test_guest_serves_several_servers_and_ports() -> None:
    io, other, engine = echoing(), echoing(), EngineServer(path="/socket.io/")

    @engine.on("message")
    async def message(socket: EngineSocket, data: str) -> None:
        await socket.send(data)

    async def engine_peer(port: int) -> str | bytes:
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            websocket = await WebSocket(stream).open("/socket.io/?EIO=4&transport=websocket")
            peer = WebSocketPeer(await SioClient(websocket).start())
            await peer.send("hello")
            return await peer.receive()

    async with io.guest("127.0.0.1", 0) as guest, AsyncExitStack() as stack:
        ports = [
            port_of(guest.listeners),
            port_of(await guest.serve(io, "127.0.0.1", 0)),
            port_of(await guest.serve(other, "127.0.0.1", 0)),
        ]
        clients = [await stack.enter_async_context(connected(guest, port)) for port in ports]
        for client in clients:
            assert await guest.run(client.call, "echo", 1) == [1]
        assert (io.engine.clients_count, other.engine.clients_count) == (2, 1)
        assert await guest.run(engine_peer, port_of(await guest.serve(engine, "127.0.0.1", 0))) == "hello"


@in_asyncio
async def test_engine_server_is_a_guest_too() -> None:
    engine = EngineServer(path="/socket.io/")
    async with engine.guest("127.0.0.1", 0):
        assert engine.clients == []


@in_asyncio
async def test_error_of_another_server_ends_the_block() -> None:
    io, other = echoing(), echoing()

    async def program() -> None:
        async with io.guest("127.0.0.1", 0) as guest:
            await guest.serve(other, "127.0.0.1", 0)
            other._require_runtime().nursery.start_soon(crash, Crash())
            await asyncio.get_running_loop().create_future()

    with pytest.raises(Crash):
        await program()


@in_asyncio
async def test_clients_of_a_stopping_guest_get_1001() -> None:
    async def last(client: SioClient) -> CloseConnection:
        while not isinstance(message := await client.receive(), CloseConnection):
            pass
        await client.ws.stream.aclose()
        return message

    codes: list[int] = []

    def in_thread(port: int) -> None:
        async def main() -> None:
            client = await open_client(port)
            loop.call_soon_threadsafe(ready.set_result, None)
            codes.append((await last(client)).code)

        trio.run(main)

    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    async with echoing().guest("127.0.0.1", 0) as guest:
        thread = loop.run_in_executor(None, in_thread, port_of(guest.listeners))
        await ready
    await thread
    assert codes == [1001]


@in_asyncio
async def test_idle_guest_does_not_poll() -> None:
    """Between pings, Trio waits for its I/O in one call, and the loop sleeps."""
    turns = 0

    class Counting(trio.abc.Instrument):
        def before_io_wait(self, timeout: float) -> None:
            nonlocal turns
            turns += 1

    async def pings(client: SioClient) -> None:
        trio.lowlevel.add_instrument(Counting())
        for _ in range(3):
            assert await client.ws.receive() == "2"
            await client.ws.send("3")

    async with echoing(ping_interval=0.1, ping_timeout=5).guest("127.0.0.1", 0) as guest:
        async with connected(guest) as client:
            await guest.run(pings, client)
    assert turns < 60


@in_asyncio
async def test_uvloop_holds_a_guest() -> None:
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed")

    def in_thread() -> None:
        async def program() -> None:
            io = echoing()
            async with io.guest("127.0.0.1", 0) as guest:
                async with connected(guest) as client:
                    answers.append(await guest.run(client.call, "echo", 1))

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(program())

    answers: list[Any] = []
    thread = threading.Thread(target=in_thread)
    thread.start()
    await asyncio.to_thread(thread.join)
    assert answers == [[1]]


@pytest.mark.parametrize("method", ["run", "serve", "run_in_asyncio"])
@in_asyncio
async def test_methods_are_refused_in_the_other_world(method: str) -> None:
    io, loops = echoing(), []

    async def in_trio() -> None:
        await (guest.run(trio.lowlevel.checkpoint) if method == "run" else guest.serve(io, None, 0))

    async def in_other_loop() -> None:
        loops.append(asyncio.get_running_loop())
        await guest.run(trio.lowlevel.checkpoint)

    async with io.guest("127.0.0.1", 0) as guest:
        if method == "run_in_asyncio":
            with pytest.raises(RuntimeError, match="for Trio tasks of its guest"):
                await guest.run_in_asyncio(asyncio.sleep, 0)
        else:
            with pytest.raises(RuntimeError, match="for tasks of asyncio"):
                await guest.run(in_trio)
            with pytest.raises(RuntimeError, match="outside the guest's loop"):
                await asyncio.to_thread(asyncio.run, in_other_loop())
            assert len(loops) == 1


@in_asyncio
async def test_handler_that_awaits_asyncio_fails_alone_with_advice(caplog: pytest.LogCaptureFixture) -> None:
    io = echoing()

    def register(name: str, awaited: Callable[[], Any]) -> None:
        @io.on(name)
        async def handler(socket: Socket) -> None:
            await awaited()

    register("sleep", lambda: asyncio.sleep(0.1))
    register("task", lambda: asyncio.create_task(asyncio.sleep(0)))
    register("wait_for", lambda: asyncio.wait_for(asyncio.get_running_loop().create_future(), 1))
    async with io.guest("127.0.0.1", 0) as guest:
        async with connected(guest) as client:
            with caplog.at_level(logging.WARNING):
                for event in ("sleep", "task", "wait_for"):
                    assert await guest.run(client.call, event) == [{"error": "Internal server error"}]
            assert await guest.run(client.call, "echo", 1) == [1]
    lines = warnings(caplog)
    assert len(lines) == 3
    assert all("guest.run_in_asyncio" in line for line in lines)
