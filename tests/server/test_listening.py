"""Registration of handlers for Socket.IO events: ``on``, ``once``, ``off``, and the names of events."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server, Socket


@pytest.mark.rows("F2")
async def test_handlers_are_added_listed_and_removed(running: Any) -> None:
    io = Server()
    calls: list[str] = []

    def first(socket: Socket) -> None:
        calls.append("first")
        socket.nsp.off("ev", second)  # safe during dispatch: this round is not affected

    def second(socket: Socket) -> None:
        calls.append("second")

    io.on("ev", first)
    io.on("ev", second)
    io.once("ev", lambda socket: calls.append("once"))
    assert len(io.of("/").listeners("ev")) == 3

    async with running(io) as net:
        client = await net.connect()
        await client.call("ev")
        await client.call("ev")
        assert calls == ["first", "second", "once", "first"]
        (socket,) = io.sockets.values()
        own = socket.on("mine", lambda: calls.append("mine"))
        assert socket.listeners("mine") == [own]
        socket.once("mine", lambda: calls.append("mine once"))
        await client.call("mine")
        await client.call("mine")
        assert calls[4:] == ["mine", "mine once", "mine"]
        socket.off("mine", own)
        assert socket.listeners("mine") == []
        socket.on("mine", own)
        socket.remove_all_listeners()
        assert socket.listeners("mine") == []
        io.of("/").remove_all_listeners("ev")
        assert io.of("/").listeners("ev") == []


@pytest.mark.rows("F5", "D8")
async def test_event_name_may_be_a_number(running: Any) -> None:
    io = Server()

    @io.on(5)
    async def five(socket: Socket, text: str) -> None:
        await socket.emit(5, text)

    async with running(io) as net:
        client = await net.connect()
        await client.send('2[5,"x"]')
        assert await client.receive() == '2[5,"x"]'


def test_functions_that_cannot_be_called_are_refused() -> None:
    io = Server()
    with pytest.raises(TypeError, match="needs a first parameter for the socket"):
        io.on("x", lambda: None)
    with pytest.raises(TypeError, match="a handler must be a function, not int"):
        io.on("x", 3)
    with pytest.raises(TypeError, match="cannot be resolved"):
        exec("from __future__ import annotations\n@io.on('x')\ndef f(socket, a: Nowhere): ...", {"io": io})

    def keyword(socket: Socket, *, key: int) -> None: ...

    with pytest.raises(TypeError, match="no keyword arguments"):
        io.on("x", keyword)


async def test_once_handler_runs_once_for_all_sockets(running: Any) -> None:
    io = Server(ordering="concurrent")
    calls: list[str] = []
    go_on = trio.Event()

    @io.on("ev")
    async def slow(socket: Socket) -> None:
        await go_on.wait()

    def note(event: str, socket: Socket) -> None:
        calls.append(event)

    for event in ("connection", "ev", "disconnecting", "disconnect"):
        io.once(event, functools.partial(note, event))
    async with running(io) as net:
        clients = [await net.connect() for _ in range(2)]
        for client in clients:
            await client.emit("ev")
            await client.emit("ev")
        await wait_all_tasks_blocked()
        go_on.set()
        await wait_all_tasks_blocked()
        for client in clients:
            await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
    assert calls == ["connection", "ev", "disconnecting", "disconnect"]


@pytest.mark.parametrize(("event", "count"), [("connection", 0), ("connect", 0), ("disconnect", 2)])
def test_handler_with_too_many_parameters_for_a_lifecycle_event_is_refused(event: str, count: int) -> None:
    io = Server()

    def greedy(socket: Socket, one: str, two: str, three: str) -> None: ...

    def modest(socket: Socket, one: str = "", *rest: str) -> None: ...

    io.on(event, modest)
    with pytest.raises(TypeError, match=f"greedy expects .*, but .* has {count}"):
        io.on(event, greedy)
