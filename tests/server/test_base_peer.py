"""A session as its sockets use it: reading goes on while a call is pending, even if an inbox is full."""

from __future__ import annotations

from typing import Any

import trio
from support.handlers import Slow, pending_call
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
