"""Calls to one socket and to many, and the acknowledgements that answer them."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.handlers import answer
from support.links import only
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Disconnected, Server, Socket


@pytest.mark.rows("F9", "D11")
@pytest.mark.parametrize(
    ("values", "result"), [((), None), ((1,), 1), ((None,), None), ((1, "two"), (1, "two")), (([1],), [1])]
)
async def test_call_returns_what_the_client_answers(running: Any, values: Any, result: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        results: list[Any] = []

        async def call() -> None:
            results.append(await only(io).call("ask", "question"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call)
            assert await answer(client, *values) == (0, ["ask", "question"])
        assert results == [result]


@pytest.mark.rows("F9")
async def test_call_raises_at_once_when_the_client_disconnects(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        socket = only(io)

        async def call() -> None:
            with pytest.raises(Disconnected, match="transport close"):
                await socket.call("ask")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call)
            await client.receive()
            await client.ws.stream.aclose()


@pytest.mark.rows("F9", "F10")
async def test_call_ends_with_the_cancel_scope_of_its_caller(running: Any, autojump_clock: Any) -> None:
    io = Server()
    io.on("sync", lambda socket: None)
    async with running(io) as net:
        client = await net.connect()
        socket = only(io)
        with pytest.raises(trio.TooSlowError):
            with trio.fail_after(5):
                await socket.call("ask")
        assert socket._state.calls == {}
        assert await client.event() == ["ask"]
        await client.send('30["too late"]')  # ignored
        assert await client.call("sync") == []


async def test_second_answer_and_unknown_ids_are_ignored(running: Any) -> None:
    io = Server()
    io.on("sync", lambda socket: None)
    async with running(io) as net:
        client = await net.connect()
        results: list[Any] = []

        async def call() -> None:
            results.append(await only(io).call("ask"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call)
            await client.receive()
            await client.send("399[]")
            await client.send('30["first"]')
            await client.send('30["second"]')
        assert results == ["first"]
        assert await client.call("sync") == []


async def test_handler_may_call_its_own_client(running: Any) -> None:
    io = Server()

    @io.on("go")
    async def go(socket: Socket) -> Any:
        return await socket.call("ask")

    async with running(io) as net:
        client = await net.connect()
        await client.emit("go", ack=9)
        assert await answer(client, 42) == (0, ["ask"])
        assert await client.receive() == "39[42]"


async def test_acks_are_received_while_the_connection_handler_holds_events(running: Any) -> None:
    io = Server()
    results: list[Any] = []

    @io.on("connection")
    async def connection(socket: Socket) -> None:
        results.append(await socket.call("who"))

    io.on("ev", lambda socket: results.append("event"))
    async with running(io) as net:
        client = await net.connect()
        await client.emit("ev")
        await answer(client, "me")
        await wait_all_tasks_blocked()
    assert results == ["me", "event"]


async def test_broadcast_call_returns_the_answers_and_the_ids_of_silent_sockets(
    running: Any, autojump_clock: Any
) -> None:
    io = Server()
    async with running(io) as net:
        quick, slow, gone, outside = [await net.connect() for _ in range(4)]
        for client in (quick, slow, gone):
            io.sockets[client.sids["/"]].join("room")
        start = trio.current_time()
        results: list[Any] = []

        async def call() -> None:
            results.append(await io.to("room").call("ask", "question", timeout=5))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call)
            assert await answer(quick, "yes", 1) == (0, ["ask", "question"])
            assert await slow.event() == ["ask", "question"]
            await gone.receive()
            await gone.ws.stream.aclose()
        assert trio.current_time() - start == pytest.approx(5)
        assert results[0].values == {quick.sids["/"]: ("yes", 1)}
        assert results[0].missing == {slow.sids["/"], gone.sids["/"]}
        await slow.send('30["too late"]')
        await io.emit("mark")
        for client in (slow, outside):
            assert await client.event() == ["mark"]
        assert all(not socket._state.calls for socket in io.sockets.values())


async def test_broadcast_call_ends_when_all_have_answered(running: Any, autojump_clock: Any) -> None:
    io = Server()
    async with running(io) as net:
        assert await io.call("ask", timeout=5) == ({}, frozenset())
        client = await net.connect()
        start = trio.current_time()
        async with trio.open_nursery() as nursery:

            async def call() -> None:
                assert (await io.call("ask", timeout=5)).values == {client.sids["/"]: None}

            nursery.start_soon(call)
            await answer(client)
        assert trio.current_time() == start
