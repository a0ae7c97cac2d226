"""The messages that each outbox policy drops for a client that does not read, and those that none drops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
from support.links import IN_FLIGHT, stuck
from support.wire import client_frame
from trio.testing import wait_all_tasks_blocked

from trio_socketio import (
    Outbox,
    Server,
    Socket,
)


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        ("drop_oldest", [["b", 1], ["a", 2], ["b", 2]]),
        ("drop_newest", [["a", 0], ["b", 0], ["a", 1]]),
        ("latest_per_event", [["a", 2], ["b", 2]]),
    ],
)
async def test_drop_policies_apply_at_once(running: Any, autojump_clock: Any, policy: Any, left: Any) -> None:
    io = Server(outbox=Outbox(max_packets=4, policy=policy))
    async with running(io) as net:
        client, socket = await stuck(net)
        for i in range(3):
            await socket.emit("a", i)
            await socket.emit("b", i)
        assert socket.connected
        assert await client.event() == IN_FLIGHT
        assert [await client.event() for _ in left] == left


async def test_protected_packets_are_never_dropped(running: Any, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(max_packets=4, policy="drop_oldest"))
    io.of("/x")
    io.on("ask", lambda socket: "answer")
    async with running(io) as net:
        client, socket = await stuck(net)
        await client.ws.send_raw(client_frame(1, b'421["ask"]') + client_frame(1, b"40/x,"))
        await wait_all_tasks_blocked()
        for i in range(20):
            await socket.emit("n", i)
        assert await client.event() == IN_FLIGHT
        assert await client.receive() == '31["answer"]'
        assert str(await client.receive()).startswith('0/x,{"sid"')
        assert await client.event() == ["n", 19]


async def test_header_and_attachments_are_dropped_together(running: Any, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(max_packets=2, policy="drop_oldest"))
    async with running(io) as net:
        client, socket = await stuck(net)
        for number in range(5):
            await socket.emit("picture", number, b"one", b"two")
        assert await client.event() == IN_FLIGHT
        head = await client.receive()
        assert str(head).startswith('52-["picture",4,')
        assert [await client.receive() for _ in range(2)] == [b"one", b"two"]


async def test_disconnect_is_never_dropped(running: Any, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(max_packets=3, policy="drop_oldest"))
    io.of("/x")
    async with running(io) as net:
        net.narrow()
        client = await (await net.connect()).connect("/x")
        (socket,) = io.sockets.values()
        (other,) = io.of("/x").sockets.values()
        socket.emit_nowait(*IN_FLIGHT)
        await wait_all_tasks_blocked()
        other.disconnect()
        for number in range(9):
            socket.emit_nowait("ev", number)
        assert await client.event() == IN_FLIGHT
        assert await client.receive() == "1/x,"
        assert await client.event() == ["ev", 8]


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest", "latest_per_event"])
async def test_call_is_never_dropped(running: Any, autojump_clock: Any, policy: Any) -> None:
    io = Server(outbox=Outbox(max_packets=3, policy=policy))
    async with running(io) as net:
        client, socket = await stuck(net)
        for i in range(5):
            await socket.emit("n", i)
        answers: list[Any] = []

        async def call(number: int) -> None:
            answers.append(await socket.call("ask", number))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call, 1)
            nursery.start_soon(call, 2)
            await wait_all_tasks_blocked()
            for i in range(5):
                await socket.emit("n", i)
            assert await client.event() == IN_FLIGHT
            while len(answers) < 2:
                message = str(await client.receive())
                if '"ask"' in message:
                    ack_id, _, rest = message[1:].partition("[")
                    await client.send(f'3{ack_id}["answer to {rest[6:-1]}"]')
                    await wait_all_tasks_blocked()
        assert sorted(answers) == ["answer to 1", "answer to 2"]


async def test_heartbeat_is_never_dropped(running: Any, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(max_packets=2, policy="drop_oldest"), ping_interval=5, ping_timeout=5)
    async with running(io) as net:
        client, socket = await stuck(net)
        await trio.sleep(6)
        for i in range(5):
            await socket.emit("n", i)
        assert await client.event() == IN_FLIGHT
        assert await client.ws.receive() == "2"


#: All of them hand events to the outbox as they come, whoever reads.
WAYS: dict[str, Callable[[Server, Socket], Callable[..., None]]] = {
    "to a socket": lambda io, socket: socket.emit_nowait,
    "to everybody": lambda io, socket: io.emit_nowait,
    "to a room": lambda io, socket: io.to(socket.id).emit_nowait,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("attachments", [(), (b"one", b"two")], ids=["plain", "binary"])
async def test_only_the_latest_of_each_event_is_kept(
    running: Any, autojump_clock: Any, way: str, attachments: tuple[bytes, ...]
) -> None:
    io = Server(outbox=Outbox(policy="latest_per_event"))  # there is room for all
    async with running(io) as net:
        client, socket = await stuck(net)
        emit = WAYS[way](io, socket)
        for number in range(5):
            for event in ("b", "a", "a"):
                emit(event, number, *attachments)
        emit("last")
        assert await client.event() == IN_FLIGHT
        for event in ("b", "a"):
            head = str(await client.receive())
            assert head.startswith((f'2["{event}",4', f'52-["{event}",4,{{')), head
            assert [await client.receive() for _ in attachments] == list(attachments)
        assert await client.event() == ["last"]


async def test_latest_per_event_distinguishes_namespaces(running: Any, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(policy="latest_per_event"))
    io.of("/x")
    async with running(io) as net:
        net.narrow()
        client = await (await net.connect()).connect("/x")
        await wait_all_tasks_blocked()
        io.emit_nowait(*IN_FLIGHT)
        await wait_all_tasks_blocked()
        for number in range(3):
            io.emit_nowait("a", number)
            io.of("/x").emit_nowait("a", number)
        assert await client.event() == IN_FLIGHT
        assert [await client.receive() for _ in range(2)] == ['2["a",2]', '2/x,["a",2]']
