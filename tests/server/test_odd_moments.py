"""Odd moments: the client goes, comes back, or is thrown out while something else is under way."""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import trio
from support.links import stuck
from support.wire import client_frame
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import ConnectRefused, Disconnected, Outbox, Server, Socket

# a socket's nursery


def ending(log: list[str]) -> Callable[[], Any]:
    async def task() -> None:
        try:
            await trio.sleep_forever()
        finally:
            log.append("ended")

    return task


async def test_tasks_of_a_refused_socket_end(running: Any) -> None:
    io = Server()
    log: list[str] = []

    @io.use
    async def no(socket: Socket) -> None:
        socket.nursery.start_soon(ending(log))
        await wait_all_tasks_blocked()
        raise ConnectRefused("no")

    async with running(io) as net:
        client = await net.session()
        await client.send("0")
        await client.receive()
        await wait_all_tasks_blocked()
        assert log == ["ended"]
        (session,) = io._require_runtime().engine.sessions.values()
        assert session.is_open


@pytest.mark.parametrize("used_before", [False, True])
async def test_socket_that_has_ended_takes_no_tasks(running: Any, used_before: bool) -> None:
    io = Server()
    log: list[str] = []

    @io.on("connection")
    def connection(socket: Socket) -> None:
        if used_before:
            socket.nursery.start_soon(ending([]))

    @io.on("disconnect")
    async def gone(socket: Socket) -> None:
        with pytest.raises(Disconnected, match="takes no more tasks"):
            socket.nursery.start_soon(ending([]))
        with pytest.raises(Disconnected, match="takes no more tasks"):
            await socket.nursery.start(ending([]))
        log.append("refused")

    async with running(io) as net:
        client = await net.connect()
        await wait_all_tasks_blocked()
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
    assert log == ["refused"]


@pytest.mark.parametrize("ordering", ["serial", "concurrent"])
async def test_nursery_that_was_cancelled_is_opened_anew(running: Any, ordering: Any) -> None:
    io = Server(ordering=ordering)
    log: list[str] = []

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        socket.nursery.start_soon(ending(log))
        socket.ready()
        await trio.sleep_forever()

    @io.on("ask")
    async def ask(socket: Socket) -> str:
        return "answer"

    async with running(io) as net:
        client = await net.connect()
        (socket,) = io.sockets.values()
        await wait_all_tasks_blocked()
        socket.nursery.cancel_scope.cancel()
        await wait_all_tasks_blocked()
        assert log == ["ended"]
        assert await client.call("ask") == ["answer"]
        socket.nursery.start_soon(ending(log))
        await wait_all_tasks_blocked()
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
    assert log == ["ended", "ended"]


@pytest.mark.parametrize("turns", range(5))
async def test_nursery_takes_tasks_at_every_moment_of_its_end(running: Any, turns: int) -> None:
    io = Server()
    log: list[str] = []
    async with running(io) as net:
        await net.connect()
        (socket,) = io.sockets.values()
        socket.nursery.start_soon(trio.sleep_forever)
        await wait_all_tasks_blocked()
        socket.nursery.cancel_scope.cancel()
        for _ in range(turns):
            await trio.lowlevel.checkpoint()
        socket.nursery.start_soon(ending(log))
        await wait_all_tasks_blocked()
        socket.disconnect()
        await wait_all_tasks_blocked()
    assert log == ["ended"]


# iterating


