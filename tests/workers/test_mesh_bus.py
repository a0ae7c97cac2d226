"""Servers of several workers behave as one server over the mesh."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest
import trio
from support.descriptors import no_descriptor_left, no_leak
from support.wire import SioClient
from support.workers import Worker, connect, workers
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server
from trio_socketio.adapters import AdapterState
from trio_socketio.workers._mesh import Mesh
from trio_socketio.workers._outgoing import Kind

pytestmark = [
    pytest.mark.rows("I15"),
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: memfd and /proc"),
]


def prepare(io: Server) -> None:
    io.on("ping", lambda socket: "pong")
    io.on("join", lambda socket, room: socket.join(room))
    io.on_server("who", lambda: 1)


async def is_quiet(client: SioClient) -> bool:
    """Return whether the client has received nothing: its next message is the acknowledgement of this call."""
    return await client.call("ping") == ["pong"]


async def test_emit_reaches_the_clients_of_all_workers_once() -> None:
    with no_leak():
        async with workers(3, prepare) as made:
            clients = [await worker.wire.connect() for worker in made]
            for worker in made:
                await worker.io.emit("ev", worker.mesh.instance)
            await wait_all_tasks_blocked()
            for client, worker in zip(clients, made, strict=True):
                received = [await client.event() for _ in made]
                assert sorted(received) == [["ev", 10], ["ev", 11], ["ev", 12]]
                assert await is_quiet(client)
                assert worker.adapter.health().state is AdapterState.UP


async def test_rooms_span_workers() -> None:
    async with workers(2, prepare) as made:
        inside, outside = [await worker.wire.connect() for worker in made]
        await inside.call("join", "lobby")
        await made[1].io.to("lobby").emit("ev")
        assert await inside.event() == ["ev"]
        assert await is_quiet(outside)


@pytest.mark.parametrize("binary", [False, True])
async def test_large_event_arrives_whole(binary: bool) -> None:
    content: Any = bytes(2_000_000) if binary else "é" * 1_000_000
    async with workers(2, prepare) as made:
        client = await made[1].wire.connect()
        await made[0].io.emit("ev", content)
        await wait_all_tasks_blocked()
        if binary:
            assert await client.receive() == '51-["ev",{"_placeholder":true,"num":0}]'
            assert await client.receive() == content
        else:
            assert await client.event() == ["ev", content]
        assert made[0].adapter.health().dropped == 0


async def test_requests_are_answered_by_all_workers() -> None:
    async with workers(3, prepare) as made:
        clients = [await worker.wire.connect() for worker in made]
        sids = {client.sids["/"] for client in clients}
        assert {socket.id for socket in await made[0].io.fetch_sockets()} == sids
        assert await made[1].io.server_side_call("who") == [1, 1]


async def test_worker_that_joins_later_is_known_at_once(autojump_clock: Any) -> None:
    async with workers(2, prepare, connected=False) as made:
        assert await made[0].io.server_side_call("who") == []
        connect(*made)
        await wait_all_tasks_blocked()
        began = trio.current_time()
        for worker in made:
            assert await worker.io.server_side_call("who") == [1]
        assert trio.current_time() == began


async def test_end_of_a_worker_is_noticed_at_once(autojump_clock: Any) -> None:
    async with workers(3, prepare) as made:
        made[2].scope.cancel()
        await wait_all_tasks_blocked()
        began = trio.current_time()
        assert await made[0].io.server_side_call("who") == [1]
        assert trio.current_time() == began


async def test_request_ends_when_the_worker_that_has_not_answered_ends(autojump_clock: Any) -> None:
    async with workers(2) as made:

        @made[1].io.on_server("slow")
        async def slow() -> None:
            await trio.sleep_forever()

        began = trio.current_time()
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def ask() -> None:
                assert await made[0].io.server_side_call("slow") == []

            await trio.sleep(1)
            made[1].scope.cancel()
        assert trio.current_time() - began == 1


async def stalled(worker: Worker) -> Any:
    """Connect a worker of the same version that reads nothing, and return its end of the pair."""
    ours, theirs = Mesh.pair()
    theirs.send_nowait(Kind.HELLO, b'{"version":1}')
    worker.mesh.join(30, ours)
    await wait_all_tasks_blocked()
    return theirs


async def test_worker_that_does_not_read_delays_the_others_once(
    autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with workers(2, prepare) as made:
        pair = await stalled(made[0])
        client = await made[1].wire.connect()
        began = trio.current_time()
        for number in range(40):
            await made[0].io.emit("ev", number, "x" * 1_000_000)
            assert (await client.event())[1] == number
        assert 0 < trio.current_time() - began < 0.2
        dropped = made[0].adapter.health().dropped
        assert 0 < dropped < 40
        assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == [
            "worker 30 does not read: messages to it are lost until it does"
        ]
        while (packet := await pair.receive()).kind != Kind.LOST:
            if packet.kind == Kind.MESSAGES:
                pair.send_nowait(Kind.TAKEN, b"1")
        assert int(packet.content) == dropped
        await made[0].io.emit("ev", "again")
        await wait_all_tasks_blocked()
        last = pair.receive_nowait()
        assert last is not None
        assert last.kind == Kind.MESSAGES
        assert b'"again"' in last.content
        pair.close()


async def test_lost_messages_are_reported_as_a_gap(
    autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with workers(1, prepare) as made:
        pair = await stalled(made[0])
        pair.send_nowait(Kind.LOST, b"17")
        await trio.sleep(1)
        health = made[0].adapter.health()
        assert (health.state, health.gaps) == (AdapterState.UP, 1)
        assert "worker 30 could not send 17 messages" in caplog.text
        pair.close()


@pytest.mark.parametrize(
    ("kind", "content", "counted"),
    [
        (Kind.MESSAGES, b"\0", "garbage"),
        (Kind.MESSAGES, b"\0\1\0\0\0\0\xff", "garbage"),
        (Kind.HELLO, b"{}", "garbage"),
        (Kind.HELLO, b"[" * 10_000, "garbage"),
        (Kind.LOST, b"-1", "garbage"),
        (Kind.LOST, b"9" * 30, "garbage"),
        (Kind.TAKEN, b"", "garbage"),
        (Kind.CONNECTION, b"GET / HTTP/1.1\r\n\r\n", "garbage"),
        (77, b"", "garbage"),
    ],
)
async def test_garbage_from_a_worker_is_counted(kind: int, content: bytes, counted: str) -> None:
    async with workers(2, prepare) as made:
        pair = await stalled(made[0])
        pair.send_nowait(kind, content)
        pair.send_nowait(kind, content, [pair.fileno()])
        await wait_all_tasks_blocked()
        assert made[0].mesh.rejected[counted] == (1 if kind == Kind.CONNECTION else 2)
        client = await made[0].wire.connect()
        await made[1].io.emit("ev")
        assert await client.event() == ["ev"]
        pair.close()


@pytest.mark.parametrize("opened", ["pipe", "listening", "datagram", "nothing read"])
async def test_descriptor_that_is_no_connection_is_closed(
    opened: str, caplog: pytest.LogCaptureFixture
) -> None:
    import os
    import socket

    with no_leak():
        async with workers(1) as made:
            pair = await stalled(made[0])
            descriptors = list(os.pipe())
            ends = [socket.socket(), *socket.socketpair(type=socket.SOCK_DGRAM), *socket.socketpair()]
            ends[0].listen()
            sent = {"pipe": descriptors[0], "listening": ends[0].fileno(), "datagram": ends[1].fileno()}
            content = b"" if opened == "nothing read" else b"GET / HTTP/1.1\r\n\r\n"
            pair.send_nowait(Kind.CONNECTION, content, [sent.get(opened, ends[3].fileno())])
            await wait_all_tasks_blocked()
            assert "sent something that is no connection" in caplog.text
            for end in ends:
                end.close()
            for descriptor in descriptors:
                os.close(descriptor)
            pair.close()


async def test_handed_over_garbage_is_answered_as_a_bad_request() -> None:
    from support.raw import read_all, status

    async with workers(1) as made:
        pair = await stalled(made[0])
        for content in (b"GET / HTTP", b"\0", b"GET / HTTP/1.1\r\nA: b\nc\r\n\r\n"):
            ours, theirs = trio.socket.socketpair()
            pair.send_nowait(Kind.CONNECTION, content, [theirs.fileno()])
            theirs.close()
            assert status(await read_all(trio.SocketStream(ours))) == 400
            ours.close()
        pair.close()


async def test_worker_with_another_version_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    async with workers(1, prepare) as made:
        ours, theirs = Mesh.pair()
        made[0].mesh.join(30, ours)
        theirs.send_nowait(Kind.HELLO, b'{"version":2}')
        theirs.send_nowait(Kind.MESSAGES, b"\0")
        await wait_all_tasks_blocked()
        assert "worker 30 has version 2 of the protocol between workers, and this one has 1" in caplog.text
        assert not made[0].mesh.rejected
        theirs.close()


async def test_large_packet_that_finds_no_descriptor_is_a_gap_and_does_not_stop_the_sender(
    autojump_clock: Any,
) -> None:
    async with workers(1, prepare) as made:
        pair = await stalled(made[0])
        pair.send_nowait(Kind.MESSAGES, bytes(100_000))
        with no_descriptor_left():
            await wait_all_tasks_blocked()
        await trio.sleep(1)
        packets = []
        while (packet := pair.receive_nowait()) is not None:
            packets.append((packet.kind, packet.content))
        assert (Kind.TAKEN, b"1") in packets
        assert made[0].mesh.rejected == {"descriptors cut off": 1}
        assert made[0].adapter.health().gaps == 1
        pair.close()


async def test_last_packets_of_a_worker_are_read_after_its_end_was_told() -> None:
    """The pair does not end, because another process has a copy of it."""
    async with workers(1) as made:
        pair = await stalled(made[0])
        for _ in range(40):
            pair.send_nowait(77, b"")
        made[0].mesh.leave(30)
        made[0].mesh.leave(30)
        await wait_all_tasks_blocked()
        assert made[0].mesh.rejected["garbage"] == 40
        assert not made[0].mesh.peers
        pair.close()


async def test_number_that_is_taken_is_refused() -> None:
    with no_leak():
        async with workers(2) as made:
            for taken in (10, 11):
                ours, theirs = Mesh.pair()
                with pytest.raises(ValueError, match=f"there is a worker {taken} already"):
                    made[0].mesh.join(taken, ours)
                theirs.close()


async def test_new_name_replaces_the_former_one() -> None:
    async with workers(2, prepare) as made:
        former = made[1].adapter.uid
        made[1].adapter.rename()
        assert made[1].adapter.uid != former
        await wait_all_tasks_blocked()
        assert await made[0].io.server_side_call("who") == [1]
