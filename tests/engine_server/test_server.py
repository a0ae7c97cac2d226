"""The Engine.IO server: its options, its ways to serve, and its hooks for requests."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from support.descriptors import open_descriptors
from support.peers import Transport, each_transport, echoing, open_peer
from support.wire import SioClient, WebSocket, Wire

from trio_socketio import (
    EngineServer,
    Server,
)

BYTES = bytes(range(256))


@pytest.mark.rows("A12", "C4", "C6")
async def test_client_of_revision_3_exchanges_text_and_binary(running: Any) -> None:
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
async def test_initial_packet_is_sent_before_messages_of_the_connection_handler(
    running: Any, transport: Transport, packet: str | bytes
) -> None:
    eio = EngineServer(initial_packet=packet)
    eio.on("connection", lambda socket: socket.send_nowait("behind"))
    async with running(eio) as net:
        peer = await open_peer(net, transport)
        assert [await peer.receive(), await peer.receive()] == [packet, "behind"]


@pytest.mark.rows("A12", "B7", "B13", "B14")
async def test_hooks_for_requests_are_called(running: Any) -> None:
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


@pytest.mark.rows("A1", "A12")
def test_construction_does_no_io_and_needs_no_loop() -> None:
    before = open_descriptors()
    eio = EngineServer(ping_interval=1.5, transports=["websocket"])
    assert (eio.config.ping_interval, eio.path, eio.config.hold_timeout) == (1.5, "/engine.io/", 45.0)
    assert (eio.clients_count, eio.clients, dict(eio.refused)) == (0, [], {})
    assert open_descriptors() == before


@pytest.mark.rows("A1", "A12")
def test_unknown_option_suggests_the_nearest_name() -> None:
    with pytest.raises(
        TypeError, match="EngineServer has no option 'ping_intervall'; did you mean 'ping_interval'"
    ):
        EngineServer(ping_intervall=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="EngineServer has no option 'ordering'"):
        EngineServer(ordering="serial")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="ping_interval"):
        EngineServer(ping_interval=0)


@pytest.mark.rows("A13")
@pytest.mark.parametrize("kind", [Server, EngineServer])
async def test_options_can_be_read_and_not_changed(kind: Any) -> None:
    io = kind(path="/x/", hold_timeout=3)
    names = ["path", "config", "engine", "serve_client", "connect_timeout"][: 5 if kind is Server else 2]

    def check() -> None:
        assert (io.path, io.config.hold_timeout, io.config.path) == ("/x/", 3, "/x/")
        for name in names:
            value = getattr(io, name)
            with pytest.raises(AttributeError):
                setattr(io, name, value)
            assert getattr(io, name) is value
        for name in ("path", "ping_timeout", "cors"):
            with pytest.raises(AttributeError):
                setattr(io.config, name, getattr(io.config, name))

    check()
    async with io:
        check()
    check()


@pytest.mark.rows("A2", "A4", "A12", "A15", "A17")
async def test_server_serves_tcp_unix_listeners_and_streams(nursery: trio.Nursery, tmp_path: Any) -> None:
    eio = EngineServer()
    eio.on("message", lambda socket, data: socket.send_nowait(data))
    path = str(tmp_path / "socket")
    async with eio, trio.open_nursery() as serving:
        (tcp,) = await serving.start(eio.serve, "127.0.0.1", 0)
        (unix,) = await serving.start(lambda task_status: eio.serve_unix(path, task_status=task_status))
        (other,) = await serving.start(
            eio.serve_listeners, await trio.open_tcp_listeners(0, host="127.0.0.1")
        )
        memory = Wire(eio, nursery)
        streams = [
            await trio.open_tcp_stream("127.0.0.1", tcp.socket.getsockname()[1]),
            await trio.open_unix_socket(path),
            await trio.open_tcp_stream("127.0.0.1", other.socket.getsockname()[1]),
            memory.stream(),
        ]
        for stream in streams:
            ws = await WebSocket(stream).open("/engine.io/?EIO=4&transport=websocket")
            client = await SioClient(ws).start()
            await client.send("hello")
            assert await client.receive() == "hello"
        assert eio.clients_count == len(eio.clients) == 4
        for stream in streams:
            await trio.aclose_forcefully(stream)
        assert unix.socket.family.name == "AF_UNIX"
        serving.cancel_scope.cancel()
    assert not await trio.Path(path).exists()


@pytest.mark.rows("A12")
async def test_second_run_at_a_time_is_refused() -> None:
    eio = EngineServer()
    async with trio.open_nursery() as serving:
        await serving.start(eio.serve, "127.0.0.1", 0)
        with pytest.raises(RuntimeError, match="async with io:"):
            await eio.serve("127.0.0.1", 0)
        serving.cancel_scope.cancel()
    with pytest.raises(RuntimeError, match="is not running"):
        await eio.drain()
    with pytest.raises(RuntimeError, match="is not running"):
        eio.health()
