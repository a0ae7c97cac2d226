"""Clients that close while a broadcast is written to them, and a server that stops meanwhile."""

from __future__ import annotations

import socket as sockets
import struct
from typing import Any

import pytest
import trio
from support.descriptors import open_descriptors
from support.handlers import Slow
from support.links import IN_FLIGHT, Link, only, stuck
from support.raw import WEBSOCKET, echo_server, join, read_until, upgrade
from support.wire import SioClient, WebSocket, Wire, client_frame
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import Outbox, Server, Socket


async def test_each_link_is_served_by_its_driver(running: Any, link: Link) -> None:
    async with running(Server()) as net:
        await net.connect()
        assert only(net.io)._state.peer.session.transport.driver == link.driver


@pytest.mark.parametrize("how", ["goes", "resets"])
async def test_client_that_closes_during_a_broadcast_does_not_stop_it(running: Any, how: str) -> None:
    io, reasons = echo_server()
    async with running(io) as net:
        net.narrow()
        streams = [await join(net) for _ in range(10)]
        await wait_all_tasks_blocked()
        io.emit_nowait(*IN_FLIGHT)
        await wait_all_tasks_blocked()
        for stream in streams[::2]:
            if how == "resets":  # what it has not read is lost
                await stream.send_all(client_frame(1, b"4") * 3)
            await trio.aclose_forcefully(stream)
        for stream in streams[1::2]:
            await read_until(stream, b'x"]')
            await stream.send_all(client_frame(1, b'421["echo","still here"]'))
            await read_until(stream, b'431["still here"]')
        await wait_all_tasks_blocked()
        assert len(reasons) == 5
        assert len(io.sockets) == 5


async def test_server_may_be_cancelled_during_a_broadcast(link: Link, autojump_clock: Any) -> None:
    io, reasons = echo_server(disconnect_timeout=5.0)
    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as scope:
            async with io:
                net = Wire(io, nursery, link)
                net.narrow()
                slow, gone, reader = [await join(net) for _ in range(3)]
                await wait_all_tasks_blocked()
                io.emit_nowait(*IN_FLIGHT)
                io.emit_nowait("last words")
                await wait_all_tasks_blocked()
                nursery.start_soon(read_until, reader, b'42["last words"]\x88\x02\x03\xe9')
                await trio.aclose_forcefully(gone)
                start = trio.current_time()
                scope.cancel()
                await trio.lowlevel.checkpoint()
        assert scope.cancelled_caught
        assert trio.current_time() - start == pytest.approx(5.0, abs=0.1)  # for the one that does not read
        assert sorted(reasons) == ["server shutting down"] * 2 + ["transport close"]
        assert io.sockets == {}
        await trio.aclose_forcefully(slow)
        await trio.aclose_forcefully(reader)


async def _read_late(client: SioClient, seconds: float, pause: float, code: int = 1000) -> None:
    """Read all that was held back, to the close frame, and answer that after a pause."""
    await trio.sleep(seconds)
    assert await client.event() == IN_FLIGHT
    assert await client.event() == ["last words"]
    event = await client.receive()
    assert isinstance(event, CloseConnection)
    assert event.code == code
    await trio.sleep(pause)
    await client.ws.stream.send_all(client.ws.ws.send(event.response()))
    await client.ws.stream.aclose()


async def test_client_that_reads_during_the_grace_receives_all_messages_and_the_close_frame(
    link: Link, autojump_clock: Any
) -> None:
    io = Server(disconnect_timeout=5.0)
    async with trio.open_nursery() as nursery:
        async with io:
            client, socket = await stuck(Wire(io, nursery, link))
            socket.emit_nowait("last words")
            nursery.start_soon(_read_late, client, 4.5, 0.2, 1001)
            start = trio.current_time()
        assert trio.current_time() - start == pytest.approx(4.7, abs=0.1)


