"""The connection and disconnect handlers of a socket: how often they run, and the errors that they raise."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.socket_tasks import open_client
from trio.testing import wait_all_tasks_blocked

from trio_socketio import (
    Server,
    Socket,
)


@pytest.mark.rows("E19")
async def test_exception_in_connection_disconnects_with_41(running: Any) -> None:
    io = Server()
    seen: list[Any] = []
    io.on_error(lambda socket, event, error: seen.append((event, str(error))))
    io.on("disconnect", lambda socket, reason: seen.append(reason))

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        raise ValueError("swordfish")

    async with running(io) as net:
        client = await net.connect()
        assert await client.receive() == "1"
        await wait_all_tasks_blocked()
    assert seen == [("connection", "swordfish"), "server namespace disconnect"]


async def test_disconnect_handlers_run_once_when_an_event_still_waits() -> None:
    io = Server()
    log: list[str] = []

    @io.on("event")
    async def event(socket: Socket) -> None:
        log.append("event")

    @io.on("disconnecting")
    async def disconnecting(socket: Socket) -> None:
        log.append("disconnecting")
        await trio.lowlevel.checkpoint()

    @io.on("disconnect")
    async def disconnect(socket: Socket) -> None:
        log.append("disconnect")

    async with io:
        host = open_client(io)
        host.deliver('42["event"]', trio.current_time())
        host.deliver("41", trio.current_time())
        await wait_all_tasks_blocked()
        assert log == ["disconnecting", "disconnect"]
        host.close()


async def test_exception_in_a_disconnect_handler_is_contained(running: Any) -> None:
    io = Server()
    log: list[str] = []
    io.on_error(lambda socket, event, error: log.append(f"{event}: {error}"))

    @io.on("disconnect")
    async def first(socket: Socket) -> None:
        raise ValueError("a bug")

    io.on("disconnect", lambda socket: log.append("second"))
    async with running(io) as net:
        client = await net.connect()
        await client.ws.stream.aclose()
        await wait_all_tasks_blocked()
    assert log == ["disconnect: a bug", "second"]


async def test_event_named_connection_does_not_call_connection_handlers(running: Any) -> None:
    io = Server()
    log: list[str] = []

    @io.on("connection")
    def connection(socket: Socket) -> None:
        log.append("connection")
        socket.on("connection", log.append)

    io.on("sync", lambda socket: None)
    async with running(io) as net:
        client = await net.connect()
        await client.emit("connection", "an ordinary event")
        await client.call("sync")
    assert log == ["connection", "an ordinary event"]