@pytest.mark.parametrize("where", ["connection", "nursery", "elsewhere"])
async def test_client_goes_while_an_event_waits_for_the_iteration(
    running: Any, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    io = Server()
    errors: list[Exception] = []
    io.on_error(lambda socket, event, error: errors.append(error))

    async def consume(socket: Socket) -> None:
        async for _ in socket:
            await trio.sleep_forever()

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        if where == "connection":
            await consume(socket)
        else:
            (socket.nursery if where == "nursery" else nursery).start_soon(consume, socket)

    async with running(io) as net:
        client = await net.connect()
        for _ in range(3):
            await client.emit("ev")
        await wait_all_tasks_blocked()
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
        assert io.sockets == {}
    nursery.cancel_scope.cancel()
    assert errors == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_iteration_that_was_left_holds_nothing_up(running: Any) -> None:
    io = Server()

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        async for event in socket:
            event.ack("the first")
            break

    io.on("sync", lambda socket: "claimed")
    async with running(io) as net:
        client = await net.connect()
        assert await client.call("ev") == ["the first"]
        await client.emit("ev")
        await client.emit("ev")
        assert await client.call("sync", ack=1) == ["claimed"]
        (socket,) = io.sockets.values()
        assert socket.dropped == 2


async def test_iterating_a_socket_that_has_ended_ends_at_once(running: Any) -> None:
    io = Server()
    log: list[str] = []

    @io.on("disconnect")
    async def gone(socket: Socket) -> None:
        async for _ in socket:
            raise AssertionError
        log.append("end")

    async with running(io) as net:
        client = await net.connect()
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
        assert log == ["end"]


# order


async def test_plain_function_waits_its_turn_among_concurrent_handlers(running: Any) -> None:
    io = Server(ordering="concurrent")
    go_on = trio.Event()
    names: list[str] = []

    def note() -> None:
        names.append(trio.lowlevel.current_task().name)

    @io.on("slow")
    async def slow(socket: Socket) -> None:
        note()
        await go_on.wait()

    io.on("plain", lambda socket: note())
    async with running(io) as net:
        client = await net.connect()
        await client.call("plain")
        await client.emit("slow")
        await client.call("plain")
        go_on.set()
    inline, handler, queued = names
    assert inline.startswith(("reactor", "trio_socketio.serving._serving.Serving.serve_stream"))  # who reads
    assert queued == handler  # a task of its own each, in the socket's nursery


# odd moments


@pytest.mark.parametrize("what", ["emit", "raise", "close"])
async def test_listener_for_the_upgrade(running: Any, what: str) -> None:
    io = Server()

    @io.on("connection")
    def connection(socket: Socket) -> None:
        def upgraded() -> None:
            socket.emit_nowait("upgraded")
            if what == "raise":
                raise ValueError
            if what == "close":
                socket.disconnect(close=True)

        socket.conn.on("upgrade", upgraded)

    async with running(io) as net:
        polling = await (await net.polling()).connect()
        ws = await polling.upgrade()
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        await ws.send("5")
        assert await ws.receive() == '42["upgraded"]'
        if what == "close":
            assert await ws.receive() == "41"
            assert isinstance(await ws.receive(), CloseConnection)
        else:
            assert len(io.sockets) == 1


async def test_namespace_left_and_joined_again_at_once(running: Any) -> None:
    io = Server()
    log: list[str] = []
    go_on = trio.Event()

    @io.on("connection")
    def connection(socket: Socket) -> None:
        log.append("connection")
        socket.join("room")

    @io.on("disconnect")
    async def gone(socket: Socket) -> None:
        await go_on.wait()
        log.append("disconnect")

    async with running(io) as net:
        client = await net.connect()
        first = client.sids["/"]
        await client.ws.send_raw(client_frame(1, b"41") + client_frame(1, b"40"))
        await wait_all_tasks_blocked()
        go_on.set()
        assert str(await client.receive()).startswith('0{"sid":')
        await wait_all_tasks_blocked()
        assert log == ["connection", "disconnect", "connection"]
        (socket,) = io.sockets.values()
        assert socket.id != first
        await io.to("room").emit("ev")
        assert await client.event() == ["ev"]


async def test_client_goes_while_emits_wait_for_room(running: Any, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(max_packets=1))
    log: list[str] = []

    async def emit(socket: Socket) -> None:
        with pytest.raises(Disconnected):
            await socket.emit("ev")
        log.append("told")

    async with running(io) as net:
        client, socket = await stuck(net)
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(emit, socket)
            await wait_all_tasks_blocked()
            await client.ws.stream.aclose()
    assert log == ["told"] * 3


async def test_plain_handler_disconnects_others_in_the_middle_of_a_read(running: Any) -> None:
    io = Server()
    calls: list[str] = []

    @io.on("ev")
    def ev(socket: Socket) -> None:
        calls.append(socket.id)
        for other in list(io.sockets.values()):
            other.disconnect(close=True)
        io.emit_nowait("nobody is left")

    async with running(io) as net:
        first, second = await net.connect(), await net.connect()
        await first.ws.send_raw(client_frame(1, b'42["ev"]') * 5)
        for client in (first, second):
            assert await client.receive() == "1"
            assert isinstance(await client.receive(), CloseConnection)
    assert calls == [first.sids["/"]]


async def test_client_whose_outbox_is_full_when_it_joins_gets_no_handlers_and_leaves_nothing(
    running: Any,
) -> None:
    io = Server(outbox=Outbox(max_packets=4))
    joined: list[Socket] = []
    kept: list[weakref.ref[Any]] = []

    @io.on("fill")
    def fill(socket: Socket) -> None:
        for number in range(4):
            socket.emit_nowait("number", number)
        kept.append(weakref.ref(socket))
        socket._state.peer.text(b"0/b,", trio.current_time())

    io.of("/b").on("connection", joined.append)
    async with running(io) as net:
        client = await net.connect()
        await client.emit("fill")
        with trio.fail_after(5):
            while io.sockets:
                await trio.testing.wait_all_tasks_blocked()
        assert joined == []
        assert not io.of("/b").sockets
    gc.collect()
    assert kept[0]() is None
