"""Drivers when the peer does not read, when it is not read, and when the driver is ended from outside."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import trio
from support.handlers import Slow
from support.links import IN_FLIGHT, Link
from support.raw import WEBSOCKET, close_frame, echo_server, join, read_all, read_until, upgrade
from support.wire import Wire, client_frame
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Outbox, Socket

#: An event with it fills a narrow connection.
FILLING = "x" * 5000


async def _join(wire: Wire) -> tuple[trio.abc.Stream, Socket]:
    """A client on a connection that holds next to nothing."""
    wire.narrow()
    stream = await join(wire)
    await wait_all_tasks_blocked()
    (socket,) = wire.io.sockets.values()
    return stream, socket


async def _stuck(wire: Wire) -> tuple[trio.abc.Stream, Socket]:
    """A client that does not read: a write is stuck until it does."""
    stream, socket = await _join(wire)
    socket.emit_nowait(*IN_FLIGHT)
    await wait_all_tasks_blocked()
    return stream, socket


async def _closed_after(stream: trio.abc.Stream) -> float:
    """How long it takes until the server has closed, if the client reads nothing. It keeps its end open."""
    began = trio.current_time()
    with contextlib.suppress(trio.BrokenResourceError):
        while True:
            await stream.send_all(client_frame(10))
            await trio.sleep(0.01)
    return trio.current_time() - began


@pytest.mark.rows("C20")
async def test_peer_that_neither_reads_nor_answers_is_disconnected(autojump_clock: Any, running: Any) -> None:
    io, reasons = echo_server()
    async with running(io) as wire:
        stream, _ = await _stuck(wire)
        assert await _closed_after(stream) == pytest.approx(45.0, abs=0.5)
        assert reasons == ["ping timeout"]
        assert io.engine.clients_count == 0


async def test_close_waits_for_the_last_flush_and_no_longer(autojump_clock: Any, running: Any) -> None:
    io, reasons = echo_server(disconnect_timeout=5.0)
    async with running(io) as wire:
        stream, socket = await _stuck(wire)
        socket.conn.close()
        assert await _closed_after(stream) == pytest.approx(5.0, abs=0.1)
        assert reasons == ["forced server close"]


async def test_close_sends_what_is_queued_to_a_slow_reader(autojump_clock: Any, running: Any) -> None:
    io, reasons = echo_server()
    async with running(io) as wire:
        stream, socket = await _join(wire)
        for number in range(100):
            socket.emit_nowait("n", number)
            await trio.lowlevel.checkpoint()
        socket.conn.close()
        received = await read_all(stream)
        assert received.count(b'42["n",') == 100
        assert received.endswith(b"\x88\x02\x03\xe8")
        assert reasons == ["forced server close"]


async def test_abort_ends_a_stuck_write(autojump_clock: Any, running: Any) -> None:
    io, reasons = echo_server(outbox=Outbox(max_packets=2))
    async with running(io) as wire:
        stream, socket = await _stuck(wire)
        for number in range(2):
            socket.emit_nowait("n", number)
        await wait_all_tasks_blocked()
        assert reasons == ["forced server close"]
        assert await _closed_after(stream) == pytest.approx(0.0, abs=0.1)


async def test_abort_sends_a_close_frame_unless_a_write_is_stuck(autojump_clock: Any, running: Any) -> None:
    io, reasons = echo_server()
    async with running(io) as wire:
        stream, _ = await _join(wire)
        await stream.send_all(client_frame(1, b"42[]", key=None))
        assert (await read_all(stream)).endswith(b"\x88\x02\x03\xea")
        assert reasons == ["transport error"]


async def test_volatile_is_dropped_behind_a_stuck_write(autojump_clock: Any, running: Any) -> None:
    io, _ = echo_server()
    async with running(io) as wire:
        stream, socket = await _stuck(wire)
        socket.volatile.emit_nowait("first")
        socket.emit_nowait("second")
        received = await read_until(stream, b"second")
        assert b"first" not in received


async def test_client_is_not_read_while_the_inbox_is_full(autojump_clock: Any, running: Any) -> None:
    io, _ = echo_server(inbox_events=4)
    slow = Slow(io)
    async with running(io) as wire, trio.open_nursery() as nursery:
        stream, _ = await _join(wire)
        sent = 0

        async def send() -> None:
            nonlocal sent
            for n in range(50):
                await stream.send_all(client_frame(1, f'42["slow",{n},"{FILLING}"]'.encode()))
                sent += 1

        nursery.start_soon(send)
        await trio.sleep(300)  # the heartbeat's clock stands still meanwhile
        assert 4 <= sent <= 8
        slow.go_on.set()
        await wait_all_tasks_blocked()
        assert (sent, slow.done) == (50, list(range(50)))


async def test_session_that_ends_while_it_is_not_read(autojump_clock: Any, running: Any) -> None:
    io, reasons = echo_server(inbox_events=1)

    @io.on("n")
    async def number(socket: Socket) -> None:
        await trio.sleep_forever()

    async with running(io) as wire:
        stream, socket = await _join(wire)
        with trio.move_on_after(1):
            while True:
                await stream.send_all(client_frame(1, b'42["n"]'))
        socket.conn.close()
        assert (await read_all(stream)).endswith(b"\x88\x02\x03\xe8")
        assert reasons == ["forced server close"]


@pytest.mark.parametrize("stuck", [False, True])
async def test_cancelled_driver_notifies_its_session(link: Link, autojump_clock: Any, stuck: bool) -> None:
    io, reasons = echo_server()
    async with io:
        async with trio.open_nursery() as nursery:
            stream, _ = await (_stuck if stuck else _join)(Wire(io, nursery, link))
            nursery.cancel_scope.cancel()
        received = await read_all(stream)
        assert (b'42["in flight",' in received) is stuck
        assert close_frame(1000) not in received
        await wait_all_tasks_blocked()
        assert reasons == ["transport close"]
        assert io.engine.clients_count == 0


async def test_client_gone_while_a_write_is_stuck(autojump_clock: Any, running: Any) -> None:
    io, reasons = echo_server()
    async with running(io) as wire:
        stream, _ = await _stuck(wire)
        await trio.aclose_forcefully(stream)
        await wait_all_tasks_blocked()
        assert reasons == ["transport close"]
        assert io.engine.clients_count == 0


@pytest.mark.rows("H1")
async def test_stopping_server_does_not_wait_for_a_stuck_write(link: Link, autojump_clock: Any) -> None:
    io, reasons = echo_server(disconnect_timeout=5.0)
    async with trio.open_nursery() as nursery:
        async with io:
            stream, _ = await _stuck(Wire(io, nursery, link))
            began = trio.current_time()
        assert trio.current_time() - began == pytest.approx(5.0, abs=0.1)
        assert reasons == ["server shutting down"]
        with pytest.raises(trio.BrokenResourceError):
            await stream.send_all(b"x")


async def test_candidate_that_is_cancelled_leaves_its_session_on_polling(
    autojump_clock: Any, running: Any
) -> None:
    io, reasons = echo_server()
    async with running(io) as wire:
        polling = await (await wire.polling()).connect()
        async with trio.open_nursery() as nursery:
            ours, theirs = wire.pair()
            nursery.start_soon(io.serve_stream, theirs)
            await ours.send_all(upgrade(f"{WEBSOCKET}&sid={polling.sid}") + client_frame(1, b"2probe"))
            await read_until(ours, b"3probe")
            nursery.cancel_scope.cancel()
        assert reasons == []
        socket = next(iter(io.sockets.values()))
        socket.emit_nowait("still here")
        assert (await polling.get()).text == '42["still here"]'
