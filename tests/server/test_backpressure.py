"""Inboxes are bounded: a slow handler delays its own client and no other."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.handlers import Slow, posting
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server, Socket


@pytest.mark.rows("F28")
async def test_serial_events_run_one_after_the_other(running: Any, autojump_clock: Any) -> None:
    io = Server()
    log: list[str] = []

    @io.on("ev")
    async def ev(socket: Socket, number: int) -> None:
        log.append(f"begin {number}")
        await trio.sleep(3 - number)
        log.append(f"end {number}")

    @io.on("plain")
    def plain(socket: Socket) -> None:
        log.append("plain")

    async with running(io) as net:
        client = await net.connect()
        await client.emit("plain")  # inline: nothing waits and nothing runs
        await client.emit("ev", 0)
        await client.emit("ev", 1)
        await client.call("plain")  # behind the others
    assert log == ["plain", "begin 0", "end 0", "begin 1", "end 1", "plain"]


@pytest.mark.rows("F28")
async def test_concurrent_events_have_a_task_each(running: Any, autojump_clock: Any) -> None:
    io = Server(ordering="concurrent")
    log: list[str] = []

    @io.on("ev")
    async def ev(socket: Socket, number: int) -> None:
        await trio.sleep(3 - number)
        log.append(f"end {number}")

    async with running(io) as net:
        client = await net.connect()
        await client.emit("ev", 0)
        await client.emit("ev", 1)
        await client.call("ev", 2)
        await trio.sleep(5)
    assert log == ["end 2", "end 1", "end 0"]


@pytest.mark.parametrize("ordering", ["serial", "concurrent"])
async def test_slow_handler_delays_only_its_own_client(
    running: Any, autojump_clock: Any, ordering: Any
) -> None:
    io = Server(inbox_events=4, ordering=ordering)
    slow = Slow(io)
    io.on("ping me", lambda socket: "pong")

    async with running(io) as net:
        net.narrow()
        client = await net.connect()
        other = await net.connect()
        sent = 0

        async def flood() -> None:
            nonlocal sent
            for number in range(50):
                await client.emit("slow", number, "x" * 5000)
                sent = number + 1

        async with trio.open_nursery() as nursery:
            nursery.start_soon(flood)
            await wait_all_tasks_blocked()
            assert 4 <= sent <= 8
            start = trio.current_time()
            assert await other.call("ping me") == ["pong"]
            assert trio.current_time() == start
            slow.go_on.set()
        await wait_all_tasks_blocked()
        assert sorted(slow.done) == list(range(50))
        assert ordering == "concurrent" or slow.done == list(range(50))


async def test_inbox_is_full_by_bytes_as_well_as_by_events(running: Any, autojump_clock: Any) -> None:
    io = Server(inbox_bytes=1000)
    slow = Slow(io)
    async with running(io) as net:
        client = await net.connect()
        for _ in range(3):
            await client.send('51-["slow",0,{"_placeholder":true,"num":0}]')
            await client.send(b"x" * 600)
        await wait_all_tasks_blocked()
        (socket,) = io.sockets.values()
        assert socket._state.peer.session.paused
        slow.go_on.set()
        await wait_all_tasks_blocked()
        assert not socket._state.peer.session.paused


async def test_response_to_a_post_is_withheld_while_the_inbox_is_full(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(inbox_events=2, ping_interval=10, ping_timeout=5)
    slow = Slow(io)
    async with running(io) as net:
        polling = await (await net.polling()).connect()
        async with posting(polling, "\x1e".join(f'42["slow",{n}]' for n in range(8))) as answers:
            for _ in range(10):
                assert (await polling.get()).text == "2"  # without polls, it would be taken for dead
            assert trio.current_time() > 50
            assert answers == []
            assert slow.begun == [0]
            slow.go_on.set()
        assert answers == ["ok"]
        await wait_all_tasks_blocked()
        assert slow.done == list(range(8))


async def test_response_is_withheld_from_the_post_that_fills_the_inbox(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(inbox_events=2)
    slow = Slow(io)
    async with running(io) as net:
        polling = await (await net.polling()).connect()
        async with posting(polling, "\x1e".join(['42["slow"]'] * 3)) as answers:
            await wait_all_tasks_blocked()
            assert answers == []
            slow.go_on.set()
        assert answers == ["ok"]


async def test_pausing_is_per_connection(running: Any, autojump_clock: Any) -> None:
    io = Server(inbox_events=2)
    slow = Slow(io.of("/x"))
    io.on("ev", lambda socket: "main")
    async with running(io) as net:
        client = await (await net.connect()).connect("/x")
        for _ in range(4):
            await client.send('2/x,["slow"]')
        await client.emit("ev", ack=0)  # a sibling waits behind the full inbox
        with trio.move_on_after(5) as scope:
            await client.receive()
        assert scope.cancelled_caught
        slow.go_on.set()
        assert await client.receive() == '30["main"]'


async def test_one_large_event_is_accepted_by_an_empty_inbox(running: Any, autojump_clock: Any) -> None:
    io = Server(max_http_buffer_size=5_000_000, inbox_bytes=1000)
    io.on("big", lambda socket, text: len(text))

    @io.on("later")
    async def later(socket: Socket, text: str) -> int:
        await trio.sleep(1)
        return len(text)

    async with running(io) as net:
        client = await net.connect()
        for event in ("big", "later", "big"):
            assert await client.call(event, "x" * 1_200_000) == [1_200_000]
