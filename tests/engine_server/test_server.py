"""An Engine.IO server by itself: its sockets, their handlers, and what goes wrong with them."""

from __future__ import annotations

import gc
import time
import weakref
from typing import Any

import pytest
import trio
from support.links import Link
from support.peers import Closed, PollingPeer, Transport, each_transport, echoing, only_one, open_peer
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Disconnected, EngineServer, EngineSocket, LocalProtocolError

BYTES = bytes(range(256))


@pytest.mark.rows("A12")
@each_transport
async def test_messages_are_opaque(running: Any, transport: Transport) -> None:
    async with running(echoing()) as net:
        peer = await open_peer(net, transport)
        for message in ("text", "", "你好 🎉", '["json", {}]', "2", b"", b"\x00", BYTES):
            await peer.send(message)
            received = await peer.receive()
            assert (received, type(received)) == (message, type(message))


@pytest.mark.rows("A12", "C37")
@each_transport
async def test_what_a_socket_tells(running: Any, transport: Transport, link: Link) -> None:
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
@each_transport
@pytest.mark.parametrize("is_async", [False, True])
async def test_handlers_of_the_server_and_of_a_socket(
    running: Any, transport: Transport, is_async: bool
) -> None:
    eio = EngineServer()
    log: list[Any] = []

    def noting(what: str) -> Any:
        def note(*args: object) -> None:
            log.append((what, *args))

        async def note_later(*args: object) -> None:
            await trio.lowlevel.checkpoint()
            note(*args)

        return note_later if is_async else note

    @eio.on("connection")
    def connection(socket: EngineSocket) -> None:
        socket.on("message", noting("own"))
        socket.on("close")(noting("own close"))

    eio.on("message", noting("message"))
    eio.on("close", noting("close"))
    async with running(eio) as net:
        peer = await open_peer(net, transport)
        socket = only_one(eio)
        await peer.send("a", b"b")
        await wait_all_tasks_blocked()
        expected: list[Any] = [
            ("message", socket, "a"),
            ("own", "a"),
            ("message", socket, b"b"),
            ("own", b"b"),
        ]
        assert log == expected
        await peer.close()
        await wait_all_tasks_blocked()
        why = ("transport close", "the client sent a close packet")
        assert log[4:] == [("close", socket, *why), ("own close", *why)]


@pytest.mark.rows("A12")
async def test_handlers_that_want_less_than_there_is(running: Any) -> None:
    eio = EngineServer()
    log: list[Any] = []
    eio.on("close", lambda socket: log.append("close"))

    @eio.on("connection")
    def connection(socket: EngineSocket) -> None:
        socket.on("close", log.append)

    async with running(eio) as net:
        peer = await open_peer(net, "websocket")
        await peer.close()
        await wait_all_tasks_blocked()
    assert log == ["close", "transport close"]


