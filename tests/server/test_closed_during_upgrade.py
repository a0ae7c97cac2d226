"""A session that is closed between the probe and the upgrade packet sends its queue through the WebSocket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
import trustme
from support.links import Link, only
from support.peers import only_one
from support.wire import HttpClient, Polling, WebSocket, Wire
from trio.testing import memory_stream_pair, wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import EngineServer, EngineSocket, Server, Socket

pytestmark = pytest.mark.rows("P1")

#: Three of them are more than a socket takes at once.
LARGE = "x" * 300_000


async def pausing(wire: Wire, polling: Polling) -> WebSocket:
    """A client that has the answer to its probe, and whose last poll is answered."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(polling.get)
        await wait_all_tasks_blocked()
        ws = await polling.upgrade()
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
    return ws


async def rest(ws: WebSocket) -> tuple[list[str | bytes], int]:
    """What comes up to the close frame, and its code."""
    packets: list[str | bytes] = []
    while not isinstance(message := await ws.receive(), CloseConnection):
        assert isinstance(message, str | bytes), message
        packets.append(message)
    await ws.stream.aclose()
    return packets, message.code


async def end(io: Server, socket: Socket, how: str) -> None:
    """End the session of a socket."""
    if how == "disconnect":
        socket.disconnect(close=True)
    elif how == "close":
        socket.conn.close()
    else:
        await io.drain(0.1)


QUEUE: list[str | bytes] = [f'42["large","{LARGE}"]'] * 3 + [
    '451-["b",{"_placeholder":true,"num":0}]',
    b"\x00\x01",
]


def fill(socket: Socket) -> None:
    for _ in range(3):
        socket.emit_nowait("large", LARGE)
    socket.emit_nowait("b", b"\x00\x01")


@pytest.mark.parametrize(
    ("how", "last", "code"), [("disconnect", ["41"], 1000), ("close", [], 1000), ("drain", [], 1001)]
)
async def test_disconnect_is_sent_through_the_websocket(
    running: Any, autojump_clock: Any, how: str, last: list[str], code: int
) -> None:
    io = Server()
    reasons: list[str] = []
    io.on("disconnect", lambda socket, reason: reasons.append(reason))
    async with running(io) as wire:
        polling = await (await wire.polling()).connect()
        ws = await pausing(wire, polling)
        socket = only(io)
        fill(socket)
        with trio.CancelScope() as scope:
            scope.deadline = trio.current_time() + 0.5
            await end(io, socket, how)
        await wait_all_tasks_blocked()
        assert len(reasons) == 1
        began = trio.current_time()
        await ws.send("5")
        assert await rest(ws) == ([*QUEUE, *last], code)
        assert trio.current_time() == began
        await wait_all_tasks_blocked()
        assert io.engine.clients_count == 0
    assert len(reasons) == 1


async def test_stop_is_sent_through_the_websocket(link: Link, autojump_clock: Any) -> None:
    io = Server(disconnect_timeout=3)
    async with trio.open_nursery() as nursery:
        async with io:
            wire = Wire(io, nursery, link)
            polling = await (await wire.polling()).connect()
            ws = await pausing(wire, polling)
            fill(only(io))

            async def complete() -> None:
                await trio.sleep(1)  # the server stops meanwhile
                await ws.send("5")
                assert await rest(ws) == (QUEUE, 1001)

            nursery.start_soon(complete)
            began = trio.current_time()
        assert trio.current_time() - began == pytest.approx(1.0)


async def test_stop_does_not_wait_for_the_upgrade_packet(link: Link, autojump_clock: Any) -> None:
    io = Server(disconnect_timeout=3)
    async with trio.open_nursery() as nursery:
        async with io:
            wire = Wire(io, nursery, link)
            polling = await (await wire.polling()).connect()
            ws = await pausing(wire, polling)
            began = trio.current_time()
        assert trio.current_time() - began == pytest.approx(3.0)
        await ws.stream.aclose()


