"""WebSockets of an application, on paths outside of the engine."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from conftest import Running
from support.asgi import without_lifespan
from support.logs import warnings
from support.raw import exchange, read_until, status, upgrade
from support.wire import Rejected, WebSocket, client_frame
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import Server


class WebSocketDisconnect(Exception):
    """Named as the exception of Starlette."""


def application(function: Any) -> Any:
    """Return an application whose WebSockets are accepted, and served by ``function(receive, send)``."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        await function(receive, send)

    return without_lifespan(app)


async def echo(receive: Any, send: Any) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 200_000])
async def test_messages_of_all_sizes_are_echoed(running: Running, size: int) -> None:
    async with running(Server(asgi=application(echo))) as wire:
        ws = await wire.websocket("/ws")
        for message in ("t" * size, b"b" * size):
            await ws.send(message)
            assert await ws.receive() == message
        await ws.close(4000)
        assert await ws.receive() == CloseConnection(code=4000, reason="")


async def test_scope_describes_the_websocket(running: Running) -> None:
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await receive()
        headers = [(b"x-answer", b"1")]
        await send({"type": "websocket.accept", "subprotocol": "b", "headers": headers})
        await echo(receive, send)

    async with running(Server(asgi=without_lifespan(app))) as wire:
        ws = await WebSocket(wire.stream()).open("/a%20b?c", subprotocols=["a", "b"])
        assert ws.accepted.subprotocol == "b"
        assert (b"x-answer", b"1") in ws.accepted.extra_headers
    (scope,) = scopes
    assert (scope["type"], scope["scheme"], scope["path"]) == ("websocket", "ws", "/a b")
    assert scope["query_string"] == b"c"
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.4"}
    assert scope["subprotocols"] == ["a", "b"]
    assert "method" not in scope


