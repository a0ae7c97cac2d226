"""What a socket costs while it is idle: no task, few objects, and no garbage for the collector when it has ended."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import trio
from support.leftovers import no_collector
from support.socket_tasks import open_client, tasks_of_sockets
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server, Socket


async def test_idle_socket_has_no_task(running: Any) -> None:
    io = Server()

    @io.on("connection")
    def connection(socket: Socket) -> None:
        socket.join("room")

    io.on("plain", lambda socket: "answer")
    async with running(io) as net:
        client = await net.connect()
        assert await client.call("plain") == ["answer"]
        assert tasks_of_sockets() == []


async def test_task_of_connection_handlers_ends_with_them(running: Any) -> None:
    io = Server()

    @io.use
    def middleware(socket: Socket) -> None:
        assert tasks_of_sockets() == ["socket in /"]

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        await trio.lowlevel.checkpoint()

    async with running(io) as net:
        await net.connect()
        await wait_all_tasks_blocked()
        assert tasks_of_sockets() == []


async def test_socket_without_disconnect_handlers_ends_at_once(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        for _ in range(3):
            await net.connect()
        for socket in io.sockets.values():  # they vanish while they are gone through
            socket.disconnect()
            assert socket.id not in io.sockets
        assert io.sockets == {}
        assert tasks_of_sockets() == []


async def test_disconnect_handlers_of_an_idle_socket_run_in_a_task(running: Any) -> None:
    io = Server()
    log: list[Any] = []

    @io.on("disconnect")
    async def gone(socket: Socket) -> None:
        log.append(tasks_of_sockets())

    async with running(io) as net:
        client = await net.connect()
        (socket,) = io.sockets.values()
        socket.disconnect()
        assert socket.id in io.sockets
        await wait_all_tasks_blocked()
        assert io.sockets == {}
        assert await client.receive() == "1"
    assert log == [["disconnect handlers of a socket"]]


async def test_idle_client_has_at_most_eleven_objects() -> None:
    """Of what the collector has to look at; the session below and its WebSocket come on top."""
    io = Server()
    io.on("connection", lambda socket: None)
    io.on("ev", lambda socket: None)
    async with io:
        hosts = [open_client(io) for _ in range(10)]
        gc.collect()
        before = {id(each) for each in gc.get_objects()}
        hosts += [open_client(io) for _ in range(100)]
        gc.collect()
        new = [each for each in gc.get_objects() if id(each) not in before]
        ours = [each for each in new if type(each).__module__.startswith(("trio_socketio.s", "builtins"))]
        assert len(io.sockets) == 110
        assert len(ours) < 100 * 12  # and of those, four or five are the session's


@pytest.mark.parametrize("event", ["nothing", "use", "wait", "wait after another"])
async def test_socket_that_has_ended_is_freed_without_the_collector(event: str) -> None:
    io = Server()

    @io.on("wait")
    async def wait(socket: Socket) -> None:
        await trio.sleep_forever()

    @io.on("wait after another")
    def plain(socket: Socket) -> None:
        pass

    @io.on("wait after another")
    async def second(socket: Socket) -> None:
        await trio.sleep_forever()

    @io.on("use")
    async def use(socket: Socket) -> None:
        socket.on("own", lambda: socket)
        socket.nursery.start_soon(trio.sleep_forever)
        socket.conn.on("upgrade", lambda: socket)  # type: ignore[arg-type]
        socket.data["itself"] = socket.handshake

    async with io:
        host = open_client(io)
        (socket,) = io.sockets.values()
        gone = weakref.ref(socket)
        if event != "nothing":
            host.deliver(f'42["{event}"]', trio.current_time())
            await wait_all_tasks_blocked()
        del socket
        with no_collector():
            host.drop()
            await wait_all_tasks_blocked()
            assert gone() is None


async def test_missing_attachments_end_the_session_after_a_room_observer_has_called_ready(
    autojump_clock: Any,
) -> None:
    io = Server(ping_interval=1000.0, hold_timeout=5.0, attachment_timeout=10.0)
    io.on_room("join-room", lambda room, socket_id: io.sockets[socket_id].ready())

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        await trio.lowlevel.checkpoint()

    async with io:
        host = open_client(io)
        await trio.sleep(6.0)
        assert len(io.sockets) == 1
        host.deliver('451-["file",{"_placeholder":true,"num":0}]', trio.current_time())
        await trio.sleep(11.0)
        assert io.sockets == {}
