"""CONNECT: the auth object, ``connect_timeout``, and sessions that outlive their connections."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.wire import Polling
from wsproto.events import CloseConnection

from trio_socketio import EngineRequest, Server, Socket


@pytest.mark.rows("E2")
@pytest.mark.parametrize("auth", ["[1]", '"text"', "-5", "true"])
async def test_auth_that_is_no_object_closes_the_connection(running: Any, auth: str) -> None:
    async with running(Server()) as net:
        client = await net.session()
        await client.send(f"0{auth}")
        assert isinstance(await client.receive(), CloseConnection)


@pytest.mark.rows("E15")
async def test_connection_without_connect_is_closed_after_connect_timeout(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(connect_timeout=5)
    async with running(io) as net:
        start = trio.current_time()
        client = await net.session()
        assert isinstance(await client.receive(), CloseConnection)
        assert 5 <= trio.current_time() - start < 5.2


@pytest.mark.rows("E15")
async def test_connect_timeout_is_armed_again_when_the_last_namespace_is_left(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(connect_timeout=5)
    async with running(io) as net:
        client = await net.connect()
        await trio.sleep(10)
        start = trio.current_time()
        await client.send("1")
        assert isinstance(await client.receive(), CloseConnection)
        assert 5 <= trio.current_time() - start < 5.2


@pytest.mark.rows("E15")
async def test_connect_timeout_limits_neither_admission_nor_held_events(
    running: Any, autojump_clock: Any
) -> None:
    async def allow(request: EngineRequest) -> None:
        await trio.sleep(10)

    io = Server(connect_timeout=1, allow_request=allow)
    handled: list[float] = []
    io.on("ev", lambda socket: handled.append(trio.current_time() - start))

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        await trio.sleep(20)

    async with running(io) as net:
        client = await net.connect()
        start = trio.current_time()
        await client.call("ev")
    assert handled == [pytest.approx(20, abs=0.2)]


async def test_polling_session_outlives_its_connections(running: Any) -> None:
    io = Server()
    io.on("echo", lambda socket, value: value)
    async with running(io) as net:
        polling: Polling = await (await net.polling()).connect()
        for number in range(3):
            await polling.gets.stream.aclose()
            await polling.posts.stream.aclose()
            polling.gets, polling.posts = net.http(), net.http()
            await polling.post(f'420["echo",{number}]')
            assert (await polling.get()).text == f"430[{number}]"