async def test_session_ends_when_the_upgrade_packet_does_not_come(running: Any, autojump_clock: Any) -> None:
    io = Server(upgrade_timeout=4)
    async with running(io) as wire:
        ws = await pausing(wire, await (await wire.polling()).connect())
        began = trio.current_time()
        only(io).conn.close()
        assert await rest(ws) == ([], 1000)
        assert trio.current_time() - began == pytest.approx(4.0, abs=0.2)
        assert io.engine.clients_count == 0


async def test_end_is_sent_to_a_poll_that_comes_instead_of_the_upgrade_packet(
    running: Any, autojump_clock: Any
) -> None:
    io = Server()
    async with running(io) as wire:
        polling = await (await wire.polling()).connect()
        ws = await pausing(wire, polling)
        only(io).disconnect(close=True)
        assert (await polling.get()).text == "41"
        assert (await polling.get()).text == "1"
        assert await rest(ws) == ([], 1000)
        assert io.engine.clients_count == 0


@pytest.mark.parametrize(
    ("end", "code"), [(lambda eio, socket: socket.close(), 1000), (lambda eio, socket: eio.drain(0), 1001)]
)
async def test_engine_socket_is_closed_through_the_websocket(
    running: Any, autojump_clock: Any, end: Callable[..., Any], code: int
) -> None:
    eio = EngineServer()
    closed: list[str] = []

    @eio.on("connection")
    def connection(socket: EngineSocket) -> None:
        @socket.on("close")
        def close(reason: str) -> None:
            closed.append(reason)

    async with running(eio) as wire:
        ws = await pausing(wire, await wire.polling())
        socket = only_one(eio)
        socket.send_nowait("text")
        socket.send_nowait(b"bytes")
        if (waiting := end(eio, socket)) is not None:
            await waiting
        await ws.send("5")
        assert await rest(ws) == (["4text", b"bytes"], code)
    assert len(closed) == 1


async def test_socket_of_revision_3_is_closed_through_the_websocket(
    running: Any, autojump_clock: Any
) -> None:
    io = Server(allow_eio3=True)
    async with running(io) as wire:
        gets = wire.http()
        target = "/socket.io/?EIO=3&transport=polling"
        opening = (await gets.request("GET", target)).body
        sid = opening.split(b'"sid":"')[1].split(b'"')[0].decode()
        await gets.request("GET", f"{target}&sid={sid}")
        ws = await wire.websocket(f"/socket.io/?EIO=3&transport=websocket&sid={sid}")
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        socket = only(io)
        socket.emit_nowait("b", b"\x00")
        socket.disconnect(close=True)
        await ws.send("5")
        head = '451-["b",{"_placeholder":true,"num":0}]'
        assert await rest(ws) == ([head, b"\x04\x00", "41"], 1000)


async def test_socket_is_closed_over_tls(nursery: trio.Nursery) -> None:
    authority = trustme.CA()
    server, client = ssl_contexts(authority)
    io = Server()

    def stream() -> trio.SSLStream[Any]:
        ours, theirs = memory_stream_pair()
        nursery.start_soon(
            io.serve_stream, trio.SSLStream(theirs, server, server_side=True, https_compatible=True)
        )
        return trio.SSLStream(ours, client, server_hostname="localhost", https_compatible=True)

    async with io:
        gets = HttpClient(stream())
        target = "/socket.io/?EIO=4&transport=polling"
        opening = (await gets.request("GET", target)).body
        sid = opening.split(b'"sid":"')[1].split(b'"')[0].decode()
        await HttpClient(stream()).request("POST", f"{target}&sid={sid}", b"40")
        ws = await WebSocket(stream()).open(f"/socket.io/?EIO=4&transport=websocket&sid={sid}")
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        await gets.request("GET", f"{target}&sid={sid}")
        socket = only(io)
        fill(socket)
        socket.disconnect(close=True)
        await ws.send("5")
        assert await rest(ws) == ([*QUEUE, "41"], 1000)


def ssl_contexts(authority: trustme.CA) -> tuple[Any, Any]:
    """For a server named localhost, and for its clients."""
    import ssl

    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client