async def test_reply_to_the_close_frame_is_awaited_after_a_long_flush(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(disconnect_timeout=5.0)
    async with running(io) as net:
        client, socket = await stuck(net)
        socket.emit_nowait("last words")
        socket.conn.close()
        await _read_late(client, 4.5, 1.9)
    async with running(io) as net:
        client, socket = await stuck(net)
        socket.emit_nowait("last words")
        socket.conn.close()
        with pytest.raises((trio.BrokenResourceError, trio.ClosedResourceError)):
            await _read_late(client, 4.5, 2.1)


async def test_clients_that_close_at_once_leave_no_descriptor(link: Link) -> None:
    before = len(open_descriptors())
    io, reasons = echo_server()
    async with trio.open_nursery() as nursery:
        async with io:
            net = Wire(io, nursery, link)
            running = len(open_descriptors())
            for number in range(60):
                stream = await join(net)
                if number % 3 == 0:
                    await stream.send_all(client_frame(1, b'421["echo",1]') * 5)
                if number % 3 == 1:
                    io.emit_nowait("ev", "x" * 10_000)
                await trio.aclose_forcefully(stream)
            await wait_all_tasks_blocked()
            assert len(reasons) == 60
            assert len(open_descriptors()) == running
        nursery.cancel_scope.cancel()
    assert len(open_descriptors()) == before


async def test_new_clients_may_reuse_the_descriptors_of_clients_that_were_reset(
    nursery: trio.Nursery,
) -> None:
    """Each newcomer, whose descriptor was another's a moment ago, hears what is meant for it, and nothing else."""
    io, reasons = echo_server(outbox=Outbox(max_packets=100_000, max_bytes=1 << 30))

    @io.on("say")
    def say(socket: Socket, number: int) -> None:
        socket.emit_nowait("said", number)

    async with io:
        listeners = await nursery.start(io.serve, "127.0.0.1", 0)
        address = listeners[0].socket.getsockname()

        async def client() -> SioClient:
            stream = await trio.open_tcp_stream(*address[:2])
            return await (await SioClient(await WebSocket(stream).open(WEBSOCKET)).start()).connect()

        clients = [await client() for _ in range(10)]
        for number in range(50):
            io.emit_nowait("all", number, "x" * 50_000)
            oldest = clients.pop(0)
            oldest.ws.stream.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
            oldest.ws.stream.socket.close()
            newcomer = await client()
            await newcomer.emit("say", number)
            assert await newcomer.event() == ["said", number]
            clients.append(newcomer)
        for number, one in enumerate(clients):
            heard = [(await one.event())[:2] for _ in range(9 - number)]
            assert heard == [["all", 41 + number + n] for n in range(9 - number)]
            await one.ws.stream.aclose()
        await wait_all_tasks_blocked()
    assert reasons.count("transport close") >= 50
    nursery.cancel_scope.cancel()


async def test_client_with_a_full_inbox_can_upgrade(running: Any, autojump_clock: Any) -> None:
    """It is not read before there is room again, and its heartbeat goes on then."""
    io = Server(inbox_events=2, ping_interval=10, ping_timeout=5)
    slow = Slow(io)
    async with running(io) as net, trio.open_nursery() as nursery:
        polling = await (await net.polling()).connect()
        nursery.start_soon(polling.post, "\x1e".join(f'42["slow",{number}]' for number in range(6)))
        await wait_all_tasks_blocked()
        session = only(io)._state.peer.session
        assert session.paused
        ws = net.stream()
        nursery.start_soon(ws.send_all, upgrade(f"{WEBSOCKET}&sid={polling.sid}"))
        await read_until(ws, b"\r\n\r\n")
        await ws.send_all(client_frame(1, b"2probe"))
        await read_until(ws, b"3probe")
        await ws.send_all(client_frame(1, b"5") + client_frame(1, b'42["slow",6]'))
        await trio.sleep(100)
        assert session.paused
        assert slow.done == []
        slow.go_on.set()
        await wait_all_tasks_blocked()
        assert sorted(slow.done) == list(range(7))
        assert not session.paused
        await read_until(ws, b"\x81\x012")
        await trio.sleep(5.1)
        assert io.engine.clients_count == 0
