"""``on_room``: observers of rooms that are created and deleted, and of joins and leaves."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server, Socket

pytestmark = pytest.mark.rows("G21")


def observe(namespace: Any) -> list[tuple[str, ...]]:
    told: list[tuple[str, ...]] = []
    namespace.on_room("create-room", lambda room: told.append(("create", room)))
    namespace.on_room("join-room", lambda room, socket_id: told.append(("join", room, socket_id)))
    namespace.on_room("leave-room", lambda room, socket_id: told.append(("leave", room, socket_id)))
    namespace.on_room("delete-room", lambda room: told.append(("delete", room)))
    return told


@pytest.mark.parametrize("name", ["/", "/chat"])
async def test_room_observers_are_called_in_the_order_of_node(running: Any, name: str) -> None:
    io = Server()
    namespace = io.of(name)
    told = observe(io if name == "/" else namespace)

    @namespace.on("connection")
    def connection(socket: Socket) -> None:
        socket.join("red")

    async with running(io) as net:
        client = await net.connect(name)
        (sid,) = namespace.sockets
        assert told == [("create", sid), ("join", sid, sid), ("create", "red"), ("join", "red", sid)]
        told.clear()
        await namespace.sockets_join("blue")
        await namespace.sockets_leave("red")
        assert told == [("create", "blue"), ("join", "blue", sid), ("leave", "red", sid), ("delete", "red")]
        told.clear()
        await client.send("41" if name == "/" else f"41{name},")
        await wait_all_tasks_blocked()
        assert told == [("leave", sid, sid), ("delete", sid), ("leave", "blue", sid), ("delete", "blue")]


async def test_rooms_joined_in_a_middleware_are_reported_when_the_client_is_accepted(running: Any) -> None:
    io = Server()
    told = observe(io)

    @io.use
    def middleware(socket: Socket) -> None:
        socket.join("red")
        assert told == []

    async with running(io) as net:
        await net.connect()
        (sid,) = io.sockets
        assert told == [("create", sid), ("join", sid, sid), ("create", "red"), ("join", "red", sid)]


async def test_rooms_are_left_between_disconnecting_and_disconnect(running: Any) -> None:
    io = Server()
    told: list[Any] = observe(io)
    for event in ("disconnecting", "disconnect"):
        io.on(event, lambda _socket, _reason, _text, *, event=event: told.append(event))
    async with running(io) as net:
        await net.connect()
        ((sid, socket),) = io.sockets.items()
        told.clear()
        socket.disconnect()
        await wait_all_tasks_blocked()
        assert told == ["disconnecting", ("leave", sid, sid), ("delete", sid), "disconnect"]


async def test_observer_can_emit_to_the_client_that_has_just_connected(running: Any) -> None:
    io = Server()

    @io.on_room("join-room")
    def joined(room: str, socket_id: str) -> None:
        io.sockets[socket_id].emit_nowait("joined", room)

    async with running(io) as net:
        client = await net.connect()  # reads the answer to CONNECT first
        (sid,) = io.sockets
        assert await client.event() == ["joined", sid]


async def test_observers_are_never_nested(running: Any) -> None:
    io, depth, told = Server(), 0, []

    @io.on_room("join-room")
    def joined(room: str, socket_id: str) -> None:
        nonlocal depth
        depth += 1
        assert depth == 1
        told.append(room)
        if room == "1":
            io.sockets[socket_id].join("2", "3")
            for other in io.sockets.values():
                if other.id != socket_id:
                    other.disconnect()
        depth -= 1

    @io.on_room("leave-room")
    def left(room: str, socket_id: str) -> None:
        assert depth == 0
        told.append(f"-{room}")

    async with running(io) as net:
        await net.connect()
        await net.connect()
        told.clear()
        one, other = io.sockets.values()
        one.join("1")
        assert told == ["1", "2", "3", f"-{other.id}"]


async def test_error_of_an_observer_is_logged_and_changes_nothing(
    running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()

    @io.on_room("join-room")
    def broken(room: str, socket_id: str) -> None:
        raise ValueError(room)

    told = observe(io)
    async with running(io) as net:
        with caplog.at_level(logging.CRITICAL, "trio_socketio.socket"):
            await net.connect()
        caplog.clear()
        (socket,) = io.sockets.values()
        socket.join("red")
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert "broken failed" in caplog.messages[0]
        caplog.clear()
        assert socket.rooms == {socket.id, "red"}
        assert told[-1] == ("join", "red", socket.id)


async def test_interrupt_in_an_observer_stops_the_server(running: Any, autojump_clock: Any) -> None:
    io = Server()

    @io.on_room("leave-room")
    def interrupt(room: str, socket_id: str) -> None:
        raise SystemExit(3)

    async def serve() -> None:
        async with running(io) as net:
            client = await net.connect()
            await client.send("41")
            await trio.sleep_forever()

    with pytest.raises(BaseExceptionGroup) as caught:
        await serve()
    assert caught.value.split(SystemExit)[1] is None


@pytest.mark.parametrize(("event", "function", "error", "text"), [
    ("created", lambda room: None, ValueError, "event must be one of 'create-room'.*not 'created'"),
    ("join-room", lambda room: None, TypeError, "given 2 arguments"),
    ("create-room", lambda room, sid: None, TypeError, "given 1 arguments"),
    ("create-room", 5, TypeError, "an observer of rooms must be a function"),
])  # fmt: skip
def test_observer_with_wrong_parameters_is_refused(event: Any, function: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        Server().on_room(event, function)


def test_async_observer_is_refused() -> None:
    async def observer(room: str) -> None: ...

    with pytest.raises(TypeError, match="never awaited"):
        Server().on_room("create-room")(observer)
