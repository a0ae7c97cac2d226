"""Handlers that hold events for 5 s are named in the log once, with the remedy."""

from __future__ import annotations

import math
from typing import Any

import pytest
import trio
from support.handlers import hold_for_3_seconds
from support.links import only
from support.logs import warnings

from trio_socketio import Server, Socket

pytestmark = pytest.mark.rows("P35")

CONNECTION = "has not returned for 5 s, and events of its client wait for that"
CALL = "has waited for 5 s in a call to its own client"


async def test_connection_handler_that_does_not_return_is_named_once(
    running: Any, autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server(hold_timeout=20)

    @io.on("connection")
    async def greet(socket: Socket) -> None:
        await trio.sleep_forever()

    io.on("ask", lambda socket: "answer")
    async with running(io) as net:
        clients = [await net.connect() for _ in range(3)]
        await trio.sleep(10)
        assert warnings(caplog) == []
        for client in clients:
            await client.emit("ask", ack=1)
        await trio.sleep(4.9)
        assert warnings(caplog) == []
        await trio.sleep(0.3)
        (warning,) = warnings(caplog)
        for part in (CONNECTION, "greet", "socket.ready()", "socket.nursery"):
            assert part in warning
        assert await clients[0].receive() == '31["answer"]'  # hold_timeout has let it through
        assert len(warnings(caplog)) == 1
        assert not io._require_runtime().held


@pytest.mark.parametrize(
    "how", ["ready", "iteration", "returns", "no events", "client leaves", "hold_timeout"]
)
async def test_handler_is_not_named_when_no_events_are_held(
    running: Any, autojump_clock: Any, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    io = Server(hold_timeout=4 if how == "hold_timeout" else 20)
    hold_for_3_seconds(io, how)
    async with running(io) as net:
        client = await net.connect()
        if how != "no events":
            await client.emit("ev")
        await trio.sleep(2)
        assert len(io._require_runtime().held) == (how != "no events")
        if how == "client leaves":
            await client.send("1")
        await trio.sleep(8)
        assert warnings(caplog) == []
        assert not io._require_runtime().held


@pytest.mark.parametrize("how", ["itself", "nursery", "broadcast"])
@pytest.mark.parametrize("first", [True, False])
async def test_handler_that_calls_its_own_client_is_named_once(
    running: Any, autojump_clock: Any, caplog: pytest.LogCaptureFixture, how: str, first: bool
) -> None:
    io = Server()

    @io.on("play")
    async def play(socket: Socket) -> None:
        if not first:
            await trio.sleep(1)
        if how == "itself":
            await socket.call("move")
        elif how == "broadcast":
            await io.call("move", timeout=60)
        else:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(socket.call, "move")

    io.on("options", lambda socket: ["up", "down"])
    async with running(io) as net:
        clients = [await net.connect() for _ in range(2)]
        for client in clients:
            await client.emit("play")
            if not first:
                await client.emit("options", ack=1)
        if first:
            await trio.sleep(1)
            for client in clients:
                await client.emit("options", ack=1)
        await trio.sleep(4.5)
        assert warnings(caplog) == []
        await trio.sleep(2)
        (warning,) = warnings(caplog)
        for part in (CALL, "play", "socket.nursery", "ordering='concurrent'"):
            assert part in warning
        assert not io._require_runtime().held


async def test_handler_with_several_short_calls_is_not_named(
    running: Any, autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()

    @io.on("play")
    async def play(socket: Socket) -> None:
        for number in range(4):
            await socket.call("move", number)

    async with running(io) as net:
        client = await net.connect()
        await client.emit("play")
        await client.emit("later")
        for number in range(4):
            message = str(await client.receive())
            assert message.endswith(f'["move",{number}]')
            await trio.sleep(3)
            await client.send(f"3{message[1 : message.index('[')]}[]")
        await trio.sleep(6)
        assert warnings(caplog) == []
        assert not io._require_runtime().held


@pytest.mark.parametrize("first", ["call", "event"])
async def test_handler_that_calls_its_client_in_another_namespace_is_named(
    running: Any, autojump_clock: Any, caplog: pytest.LogCaptureFixture, first: str
) -> None:
    io = Server()

    @io.of("/game").on("play")
    async def play(socket: Socket) -> None:
        if first == "event":
            await trio.sleep(1)
        await only(io).call("move")

    async with running(io) as net:
        client = await (await net.connect()).connect("/game")
        await client.send('2/game,["play"]')
        if first == "call":
            await trio.sleep(1)
        await client.send('2/game,["options"]')
        await trio.sleep(6.5)
        (warning,) = warnings(caplog)
        assert CALL in warning and "play" in warning
        await client.send("30[]")
        await client.send('2/game,["play"]')
        await client.send('2/game,["options"]')
        await trio.sleep(2)
        assert len(io._require_runtime().held) == 1
        await client.send("31[]")
        await trio.sleep(1)
        assert not io._require_runtime().held


@pytest.mark.parametrize("how", ["nursery", "concurrent", "another's", "no events", "connection"])
async def test_handler_whose_call_holds_no_events_is_not_named(
    running: Any, autojump_clock: Any, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    io = Server(ordering="concurrent" if how == "concurrent" else "serial")
    first: list[Socket] = []

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        first.append(socket)
        if how == "connection":
            socket.ready()
            await socket.call("move")

    @io.on("play")
    async def play(socket: Socket) -> None:
        if how == "nursery":
            socket.nursery.start_soon(socket.call, "move")
        elif how == "another's":
            await first[1].call("move")
        elif how in ("concurrent", "no events"):
            await socket.call("move")

    @io.on("slow")
    async def slow(socket: Socket) -> None:
        await trio.sleep(9)

    async with running(io) as net:
        client, other = await net.connect(), await net.connect()
        await client.emit("play")
        if how != "no events":
            await client.emit("slow")
            await client.emit("slow")
            await other.emit("slow")
            await other.emit("slow")
        await trio.sleep(8)
        assert warnings(caplog) == []
        assert not io._require_runtime().held


async def test_idle_clients_have_no_deadline(running: Any, autojump_clock: Any) -> None:
    io = Server()
    io.on("ask", lambda socket: "answer")

    @io.on("slow")
    async def slow(socket: Socket) -> None:
        await trio.lowlevel.checkpoint()

    async with running(io) as net:
        client = await net.connect()
        await client.emit("slow")
        assert await client.call("ask") == ["answer"]
        (socket,) = io.sockets.values()
        assert socket._state.peer._alarm == math.inf
        assert not io._require_runtime().held
