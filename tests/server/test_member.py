"""``call``: acknowledgements from the client."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Disconnected, Server, Socket


def only(io: Server) -> Socket:
    (socket,) = io.sockets.values()
    return socket


async def answer(client: Any, *values: Any) -> tuple[int, list[Any]]:
    """Take one event that wants an answer, and answer it."""
    text = str(await client.receive())
    ack_id, _, rest = text[1:].partition("[")
    await client.send(f"3{ack_id}{json.dumps(list(values))}")
    return int(ack_id), json.loads("[" + rest)


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


@pytest.mark.rows("D11")
async def test_ack_ids_count_per_namespace_from_0(running: Any) -> None:
    io = Server()
    x = io.of("/x")
    async with running(io) as net:
        first, second = await net.connect(), await net.connect()
        await second.connect("/x")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(io.sockets[first.sids["/"]].call, "a")
            assert (await answer(first))[0] == 0
            nursery.start_soon(io.sockets[second.sids["/"]].call, "b")
            assert (await answer(second))[0] == 1
            nursery.start_soon(next(iter(x.sockets.values())).call, "c")
            assert await second.receive() == '2/x,0["c"]'
            await second.send("3/x,0[]")


@pytest.mark.rows("F9")
async def test_call_fails_at_once_when_the_client_goes(running: Any) -> None:
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
async def test_time_limit_is_the_callers(running: Any, autojump_clock: Any) -> None:
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


async def test_a_handler_may_call_its_own_client(running: Any) -> None:
    io = Server()

    @io.on("go")
    async def go(socket: Socket) -> Any:
        return await socket.call("ask")

    async with running(io) as net:
        client = await net.connect()
        await client.emit("go", ack=9)
        assert await answer(client, 42) == (0, ["ask"])
        assert await client.receive() == "39[42]"


async def test_acks_pass_the_hold_of_the_connection_handler(running: Any) -> None:
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


@pytest.mark.rows("F7")
async def test_ack_to_a_client_that_has_gone_is_dropped_and_counted(running: Any) -> None:
    io = Server()
    finished = trio.Event()

    @io.on("ask")
    async def ask(socket: Socket) -> str:
        with trio.CancelScope(shield=True):
            socket.disconnect()
            await trio.lowlevel.checkpoint()
        finished.set()
        return "late"

    async with running(io) as net:
        client = await net.connect()
        await client.emit("ask", ack=0)
        assert await client.receive() == "1"
        await finished.wait()
        await wait_all_tasks_blocked()
        assert io._require_runtime().acks_dropped == 1


async def test_broadcast_call_tells_who_answered_in_time_and_who_did_not(
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
