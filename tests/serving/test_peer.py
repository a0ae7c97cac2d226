"""Sending to a client of an Engine.IO server: waiting for room, ``write_timeout``, and flushing."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.peers import Closed, Transport, WebSocketPeer, each_transport, open_peer
from support.wire import Wire
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Disconnected, EngineServer, EngineSocket, Outbox

#: A message that no narrow connection takes as a whole.
IN_FLIGHT = "x" * 20_000


def server(**outbox: Any) -> EngineServer:
    return EngineServer(outbox=Outbox(**outbox), write_timeout=3, ping_interval=50)


async def stuck(wire: Wire) -> tuple[WebSocketPeer, EngineSocket]:
    """The only client, which does not read: ``IN_FLIGHT`` is being sent, what is sent now stays in the outbox."""
    wire.narrow()
    peer = WebSocketPeer(await wire.session())
    (socket,) = wire.io.clients
    await wait_all_tasks_blocked()
    socket.send_nowait(IN_FLIGHT)
    await wait_all_tasks_blocked()
    return peer, socket


@pytest.mark.rows("A12", "M2")
async def test_send_waits_for_room_and_the_client_receives_all(running: Any, autojump_clock: Any) -> None:
    async with running(server(max_packets=3)) as net:
        peer, socket = await stuck(net)
        sent: list[int] = []

        async def send() -> None:
            for number in range(40):
                await socket.send(str(number))
                sent.append(number)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            await wait_all_tasks_blocked()
            assert sent == [0, 1]
            assert await peer.receive() == IN_FLIGHT
            assert [await peer.receive() for _ in range(40)] == [str(number) for number in range(40)]


@pytest.mark.rows("A12", "M2")
async def test_waiting_sends_are_queued_in_their_order(running: Any, autojump_clock: Any) -> None:
    async with running(server(max_packets=1)) as net:
        peer, socket = await stuck(net)
        async with trio.open_nursery() as nursery:
            for number in range(5):
                nursery.start_soon(socket.send, str(number))
                await wait_all_tasks_blocked()
            assert await peer.receive() == IN_FLIGHT
            assert sorted([await peer.receive() for _ in range(5)]) == list("01234")


@pytest.mark.rows("A12")
async def test_cancelled_while_waiting_for_room_was_not_queued(running: Any, autojump_clock: Any) -> None:
    async with running(server(max_packets=1)) as net:
        peer, socket = await stuck(net)
        with trio.move_on_after(1) as scope:
            await socket.send("never")
        assert scope.cancelled_caught
        with trio.CancelScope() as scope:
            scope.cancel()
            await socket.send("nor this")
        assert scope.cancelled_caught
        assert await peer.receive() == IN_FLIGHT
        async with trio.open_nursery() as nursery:
            nursery.start_soon(socket.send, b"mark")
            assert await peer.receive() == b"mark"


@pytest.mark.rows("A12", "M2")
@pytest.mark.parametrize("policy", ["disconnect", "block"])
async def test_write_timeout_disconnects_only_under_the_policy_disconnect(
    running: Any, autojump_clock: Any, policy: Any
) -> None:
    async with running(server(max_packets=1, policy=policy)) as net:
        _, socket = await stuck(net)
        start = trio.current_time()
        with trio.move_on_after(10) as scope:
            if policy == "disconnect":
                with pytest.raises(Disconnected, match="write_timeout"):
                    await socket.send("x")
            else:
                await socket.send("x")
        assert scope.cancelled_caught == (policy == "block")
        assert trio.current_time() - start == pytest.approx(10 if policy == "block" else 3)
        assert socket.connected == (policy == "block")


@pytest.mark.rows("A12", "M2")
@pytest.mark.parametrize("policy", ["disconnect", "block", "drop_oldest", "drop_newest"])
async def test_send_nowait_into_a_full_outbox_follows_the_policy(
    running: Any, autojump_clock: Any, policy: Any
) -> None:
    eio = server(max_packets=3, policy=policy)
    ends: list[str] = []
    eio.on("close", lambda socket, reason, description: ends.append(description))
    async with running(eio) as net:
        peer, socket = await stuck(net)
        for number in range(2):
            socket.send_nowait(str(number))
        assert socket.connected
        socket.send_nowait("2")
        assert socket.connected == policy.startswith("drop")
        if socket.connected:
            assert await peer.receive() == IN_FLIGHT
            left = ["1", "2"] if policy == "drop_oldest" else ["0", "1"]
            assert [await peer.receive(), await peer.receive()] == left
        else:
            await wait_all_tasks_blocked()
            assert ends == [
                "the client does not read, so its outbox is full: the limits are 3 packets and 1048576 bytes"
            ]


@pytest.mark.rows("A12")
async def test_waiting_sends_raise_when_the_client_disconnects(running: Any, autojump_clock: Any) -> None:
    async with running(server(max_packets=1)) as net:
        peer, socket = await stuck(net)
        errors: list[str] = []

        async def send() -> None:
            with pytest.raises(Disconnected) as info:
                await socket.send("x")
            errors.append(str(info.value))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            nursery.start_soon(send)
            nursery.start_soon(socket.flush)
            await wait_all_tasks_blocked()
            await peer.aclose()
        assert errors == ["the socket was disconnected: transport close"] * 2


@pytest.mark.rows("A12", "C38")
@each_transport
async def test_flush_waits_until_all_is_written(running: Any, transport: Transport) -> None:
    eio = EngineServer()
    async with running(eio) as net, trio.open_nursery() as nursery:
        net.narrow()
        peer = await open_peer(net, transport)
        (socket,) = eio.clients
        await socket.flush()
        flushed = trio.Event()

        async def flush() -> None:
            await socket.flush()
            flushed.set()

        socket.send_nowait(IN_FLIGHT)
        socket.send_nowait("behind")
        nursery.start_soon(flush)
        await wait_all_tasks_blocked()
        assert not flushed.is_set()
        assert socket.buffered
        socket.send_nowait("not waited for")
        assert [await peer.receive() for _ in range(3)] == [IN_FLIGHT, "behind", "not waited for"]
        await flushed.wait()
        await wait_all_tasks_blocked()
        assert not socket.buffered


@pytest.mark.rows("A12", "C28", "C40")
@each_transport
async def test_messages_sent_before_close_arrive(running: Any, transport: Transport) -> None:
    eio = EngineServer()
    async with running(eio) as net:
        peer = await open_peer(net, transport)
        (socket,) = eio.clients
        await socket.send("first")
        await socket.send(b"last")
        socket.close()
        assert [await peer.receive(), await peer.receive()] == ["first", b"last"]
        with pytest.raises(Closed):
            await peer.receive()
