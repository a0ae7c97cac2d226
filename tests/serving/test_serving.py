"""Serving TLS, Unix sockets, listeners and streams, and ending one of them."""

from __future__ import annotations

import gc
import logging
import socket as socketlib
import ssl
import typing
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from support.descriptors import open_descriptors
from support.links import Link
from support.wire import HttpClient, SioClient, WebSocket, Wire

from trio_socketio import Server, Socket


async def _echo_over(stream: trio.abc.Stream, io: Server) -> Socket:
    ws = await WebSocket(stream).open("/socket.io/?EIO=4&transport=websocket")
    client = await (await SioClient(ws).start()).connect()
    socket = io.sockets[client.sids["/"]]
    assert await client.call("echo", "x") == ["x"]
    return socket


@pytest.mark.rows("A15", "E20")
async def test_serve_with_ssl_context_serves_tls(nursery: trio.Nursery) -> None:
    io = Server()
    io.on("echo", lambda socket, text: text)
    ca = trustme.CA()
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost").configure_cert(server_context)
    client_context = ssl.create_default_context()
    ca.configure_trust(client_context)
    serve = typing.cast(
        "Any",
        lambda task_status: io.serve("127.0.0.1", 0, ssl_context=server_context, task_status=task_status),
    )
    listeners = await nursery.start(serve)
    port = listeners[0].transport_listener.socket.getsockname()[1]
    tcp = await trio.open_tcp_stream("127.0.0.1", port)
    stream = trio.SSLStream(tcp, client_context, server_hostname="localhost", https_compatible=True)
    with trio.fail_after(10):
        socket = await _echo_over(stream, io)
        assert socket.handshake.secure
        await stream.aclose()
    nursery.cancel_scope.cancel()


@pytest.mark.rows("A17")
async def test_serve_unix_serves_a_unix_socket(nursery: trio.Nursery, tmp_path: Path) -> None:
    io = Server()
    io.on("echo", lambda socket, text: text)
    path = tmp_path / "socket"
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as serving:
            await serving.start(io.serve_unix, path)
            assert path.stat().st_mode & 0o777 == 0o600
            async with await trio.open_unix_socket(str(path)) as stream:
                socket = await _echo_over(stream, io)
                assert socket.handshake.address == "unix"
            scope.cancel()
    assert not path.exists()


@pytest.mark.rows("A4")
async def test_serve_stream_and_serve_listeners_inside_one_server(nursery: trio.Nursery) -> None:
    io = Server()
    io.on("echo", lambda socket, text: text)
    async with io:
        first = await nursery.start(io.serve_listeners, await trio.open_tcp_listeners(0, host="127.0.0.1"))
        second = await nursery.start(io.serve, "127.0.0.1", 0)
        streams = [await trio.testing.open_stream_to_socket_listener(both[0]) for both in (first, second)]
        memory, theirs = trio.testing.memory_stream_pair()
        nursery.start_soon(io.serve_stream, theirs)
        for stream in (*streams, memory):
            await _echo_over(stream, io)
        assert len(io.sockets) == 3
        for stream in (*streams, memory):
            await stream.aclose()


async def test_unix_socket_left_by_a_server_that_is_gone_is_replaced(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    path = tmp_path / "socket"
    with socketlib.socket(socketlib.AF_UNIX) as gone:
        gone.bind(str(path))
    async with Server() as io:
        await nursery.start(io.serve_unix, path)
        async with await trio.open_unix_socket(str(path)) as stream:
            assert (await HttpClient(stream).request("GET", "/")).status == 404
        with pytest.raises(OSError, match="in use"):
            await io.serve_unix(path)
        path.unlink()
        path.write_text("somebody else's")
    assert path.read_text() == "somebody else's"


async def test_cancelling_one_serve_inside_closes_only_its_listeners(nursery: trio.Nursery) -> None:
    io = Server()
    io.on("echo", lambda socket, text: text)
    async with io:
        async with trio.open_nursery() as serving:
            listeners = await serving.start(io.serve, "127.0.0.1", 0)
            stream = await trio.testing.open_stream_to_socket_listener(listeners[0])
            socket = await _echo_over(stream, io)
            serving.cancel_scope.cancel()
        assert socket.connected
        with pytest.raises(OSError):
            await trio.testing.open_stream_to_socket_listener(listeners[0])
        await stream.aclose()


async def test_second_serve_outside_names_async_with(nursery: trio.Nursery) -> None:
    io = Server()
    await nursery.start(io.serve, "127.0.0.1", 0)
    with pytest.raises(RuntimeError, match="async with io:"):
        await io.serve("127.0.0.1", 0)
    with pytest.raises(RuntimeError, match="is already running"):
        async with io:
            pass
    nursery.cancel_scope.cancel()


def test_started_and_stopped_again_in_one_process() -> None:
    io = Server()
    io.on("echo", lambda socket, text: text)
    port = 0

    async def once() -> None:
        nonlocal port
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(io.serve, "127.0.0.1", port)
            port = listeners[0].socket.getsockname()[1]
            stream = await trio.testing.open_stream_to_socket_listener(listeners[0])
            await _echo_over(stream, io)
            await stream.aclose()
            nursery.cancel_scope.cancel()

    for _ in range(100):
        trio.run(once)
    gc.collect()
    assert io.sockets == {}


def test_cancelled_server_leaves_no_task_and_no_descriptor() -> None:
    io = Server()
    io.on("echo", lambda socket, text: text)
    descriptors = open_descriptors()

    async def main() -> None:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                listeners = await nursery.start(io.serve, "127.0.0.1", 0)
                streams = [await trio.testing.open_stream_to_socket_listener(listeners[0]) for _ in range(4)]
                await _echo_over(streams[0], io)
                await streams[1].send_all(b"GET /socket.io/?EIO=4&transport=polling HT")
                await HttpClient(streams[2]).request("GET", "/socket.io/?EIO=4&transport=polling")
                await streams[0].aclose()
                scope.cancel()
                for stream in streams:
                    stream.socket.close()
        task = trio.lowlevel.current_root_task()
        assert task is not None
        assert [
            t.name for n in task.child_nurseries for t in n.child_tasks if "trio_socketio" in t.name
        ] == []

    trio.run(main)
    assert open_descriptors() == descriptors


@pytest.mark.rows("A19")
async def test_log_has_two_loggers_and_no_secrets(running: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "trio_socketio")
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        await client.send("2[" + "x" * 1000)
        await client.ws.receive()
        http = net.http()
        await http.request("GET", "/socket.io/?EIO=4&transport=nope")
    assert {record.name for record in caplog.records if record.name.startswith("trio_socketio")} == {
        "trio_socketio.engine",
        "trio_socketio.socket",
    }
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert client.open["sid"] not in text
    assert "x" * 201 not in text


async def test_stop_does_not_wait_for_idle_connections(link: Link, autojump_clock: Any) -> None:
    io = Server()
    async with trio.open_nursery() as nursery:
        async with io:
            net = Wire(io, nursery, link)
            silent, http = net.stream(), net.http()
            await http.request("GET", "/")
            start = trio.current_time()
        assert trio.current_time() - start < 0.1
        assert await silent.receive_some(1) == b""