@pytest.mark.rows("A12")
async def test_annotations_are_checked_as_those_of_event_handlers(
    running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    eio = EngineServer()
    log: list[str] = []

    @eio.on("message")
    def message(socket: EngineSocket, data: str) -> None:
        log.append(data)

    async with running(eio) as net:
        peer, other = await open_peer(net, "websocket"), await open_peer(net, "websocket")
        await peer.send("text", b"bytes", "never seen")
        with pytest.raises(Closed, match="1011"):
            await peer.receive()
        await other.send("other")
        await wait_all_tasks_blocked()
    assert log == ["text", "other"]
    assert "handler of 'message' failed: the socket is closed" in caplog.text


@pytest.mark.rows("A12")
@each_transport
@pytest.mark.parametrize("where", ["connection", "plain connection", "message", "plain message", "nursery"])
async def test_an_exception_closes_this_socket_alone(
    running: Any, transport: Transport, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    eio = EngineServer()
    ends: list[str] = []

    @eio.on("close")
    def close(socket: EngineSocket, reason: str, description: str) -> None:
        ends.append(f"{reason}: {description}")

    async def fail(*args: object) -> None:
        await trio.lowlevel.checkpoint()
        raise ValueError("mine")

    def fail_at_once(*args: object) -> None:
        raise ValueError("mine")

    @eio.on("message")
    async def message(socket: EngineSocket, data: str) -> None:
        if data != "now":
            await socket.send(data)
        elif where == "nursery":
            socket.nursery.start_soon(fail)
        elif where == "message":
            await fail()
        else:
            fail_at_once()

    async with running(eio) as net:
        other = await open_peer(net, "websocket")
        if where.endswith("connection"):
            eio.on("connection", fail if where == "connection" else fail_at_once)
        if transport == "polling" and where == "plain connection":  # it is over before anything is answered
            answer = await net.http().request("GET", f"{eio.path}?EIO=4&transport=polling")
            assert answer.status == 400
        else:
            peer = await open_peer(net, transport)
            if not where.endswith("connection"):
                await peer.send("now")
            with pytest.raises(Closed):
                await peer.receive()
        await other.send("still here")
        assert await other.receive() == "still here"
        await wait_all_tasks_blocked()
        assert ends == ["forced server close: a handler failed"]
    assert "ValueError: mine" in caplog.text


@pytest.mark.rows("A12")
async def test_an_error_in_a_close_handler_is_logged(running: Any, caplog: pytest.LogCaptureFixture) -> None:
    eio = EngineServer()
    log: list[str] = []

    @eio.on("close")
    async def first(socket: EngineSocket) -> None:
        raise ValueError("first")

    @eio.on("close")
    def second(socket: EngineSocket) -> None:
        raise ValueError("second")

    eio.on("close", lambda socket: log.append("third"))
    async with running(eio) as net:
        await (await open_peer(net, "websocket")).close()
        await wait_all_tasks_blocked()
    assert log == ["third"]
    assert "ValueError: first" in caplog.text and "ValueError: second" in caplog.text


@pytest.mark.rows("A12", "C13")
async def test_it_hears_of_the_upgrade(running: Any, link: Link) -> None:
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


@pytest.mark.rows("A12", "C4", "C6")
async def test_revision_3(running: Any) -> None:
    async with running(echoing(allow_eio3=True)) as net:
        ws = await net.websocket("/engine.io/?EIO=3&transport=websocket")
        first = await ws.receive()
        assert isinstance(first, str) and first[0] == "0"
        await ws.send("4text")
        assert await ws.receive() == "4text"
        await ws.send(b"\x04" + BYTES)
        assert await ws.receive() == b"\x04" + BYTES


@pytest.mark.rows("C34")
@each_transport
@pytest.mark.parametrize("packet", ["hello", b"\x00\x01"])
async def test_the_initial_packet_comes_before_what_the_connection_handler_sends(
    running: Any, transport: Transport, packet: str | bytes
) -> None:
    eio = EngineServer(initial_packet=packet)
    eio.on("connection", lambda socket: socket.send_nowait("behind"))
    async with running(eio) as net:
        peer = await open_peer(net, transport)
        assert [await peer.receive(), await peer.receive()] == [packet, "behind"]


@pytest.mark.rows("A12", "C40")
@pytest.mark.parametrize("last", [[], ["the last", b"word"]])
async def test_a_socket_that_is_closed_at_once(
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
async def test_what_cannot_be_registered() -> None:
    eio = EngineServer()
    with pytest.raises(ValueError, match="events are close, connection, message, connection_error"):
        eio.on("disconnect", lambda socket: None)
    for event, function, count in (
        ("connection", lambda socket, data: None, 0),
        ("message", lambda socket, data, more: None, 1),
        ("close", lambda socket, reason, description, more: None, 2),
    ):
        with pytest.raises(TypeError, match=f"needs more arguments than '{event}' has, which are {count}"):
            eio.on(event, function)
    with pytest.raises(TypeError, match="has no parameter for the message"):
        eio.on("message", lambda socket: None)
    with pytest.raises(TypeError, match="first parameter for the socket"):
        eio.on("message", lambda: None)
    with pytest.raises(TypeError, match="never awaited"):
        eio.on("headers", trio.sleep_forever)


@pytest.mark.rows("A12")
async def test_what_a_socket_cannot_do(running: Any) -> None:
    eio = EngineServer()
    async with running(eio) as net:
        peer = await open_peer(net, "websocket")
        socket = only_one(eio)
        with pytest.raises(
            ValueError, match="events here are 'message', 'close', 'upgrade', 'drain', not 'data'"
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


@pytest.mark.rows("A12")
async def test_a_slow_plain_handler_is_named(running: Any, caplog: pytest.LogCaptureFixture) -> None:
    eio = EngineServer()

    @eio.on("message")
    def block_everybody(socket: EngineSocket, data: str) -> None:
        end = time.perf_counter() + 0.11
        while time.perf_counter() < end:
            pass

    async with running(eio) as net:
        await (await open_peer(net, "websocket")).send("x")
        await wait_all_tasks_blocked()
    assert "block_everybody blocked the server for" in caplog.text


@pytest.mark.rows("A12")
@each_transport
async def test_nothing_is_left_for_the_collector(running: Any, transport: Transport) -> None:
    eio = echoing()

    def tie(socket: EngineSocket) -> weakref.ref[EngineSocket]:
        for event in ("message", "close", "upgrade", "drain"):
            socket.on(event, lambda *_: socket)
        socket.nursery.start_soon(trio.sleep_forever)
        return weakref.ref(socket)

    async with running(eio) as net:
        gc.collect()
        gc.disable()
        try:
            peer = await open_peer(net, transport)
            socket = tie(only_one(eio))
            await wait_all_tasks_blocked()
            await peer.close()
            await wait_all_tasks_blocked()
            assert socket() is None
        finally:
            gc.enable()


@pytest.mark.rows("A12", "B7", "B13", "B14")
async def test_the_hooks_for_requests_are_those_of_the_engine_below_a_server(running: Any) -> None:
    eio = echoing()
    eio.on("initial_headers", lambda headers, request: headers.append(("X-First", "yes")))
    seen: list[str] = []

    @eio.use
    async def middleware(request: Any, go_on: Any) -> None:
        seen.append(request.method)
        await go_on()

    async with running(eio) as net:
        response = await net.http().request("GET", "/engine.io/?EIO=4&transport=polling")
        assert response.headers["x-first"] == "yes"
        assert (await net.http().request("GET", "/engine.io/?EIO=4&transport=flash")).json["code"] == 0
        assert dict(eio.refused) == {"TRANSPORT_UNKNOWN": 1}
        assert eio.clients_count == 1
        assert eio.health().clients_count == 1
    assert seen == ["GET", "GET"]
    assert eio.clients_count == 0
    assert eio.clients == []
