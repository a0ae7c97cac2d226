"""While a call is pending, its answer must come through: reading goes on, up to four times the limit."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import trio
from support.handlers import Slow, asked
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

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


async def test_past_four_times_the_limit_the_connection_is_closed(
    running: Any, autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server(inbox_events=4)
    reasons: list[Any] = []
    io.on("disconnect", lambda socket, reason, description: reasons.append((reason, description)))

    async with running(io) as net:
        client = await asked(net)
        for _ in range(16):
            await client.emit("more")
        await wait_all_tasks_blocked()
        assert reasons == []
        await client.emit("more")
        assert isinstance(await client.receive(), CloseConnection)
        await wait_all_tasks_blocked()
    limit = "inbox of 16 events, 1048576 bytes is full while a call is pending"
    assert reasons == [("forced server close", limit)]
    assert [
        limit in record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING
    ] == [True]


async def test_bytes_past_four_times_the_limit_close_the_connection(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(inbox_bytes=1000)

    async with running(io) as net:
        client = await asked(net)
        for _ in range(3):
            await client.emit("more", "x" * 1200)
        await wait_all_tasks_blocked()
        assert len(io.sockets) == 1
        await client.emit("more", "x" * 1200)
        assert isinstance(await client.receive(), CloseConnection)


async def test_any_call_on_the_connection_keeps_it_reading(running: Any, autojump_clock: Any) -> None:
    io = Server(inbox_events=2)
    slow = Slow(io)
    io.of("/x")

    async with running(io) as net:
        net.narrow()
        client = await (await net.connect()).connect("/x")
        (other,) = io.of("/x").sockets.values()
        answers: list[Any] = []

        async def call() -> None:
            answers.append(await other.call("ask"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call)
            assert await client.receive() == '2/x,0["ask"]'
            for _ in range(5):
                await client.emit("slow")
            await client.send('3/x,0["answer"]')
        assert answers == ["answer"]
        slow.go_on.set()


async def test_any_call_lets_a_post_through_up_to_four_times_the_limit(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(inbox_events=2)
    ends: list[str] = []
    io.on("disconnect", lambda socket, reason, description: ends.append(description))

    @io.on("go")
    async def go(socket: Socket) -> None:
        await socket.call("ask")

    async with running(io) as net:
        polling = await (await net.polling()).connect()
        await polling.post('42["go"]')
        assert (await polling.get()).text == '420["ask"]'
        assert (await polling.post("\x1e".join(['42["more"]'] * 8))).text == "ok"
        assert (await polling.post('42["more"]')).status == 400
        await wait_all_tasks_blocked()
    assert ends == ["inbox of 8 events, 1048576 bytes is full while a call is pending"]
