"""A session as its sockets use it: pending CONNECTs, ids of sockets, and reading while a call is pending."""

from __future__ import annotations

from typing import Any

import trio
from support.handlers import Slow, answer, asked, pending_call
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server, Socket


async def test_handler_that_awaits_call_with_a_full_inbox_does_not_deadlock(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(inbox_events=4)
    log: list[Any] = []

    @io.on("go")
    async def go(socket: Socket) -> None:
        await trio.sleep(1)  # the inbox fills, and reading is paused
        log.append(await socket.call("ask"))

    io.on("more", lambda socket, n: log.append(n))
    async with running(io) as net:
        net.narrow()
        client = await net.connect()
        await client.emit("go")

        async def flood() -> None:
            for n in range(8):
                await client.emit("more", n)
            await client.send('30["answer"]')

        async with trio.open_nursery() as nursery:
            nursery.start_soon(flood)
            assert await client.event() == ["ask"]
        await wait_all_tasks_blocked()
    assert log == ["answer", *range(8)]


async def test_pending_call_in_one_namespace_keeps_the_connection_reading(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(inbox_events=2)
    slow = Slow(io)
    io.of("/x")

    async with running(io) as net:
        net.narrow()
        client = await (await net.connect()).connect("/x")
        (other,) = io.of("/x").sockets.values()
        async with pending_call(client, other):
            for _ in range(5):
                await client.emit("slow")
        slow.go_on.set()


async def test_connect_is_pending_while_its_middlewares_run(running: Any) -> None:
    io = Server()
    go_on = trio.Event()

    @io.of("/b").use
    async def wait(socket: Socket) -> None:
        await go_on.wait()

    async with running(io) as net:
        client = await net.connect()
        (socket,) = io.sockets.values()
        peer = socket._state.peer
        assert peer.connecting is None
        await client.send("0/b,")
        await wait_all_tasks_blocked()
        assert peer.connecting is not None
        assert list(peer.connecting) == ["/b"]
        assert list(peer.members) == ["/"]
        go_on.set()
        assert "0/b," in await client.receive()
        assert peer.connecting is None
        assert list(peer.members) == ["/", "/b"]


async def test_ids_of_sockets_in_protocol_5_are_not_derived_from_the_session(running: Any) -> None:
    io = Server()
    io.of("/b")
    async with running(io) as net:
        client = await (await net.connect()).connect("/b")
        sid = io.sockets[client.sids["/"]].conn.id
        assert len({sid, *client.sids.values()}) == 3
        assert not any(sid in socket_id for socket_id in client.sids.values())


async def test_calls_are_pending_until_the_last_one_ends(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await asked(net)
        (socket,) = io.sockets.values()
        peer = socket._state.peer
        assert peer.calls_pending
        async with trio.open_nursery() as nursery:
            nursery.start_soon(socket.call, "another")
            await answer(client)
            await wait_all_tasks_blocked()
            assert peer.calls_pending
        await client.send('30["answer"]')
        await wait_all_tasks_blocked()
        assert not peer.calls_pending
