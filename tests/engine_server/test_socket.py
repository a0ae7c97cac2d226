"""The socket of an Engine.IO server: its messages, its properties, and what it refuses."""

from __future__ import annotations

import weakref
from typing import Any

import pytest
import trio
from support.leftovers import no_collector
from support.links import Link
from support.peers import Closed, PollingPeer, Transport, each_transport, echoing, only_one, open_peer
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Disconnected, EngineServer, EngineSocket, LocalProtocolError

BYTES = bytes(range(256))


@pytest.mark.rows("A12")
@each_transport
async def test_messages_arrive_unchanged(running: Any, transport: Transport) -> None:
    async with running(echoing()) as net:
        peer = await open_peer(net, transport)
        for message in ("text", "", "你好 🎉", '["json", {}]', "2", b"", b"\x00", BYTES):
            await peer.send(message)
            received = await peer.receive()
            assert (received, type(received)) == (message, type(message))


@pytest.mark.rows("A12", "C37")
@each_transport
async def test_socket_has_the_properties_of_its_session(
    running: Any, transport: Transport, link: Link
) -> None:
    eio = echoing(path="/eio/")
    async with running(eio) as net:
        peer = await open_peer(net, transport)
        socket = only_one(eio)
        sid = peer.polling.sid if isinstance(peer, PollingPeer) else peer.client.open["sid"]
        assert socket.id == sid
        assert socket.transport.name == transport
        assert socket.driver == ("polling" if transport == "polling" else link.driver)
        assert socket.request.path == "/eio/"
        assert socket.request.query["transport"] == transport
        assert (socket.connected, socket.buffered, socket.dropped) == (True, 0, 0)
        assert sid not in repr(socket)
        socket.close()
        assert not socket.connected
        assert (socket.id, socket.request.path) == (sid, "/eio/")
        with pytest.raises(Closed):
            await peer.receive()


@pytest.mark.rows("A12")
async def test_socket_refuses_unknown_events_and_messages_it_cannot_send(running: Any) -> None:
    eio = EngineServer()
    async with running(eio) as net:
        peer = await open_peer(net, "websocket")
        socket = only_one(eio)
        with pytest.raises(
            ValueError, match="event must be one of 'message', 'close', 'upgrade', 'drain', not 'data'"
        ):
            socket.on("data", print)
        with pytest.raises(TypeError, match="never awaited"):
            socket.on("drain", trio.sleep_forever)
        with pytest.raises(TypeError, match="has no parameter for the message"):
            socket.on("message", lambda: None)
        for text in ("a\x1eb", "\ud83d"):
            with pytest.raises(LocalProtocolError):
                await socket.send(text)
            with pytest.raises(LocalProtocolError):
                socket.send_nowait(text)
        with pytest.raises(TypeError):
            socket.send_nowait(5)  # type: ignore[arg-type]
        await peer.close()
        await wait_all_tasks_blocked()
        with pytest.raises(Disconnected, match="transport close"):
            await socket.send("x")
        with pytest.raises(Disconnected):
            socket.send_nowait(b"x")
        with pytest.raises(Disconnected):
            socket.nursery.start_soon(trio.sleep_forever)


@pytest.mark.rows("A12", "C13")
async def test_upgrade_listener_is_called_once(running: Any, link: Link) -> None:
    eio = echoing()
    upgrades: list[str] = []
    async with running(eio) as net:
        polling = await net.polling()
        socket = only_one(eio)
        socket.on("upgrade", lambda: upgrades.append(socket.driver))
        ws = await polling.upgrade()
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        await ws.send("5")
        await ws.send("4hello")
        assert await ws.receive() == "4hello"
        assert upgrades == [link.driver]
        assert socket.transport.name == "websocket"


@pytest.mark.rows("A12", "C40")
@pytest.mark.parametrize("last", [[], ["the last", b"word"]])
async def test_socket_closed_by_its_connection_handler_sends_its_messages_first(
    running: Any, autojump_clock: Any, last: list[str | bytes]
) -> None:
    eio = EngineServer()

    @eio.on("connection")
    def connection(socket: EngineSocket) -> None:
        for message in last:
            socket.send_nowait(message)
        socket.close()

    async with running(eio) as net:
        start = trio.current_time()
        peer = await open_peer(net, "websocket")
        assert [await peer.receive() for _ in last] == last
        with pytest.raises(Closed, match="1000"):
            await peer.receive()
        await peer.aclose()
        await wait_all_tasks_blocked()
        assert not eio._require_runtime()._is_busy
        assert trio.current_time() == start


@pytest.mark.rows("A12")
@each_transport
async def test_closed_socket_is_freed_without_the_collector(running: Any, transport: Transport) -> None:
    eio = echoing()

    def tie(socket: EngineSocket) -> weakref.ref[EngineSocket]:
        for event in ("message", "close", "upgrade", "drain"):
            socket.on(event, lambda *_: socket)
        socket.nursery.start_soon(trio.sleep_forever)
        return weakref.ref(socket)

    async with running(eio) as net:
        with no_collector():
            peer = await open_peer(net, transport)
            socket = tie(only_one(eio))
            await wait_all_tasks_blocked()
            await peer.close()
            await wait_all_tasks_blocked()
            assert socket() is None