async def test_application_refuses_with_a_response_of_its_own(running: Running, caplog: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert "websocket.http.response" in scope["extensions"]
        headers = [(b"x-why", b"no ticket")]
        await send({"type": "websocket.http.response.start", "status": 401, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"log in", "more_body": True})
        await send({"type": "websocket.http.response.body", "body": b" first"})
        assert (await receive())["type"] == "websocket.connect"
        assert (await receive())["type"] == "websocket.disconnect"

    async with running(Server(asgi=without_lifespan(app))) as wire:
        response = await exchange(wire.stream(), upgrade("/ws"))
        await wait_all_tasks_blocked()
    assert status(response) == 401
    assert b"\r\nx-why: no ticket\r\n" in response
    assert b"\r\nConnection: close\r\n" in response
    assert response.endswith(b"6\r\nlog in\r\n6\r\n first\r\n0\r\n\r\n")
    assert not warnings(caplog)


@pytest.mark.parametrize("parts", [0, 1])
async def test_application_that_fails_while_it_refuses(running: Running, caplog: Any, parts: int) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.http.response.start", "status": 401})
        for _ in range(parts):
            await send({"type": "websocket.http.response.body", "body": b"log in", "more_body": True})

    async with running(Server(asgi=without_lifespan(app))) as wire:
        response = await exchange(wire.stream(), upgrade("/ws"))
    assert status(response) == (401 if parts else 500)
    assert not response.endswith(b"0\r\n\r\n")
    assert len(warnings(caplog)) == 1


async def test_refused_websocket_gets_403(running: Running, caplog: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.close"})

    async with running(Server(asgi=without_lifespan(app))) as wire:
        with pytest.raises(Rejected) as caught:
            await wire.websocket("/ws")
    assert caught.value.status == 403
    assert not warnings(caplog)


async def test_bad_handshake_does_not_reach_the_application(running: Running) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    async with running(Server(asgi=without_lifespan(app))) as wire:
        response = await exchange(wire.stream(), upgrade("/ws", Sec_WebSocket_Key="short"))
    assert status(response) == 400


async def test_application_closes(running: Running) -> None:
    ends: list[Any] = []

    async def function(receive: Any, send: Any) -> None:
        await send({"type": "websocket.close", "code": 4001, "reason": "enough"})
        ends.append(await receive())

    async with running(Server(asgi=application(function))) as wire:
        ws = await wire.websocket("/ws")
        assert await ws.receive() == CloseConnection(code=4001, reason="enough")
        await ws.close(4001)
        await wait_all_tasks_blocked()
    assert ends == [{"type": "websocket.disconnect", "code": 4001, "reason": "enough"}]


async def test_return_closes_with_1000(running: Running) -> None:
    async def function(receive: Any, send: Any) -> None:
        pass

    async with running(Server(asgi=application(function))) as wire:
        ws = await wire.websocket("/ws")
        assert await ws.receive() == CloseConnection(code=1000, reason="")


@pytest.mark.stream_only("virtual time")
async def test_close_timeout_ends_a_silent_client(running: Running, autojump_clock: Any) -> None:
    async def function(receive: Any, send: Any) -> None:
        pass

    async with running(Server(asgi=application(function))) as wire:
        ws = await wire.websocket("/ws")
        await ws.receive()
        with trio.fail_after(10):
            assert await ws.stream.receive_some() == b""


async def test_failure_closes_with_1011(running: Running, caplog: Any) -> None:
    async def function(receive: Any, send: Any) -> None:
        raise ValueError("a bug")

    async with running(Server(asgi=application(function))) as wire:
        ws = await wire.websocket("/ws")
        assert await ws.receive() == CloseConnection(code=1011, reason="")
    (line,) = warnings(caplog)
    assert "application.<locals>.app failed in the WebSocket /ws" in line


@pytest.mark.parametrize("error", [None, ValueError("a bug")])
async def test_application_without_an_answer_gives_500(running: Running, caplog: Any, error: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if error is not None:
            raise error

    async with running(Server(asgi=without_lifespan(app))) as wire:
        with pytest.raises(Rejected) as caught:
            await wire.websocket("/ws")
    assert caught.value.status == 500
    assert len(warnings(caplog)) == 1


@pytest.mark.parametrize("kind", ["raises", "sends"])
async def test_disconnect_is_no_error(running: Running, caplog: Any, kind: str) -> None:
    ends: list[Any] = []

    async def function(receive: Any, send: Any) -> None:
        ends.append(await receive())
        if kind == "raises":
            raise WebSocketDisconnect
        with pytest.raises(OSError, match="has disconnected"):
            await send({"type": "websocket.send", "text": "late"})
        ends.append(await receive())
        await send({"type": "websocket.send", "text": "late"})

    async with running(Server(asgi=application(function))) as wire:
        ws = await wire.websocket("/ws")
        await ws.stream.aclose()
        await wait_all_tasks_blocked()
    assert ends[0] == {"type": "websocket.disconnect", "code": 1006, "reason": ""}
    assert not warnings(caplog)


async def test_such_an_exception_before_the_disconnect_is_an_error(running: Running, caplog: Any) -> None:
    async def function(receive: Any, send: Any) -> None:
        raise WebSocketDisconnect

    async with running(Server(asgi=application(function))) as wire:
        ws = await wire.websocket("/ws")
        assert await ws.receive() == CloseConnection(code=1011, reason="")
    assert len(warnings(caplog)) == 1


async def test_close_frame_of_the_client_is_passed_on(running: Running) -> None:
    ends: list[Any] = []

    async def function(receive: Any, send: Any) -> None:
        ends.append(await receive())

    async with running(Server(asgi=application(function))) as wire:
        ws = await wire.websocket("/ws")
        await ws.stream.send_all(client_frame(8, (4005).to_bytes(2, "big") + b"bye"))
        assert (await ws.receive()).code == 4005
        await wait_all_tasks_blocked()
    assert ends == [{"type": "websocket.disconnect", "code": 4005, "reason": "bye"}]


async def test_too_large_message_closes_with_1009(running: Running) -> None:
    ends: list[Any] = []

    async def function(receive: Any, send: Any) -> None:
        ends.append(await receive())

    async with running(Server(asgi=application(function), max_http_buffer_size=1000)) as wire:
        ws = await wire.websocket("/ws")
        await ws.send("a" * 1001)
        assert (await ws.receive()).code == 1009
        await wait_all_tasks_blocked()
    assert ends[0]["code"] == 1009


async def test_client_is_not_read_while_the_application_is_behind(running: Running) -> None:
    go_on, received = trio.Event(), 0

    async def function(receive: Any, send: Any) -> None:
        nonlocal received
        await go_on.wait()
        while (await receive())["type"] == "websocket.receive":
            received += 1

    sent = 0
    async with running(Server(asgi=application(function))) as wire:
        wire.narrow()
        ws = await wire.websocket("/ws")

        async def send() -> None:
            nonlocal sent
            for sent in range(1, 501):  # noqa: B007
                await ws.send("a" * 4000)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            await wait_all_tasks_blocked(0.05)
            assert sent < 200
            go_on.set()
        await wait_all_tasks_blocked(0.05)
    assert received == 500


async def test_send_waits_for_a_slow_client(running: Running) -> None:
    sent = 0

    async def function(receive: Any, send: Any) -> None:
        nonlocal sent
        for sent in range(1, 101):  # noqa: B007
            await send({"type": "websocket.send", "bytes": bytes(50_000)})

    async with running(Server(asgi=application(function))) as wire:
        wire.narrow()
        ws = await wire.websocket("/ws")
        await wait_all_tasks_blocked(0.05)
        assert sent < 100
        for _ in range(100):
            assert len(await ws.receive()) == 50_000


@pytest.mark.stream_only("virtual time")
async def test_ping_is_answered_and_a_silent_client_is_pinged(running: Running, autojump_clock: Any) -> None:
    async with running(Server(asgi=application(echo), ping_interval=10, ping_timeout=5)) as wire:
        ws = await wire.websocket("/ws")
        await ws.send_raw(client_frame(9, b"hi"))
        assert (await ws.receive()).payload == b"hi"
        start = trio.current_time()
        with trio.fail_after(60):
            assert await ws.stream.receive_some() == b"\x89\x00"
            assert trio.current_time() - start == pytest.approx(10)
            assert await ws.stream.receive_some() == b""
        assert trio.current_time() - start == pytest.approx(15)


async def test_stop_closes_with_1012(running: Running) -> None:
    ends: list[Any] = []

    async def function(receive: Any, send: Any) -> None:
        ends.append(await receive())

    io = Server(asgi=application(function))
    async with trio.open_nursery() as nursery:
        async with running(io) as wire:
            ws = await wire.websocket("/ws")

            async def read() -> None:
                ends.append(await ws.receive())

            nursery.start_soon(read)
            await wait_all_tasks_blocked()
            wire.streams.clear()  # else the client disconnects before the stop
    assert CloseConnection(code=1012, reason="the server stops") in ends
    assert {"type": "websocket.disconnect", "code": 1012, "reason": "the server stops"} in ends


async def test_client_that_disconnects_before_the_decision(running: Running, caplog: Any) -> None:
    """Where the connection has a socket, its end is seen while the application decides, else when it sends."""
    decide, raised = trio.Event(), trio.Event()
    has_socket = False

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await decide.wait()
        await receive()
        if has_socket:
            assert (await receive())["type"] == "websocket.disconnect"
        with pytest.raises(OSError, match="disconnected"):
            await send({"type": "websocket.accept"})
        raised.set()

    async with running(Server(asgi=without_lifespan(app))) as wire:
        has_socket = wire.link.driver == "reactor"
        stream = wire.stream()
        await stream.send_all(upgrade("/ws"))
        await wait_all_tasks_blocked()
        await stream.aclose()
        await wait_all_tasks_blocked(0.05)
        decide.set()
        with trio.fail_after(5):
            await raised.wait()
    assert not warnings(caplog)


async def test_message_with_the_handshake_is_received(running: Running) -> None:
    async with running(Server(asgi=application(echo))) as wire:
        stream = wire.stream()
        await stream.send_all(upgrade("/ws") + client_frame(1, b"early"))
        assert (await read_until(stream, b"\x81\x05early")).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize(
    "message",
    [
        {"type": "websocket.accept"},
        {"type": "http.response.start", "status": 200},
        {"type": "websocket.send"},
        {"type": "websocket.close", "code": 70_000},
        {"type": "websocket.http.response.start", "status": 401},
    ],
)
async def test_wrong_message_is_refused(running: Running, caplog: Any, message: Any) -> None:
    async def function(receive: Any, send: Any) -> None:
        await send(message)

    async with running(Server(asgi=application(function))) as wire:
        ws = await wire.websocket("/ws")
        assert await ws.receive() == CloseConnection(code=1011, reason="")
    assert len(warnings(caplog)) == 1
