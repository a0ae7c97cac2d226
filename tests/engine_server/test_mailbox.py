"""Messages of an Engine.IO socket: held, handled in order, or dropped."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.peers import Transport, each_transport, only_one, open_peer
from trio.testing import wait_all_tasks_blocked

from trio_socketio import EngineServer, EngineSocket


@pytest.mark.rows("A12")
async def test_messages_are_held_while_the_connection_handlers_run(running: Any, autojump_clock: Any) -> None:
    eio = EngineServer(hold_timeout=5, ping_interval=100)
    seen: list[Any] = []
    eio.on("message", lambda socket, data: seen.append((trio.current_time() - start, data)))

    @eio.on("connection")
    async def slow(socket: EngineSocket) -> None:
        await trio.sleep(3)

    @eio.on("connection")
    async def slower(socket: EngineSocket) -> None:
        if "ready" in socket.request.query:
            await trio.sleep(1)
            socket.ready()
        await trio.sleep(4 if "short" in socket.request.query else 20)

    async with running(eio) as net:
        for query, expected in (("&short=1", 4), ("&ready=1", 1), ("", 5)):
            client = await net.session(query)
            start = trio.current_time()
            await client.send("x")
            await trio.sleep(30)
            assert seen == [(pytest.approx(expected), "x")]
            seen.clear()


@pytest.mark.rows("A12")
async def test_messages_without_handler_and_iteration_are_dropped_and_counted(running: Any) -> None:
    eio = EngineServer()
    left = trio.Event()

    @eio.on("connection")
    async def connection(socket: EngineSocket) -> None:
        async for message in socket:
            if message == "enough":
                break
        left.set()
        await trio.sleep_forever()

    async with running(eio) as net:
        peer = await open_peer(net, "websocket")
        await peer.send("a", "enough", "b", b"c")
        await left.wait()
        await wait_all_tasks_blocked()
        assert only_one(eio).dropped == 2
        await peer.send("d")
        await wait_all_tasks_blocked()
        assert only_one(eio).dropped == 3
        only_one(eio).on("message", lambda data: only_one(eio).send_nowait(data))
        await peer.send("e")
        assert await peer.receive() == "e"


@pytest.mark.rows("A12")
@each_transport
async def test_full_inbox_pauses_reading(running: Any, transport: Transport) -> None:
    eio = EngineServer(inbox_events=4)
    go_on, taken = trio.Event(), []

    @eio.on("connection")
    async def connection(socket: EngineSocket) -> None:
        await go_on.wait()
        async for message in socket:
            taken.append(message)  # noqa: PERF401

    async with running(eio) as net, trio.open_nursery() as nursery:
        peer = await open_peer(net, transport)
        socket = only_one(eio)
        numbers = [str(number) for number in range(40)]
        answered: list[int] = []

        async def send() -> None:
            for number in range(0, 40, 4):
                await peer.send(*numbers[number : number + 4])
                answered.append(number)

        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        assert socket._session.paused
        if transport == "polling":
            assert answered == []  # the POST's answer is withheld
        inbox = socket._peer.mailbox.inbox
        assert inbox is not None
        assert inbox.count == 4
        go_on.set()
        await wait_all_tasks_blocked()
        assert taken == numbers
        assert not socket._session.paused


@pytest.mark.rows("A12")
async def test_slow_async_handler_keeps_the_order_of_messages(running: Any, autojump_clock: Any) -> None:
    eio = EngineServer()
    taken: list[Any] = []

    @eio.on("message")
    async def message(socket: EngineSocket, data: str) -> None:
        if data == "slow":
            await trio.sleep(1)
        taken.append(data)

    async with running(eio) as net:
        peer = await open_peer(net, "websocket")
        await peer.send("slow", *map(str, range(100)))
        await trio.sleep(2)
        assert taken == ["slow", *map(str, range(100))]
