"""The outbox of a client that does not read: waiting for room, limits, and reading again."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.handlers import counted_turns
from support.links import IN_FLIGHT, only, stuck
from support.logs import warnings
from support.wire import client_frame
from trio.testing import wait_all_tasks_blocked

from trio_socketio import (
    Disconnected,
    Outbox,
    Server,
    Socket,
)


@pytest.mark.rows("M2", "F21")
async def test_client_that_stops_reading_is_disconnected_at_the_limit(
    running: Any, autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server(outbox=Outbox(max_packets=10))
    reasons: list[Any] = []
    io.on("disconnect", lambda socket, reason, description: reasons.append((reason, description)))
    async with running(io) as net:
        _, socket = await stuck(net)
        other = await net.connect("/")
        for _ in range(9):
            socket.emit_nowait("ev")
        assert socket.connected
        socket.emit_nowait("one too many")
        assert not socket.connected
        await wait_all_tasks_blocked()
        assert reasons == [
            (
                "forced server close",
                "the client does not read, so its outbox is full: the limits are 10 packets and 1048576 bytes",
            )
        ]
        (warning,) = warnings(caplog)
        assert "does not read" in warning
        await io.emit("fine")
        assert await other.event() == ["fine"]


@pytest.mark.rows("M2")
async def test_broadcasts_and_acks_never_wait(running: Any, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(max_bytes=30_000))
    async with running(io) as net:
        _, socket = await stuck(net)
        other = await net.connect()
        await io.emit("ev", "x" * 9000)
        assert (await other.event())[0] == "ev"
        assert socket.connected
        await wait_all_tasks_blocked()
        await io.emit("ev", "x" * 9000)
        assert not socket.connected
        assert (await other.event())[0] == "ev"
        assert io.engine.clients_count == 1


@pytest.mark.parametrize("policy", ["block", "disconnect"])
@pytest.mark.parametrize("what", ["ack", "broadcast"])
async def test_acks_and_broadcasts_disconnect_a_client_that_does_not_read(
    running: Any, autojump_clock: Any, policy: Any, what: str
) -> None:
    io = Server(outbox=Outbox(max_packets=2, policy=policy))
    io.on("ask", lambda socket: "answer")
    async with running(io) as net:
        client, socket = await stuck(net)
        socket.emit_nowait("fits")
        assert socket.connected
        if what == "ack":
            await client.ws.send_raw(client_frame(1, b'421["ask"]') * 2)
            await wait_all_tasks_blocked()
        else:
            io.emit_nowait("ev")
        assert not socket.connected


async def test_emit_waits_for_room_and_the_client_receives_all(running: Any, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(max_packets=3))
    async with running(io) as net:
        client, socket = await stuck(net)
        sent: list[int] = []

        async def emit() -> None:
            for i in range(10):
                await socket.emit("n", i)
                sent.append(i)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(emit)
            await wait_all_tasks_blocked()
            assert sent == [0, 1]
            assert await client.event() == IN_FLIGHT
            assert [(await client.event())[1] for _ in range(10)] == list(range(10))


async def test_cancelled_while_waiting_for_room_was_not_queued(running: Any, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(max_packets=1))
    async with running(io) as net:
        client, socket = await stuck(net)
        with trio.move_on_after(1) as scope:
            await socket.emit("never")
        assert scope.cancelled_caught
        assert await client.event() == IN_FLIGHT
        async with trio.open_nursery() as nursery:
            nursery.start_soon(socket.emit, "mark")
            assert await client.event() == ["mark"]


@pytest.mark.parametrize("policy", ["disconnect", "block"])
async def test_write_timeout_disconnects_only_under_the_policy_disconnect(
    running: Any, autojump_clock: Any, policy: Any
) -> None:
    io = Server(outbox=Outbox(max_packets=1, policy=policy), write_timeout=3, ping_interval=50)
    async with running(io) as net:
        _, socket = await stuck(net)
        start = trio.current_time()
        if policy == "disconnect":
            with pytest.raises(Disconnected):
                await socket.emit("ev")
            assert trio.current_time() - start == pytest.approx(3)
            assert not socket.connected
        else:
            with trio.move_on_after(30) as scope:
                await socket.emit("ev")
            assert scope.cancelled_caught
            assert socket.connected
            socket.emit_nowait("under block, what does not wait acts as disconnect")
            assert not socket.connected


async def test_message_larger_than_the_outbox_is_accepted_when_it_is_empty(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(outbox=Outbox(max_bytes=100))
    async with running(io) as net:
        net.narrow()
        client = await net.connect()
        socket = only(io)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(socket.emit, "big", "x" * 1000)
            await wait_all_tasks_blocked()
            nursery.start_soon(socket.emit, "next")
            assert len((await client.event())[1]) == 1000
            assert await client.event() == ["next"]


@pytest.mark.rows("F11")
async def test_volatile_is_dropped_iff_an_earlier_flush_is_unsent(running: Any, autojump_clock: Any) -> None:
    io = Server()
    async with running(io) as net:
        client, socket = await stuck(net)
        await socket.volatile.emit("dropped")
        await io.volatile.emit("dropped")
        assert socket._state.peer.session.link.volatile_lost == 2
        assert await client.event() == IN_FLIGHT
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(socket.volatile.emit, "sent")
            assert await client.event() == ["sent"]


@pytest.mark.rows("F11")
async def test_volatile_on_polling_needs_a_waiting_poll(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        polling = await (await net.polling()).connect()
        socket = only(io)
        await socket.volatile.emit("dropped")
        async with trio.open_nursery() as nursery:

            async def poll() -> None:
                assert (await polling.get()).text == '42["sent"]'

            nursery.start_soon(poll)
            await wait_all_tasks_blocked()
            await socket.volatile.emit("sent")
        assert socket._state.peer.session.link.volatile_lost == 1


async def test_flush_waits_until_it_is_written(running: Any, autojump_clock: Any) -> None:
    io = Server()
    async with running(io) as net:
        client, socket = await stuck(net)
        await socket.emit("last")
        flushed = trio.Event()

        async def flush() -> None:
            await socket.flush()
            flushed.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(flush)
            await wait_all_tasks_blocked()
            assert not flushed.is_set()
            assert await client.event() == IN_FLIGHT
            assert await client.event() == ["last"]
            await flushed.wait()
        await client.ws.stream.aclose()
        await socket.flush()


async def test_emit_yields_each_time_above_the_low_water_mark(running: Any, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(max_packets=100))
    async with running(io) as net:
        _, socket = await stuck(net)
        for _ in range(60):
            socket.emit_nowait("ev")
        async with counted_turns() as turns:
            for _ in range(30):
                await socket.emit("ev")
            assert turns.count >= 28


async def test_emit_that_yields_is_not_cancelled_after_it_was_queued(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(outbox=Outbox(max_packets=100))
    async with running(io) as net:
        _, socket = await stuck(net)
        for _ in range(60):
            socket.emit_nowait("ev")

        async def cancel(scope: trio.CancelScope) -> None:
            scope.cancel()

        async with trio.open_nursery() as nursery:
            for _ in range(30):  # the scheduler may run the other task first, or not
                with trio.CancelScope() as scope:
                    nursery.start_soon(cancel, scope)
                    await socket.emit("ev")
                assert not scope.cancelled_caught


async def test_waiting_emits_raise_when_the_client_disconnects(running: Any, autojump_clock: Any) -> None:
    io = Server(outbox=Outbox(max_packets=1))
    log: list[str] = []

    async def emit(socket: Socket) -> None:
        with pytest.raises(Disconnected):
            await socket.emit("ev")
        log.append("told")

    async with running(io) as net:
        client, socket = await stuck(net)
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(emit, socket)
            await wait_all_tasks_blocked()
            await client.ws.stream.aclose()
    assert log == ["told"] * 3
