"""How a session on WebSocket ends on the wire (RFC 6455 section 7), and its heartbeat."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import trio
from support.links import Link
from support.raw import close_frame, echo_server, exchange_frames, join, read_all, read_until
from support.wire import Wire, client_frame
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

TEXT, CLOSE = 1, 8


async def _goes_on_sending(stream: trio.abc.Stream) -> None:
    """Until the server has closed for good."""
    with contextlib.suppress(trio.BrokenResourceError):
        while True:
            await trio.sleep(0.1)
            await stream.send_all(client_frame(TEXT, b"4" * 1000))


@pytest.mark.rows("C40")
@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        (b"\x03\xe8", close_frame(1000)),
        (b"\x03\xe9going", close_frame(1001)),
        (b"\x0f\xa0", close_frame(4000)),
        (b"", b"\x88\x00"),
    ],
)
async def test_client_closes(autojump_clock: Any, running: Any, payload: bytes, answer: bytes) -> None:
    io, reasons = echo_server()
    async with running(io) as wire:
        client = await join(wire)
        began = trio.current_time()
        received = await exchange_frames(
            client, client_frame(CLOSE, payload), client_frame(TEXT, b'421["echo",1]')
        )
        assert received.endswith(answer)
        assert b"431" not in received
        assert reasons == ["transport close"]
        assert trio.current_time() == began


@pytest.mark.rows("C28", "C40")
async def test_client_sends_a_close_packet(autojump_clock: Any, running: Any) -> None:
    io, reasons = echo_server()
    async with running(io) as wire:
        client = await join(wire)
        await client.send_all(client_frame(TEXT, b"1"))
        await read_until(client, close_frame(1000))
        assert (await exchange_frames(client, client_frame(CLOSE, b"\x03\xe8"))) == b""
        assert reasons == ["transport close"]


@pytest.mark.rows("C40")
@pytest.mark.parametrize("answers", [True, False])
async def test_server_closes(autojump_clock: Any, running: Any, answers: bool) -> None:
    io, reasons = echo_server()

    @io.on("leave")
    async def leave(socket: Any) -> None:
        socket.emit_nowait("last words")
        socket.conn.close()

    async with running(io) as wire:
        client = await join(wire)
        began = trio.current_time()
        await client.send_all(client_frame(TEXT, b'42["leave"]'))
        received = await read_until(client, close_frame(1000))
        assert b'42["last words"]' in received
        assert reasons == ["forced server close"]
        if answers:
            await client.send_all(client_frame(CLOSE, b"\x03\xe8"))
        await _goes_on_sending(client)
        assert trio.current_time() - began == pytest.approx(0.0 if answers else 2.0, abs=0.2)
        assert await read_all(client) == b""


@pytest.mark.rows("C40")
async def test_both_close_at_once(autojump_clock: Any, running: Any) -> None:
    io, _ = echo_server()

    @io.on("leave")
    def leave(socket: Any) -> None:
        socket.conn.close()

    async with running(io) as wire:
        client = await join(wire)
        began = trio.current_time()
        both = client_frame(TEXT, b'42["leave"]') + client_frame(CLOSE, b"\x03\xe8")
        assert (await exchange_frames(client, both)).endswith(close_frame(1000))
        await _goes_on_sending(client)
        assert trio.current_time() - began == pytest.approx(0.0, abs=0.2)


@pytest.mark.parametrize("how", ["close", "eof", "in a frame", "in a message"])
async def test_client_hangs_up(autojump_clock: Any, running: Any, how: str) -> None:
    io, reasons = echo_server()
    async with running(io) as wire:
        client = await join(wire)
        if how.startswith("in"):
            frame = client_frame(TEXT, b'42["echo",1]', fin=how == "in a frame")
            await client.send_all(frame[:9] if how == "in a frame" else frame)
        await (client.send_eof() if how == "eof" else client.aclose())
        await wait_all_tasks_blocked()
        assert reasons == ["transport close"]
        assert io.engine.clients_count == 0


@pytest.mark.rows("C20")
@pytest.mark.parametrize(("interval", "timeout"), [(25.0, 20.0), (1.0, 20.0), (0.3, 0.2)])
async def test_heartbeat(autojump_clock: Any, running: Any, interval: float, timeout: float) -> None:
    io, reasons = echo_server(ping_interval=interval, ping_timeout=timeout)
    async with running(io) as wire:
        ws = (await wire.connect()).ws
        for _ in range(3):
            began = trio.current_time()
            assert await ws.receive() == "2"
            assert trio.current_time() - began == pytest.approx(interval, abs=0.1)
            await ws.send("3")
        assert await ws.receive() == "2"
        began = trio.current_time()
        event = await ws.receive()
        assert isinstance(event, CloseConnection)
        assert trio.current_time() - began == pytest.approx(timeout, abs=0.1)
        assert reasons == ["ping timeout"]


@pytest.mark.rows("H1", "C40", "P1")
async def test_end_of_the_server(link: Link, autojump_clock: Any) -> None:
    io, reasons = echo_server()
    async with trio.open_nursery() as nursery:
        async with io:
            wire = Wire(io, nursery, link)
            clients = [await join(wire) for _ in range(3)]
            await io.emit("last words")
        for client in clients:
            received = await read_all(client)
            assert b'42["last words"]' in received
            assert received.endswith(close_frame(1001))
        assert reasons == ["server shutting down"] * 3
