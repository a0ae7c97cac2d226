"""A message that takes long to leave, over streams in memory and over Unix sockets."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.raw import read_until, upgrade
from support.wire import Wire, client_frame

from trio_socketio import EngineServer, EngineSocket

#: More than a narrow connection holds, many times over.
MESSAGE = "x" * 60_000


def _server() -> tuple[EngineServer, list[str]]:
    """A server that sends a large message when it is asked to, and the reasons that sessions end for."""
    eio = EngineServer(allow_eio3=True)
    ended: list[str] = []

    @eio.on("connection")
    def connection(socket: EngineSocket) -> None:
        socket.on("message", lambda _: socket.send_nowait(MESSAGE))
        socket.on("close", lambda reason, _: ended.append(str(reason)))

    return eio, ended


async def _read_slowly(stream: trio.abc.Stream, size: int) -> None:
    """Read until so much of the message has come."""
    received = 0
    while received < size:
        await trio.sleep(15)
        data = await stream.receive_some(4096)
        assert data
        received += data.count(b"x")


async def _open(wire: Wire, revision: int) -> trio.abc.Stream:
    wire.narrow()
    stream = wire.stream()
    await stream.send_all(upgrade(f"/engine.io/?EIO={revision}&transport=websocket"))
    await read_until(stream, b'"maxPayload"' if revision == 4 else b'"pingTimeout"')
    return stream


@pytest.mark.rows("P11")
@pytest.mark.parametrize("revision", [4, 3])
async def test_message_leaves_slowly(autojump_clock: Any, running: Any, revision: int) -> None:
    eio, ended = _server()
    async with running(eio) as wire:
        stream = await _open(wire, revision)
        await stream.send_all(client_frame(1, b"4go"))
        await _read_slowly(stream, len(MESSAGE))
        assert ended == []
        await stream.send_all(client_frame(1, b"3" if revision == 4 else b"2"))
        await trio.sleep(20)
        assert ended == []


@pytest.mark.rows("P11", "E16")
@pytest.mark.parametrize("revision", [4, 3])
async def test_client_that_stops_reading(autojump_clock: Any, running: Any, revision: int) -> None:
    eio, ended = _server()
    async with running(eio) as wire:
        stream = await _open(wire, revision)
        await stream.send_all(client_frame(1, b"4go"))
        await _read_slowly(stream, len(MESSAGE) // 2)
        assert ended == []
        await trio.sleep(45 + 2 * 20)
        assert ended == ["ping timeout"]


@pytest.mark.rows("P11", "B11")
@pytest.mark.parametrize("revision", [4, 3])
async def test_client_that_reads_all_and_does_not_answer_is_disconnected(
    autojump_clock: Any, running: Any, revision: int
) -> None:
    eio, ended = _server()
    async with running(eio) as wire, trio.open_nursery() as nursery:
        stream = await _open(wire, revision)
        await stream.send_all(client_frame(1, b"4go"))
        await _read_slowly(stream, len(MESSAGE))

        async def read() -> None:
            while await stream.receive_some(4096):
                pass

        nursery.start_soon(read)
        await trio.sleep(45 + 2 * 20)
        assert ended == ["ping timeout"]
        nursery.cancel_scope.cancel()
