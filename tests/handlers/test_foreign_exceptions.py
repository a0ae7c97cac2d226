"""Handlers that raise an exception of another library that is no ``Exception``: they fail alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import trio
from support.handlers import noted_errors
from support.logs import warnings
from support.peers import Closed, open_peer

from trio_socketio import EngineServer, EngineSocket, Server, Socket

pytestmark = pytest.mark.rows("K10")


class Foreign(BaseException):
    """An exception such as ``asyncio.CancelledError`` or those of greenlets."""


KINDS = pytest.mark.parametrize("kind", [asyncio.CancelledError, Foreign])


async def in_a_nursery(error: BaseException) -> None:
    """Raise an exception in two tasks, so that it comes in a group."""

    async def fail() -> None:
        raise error

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fail)
        nursery.start_soon(fail)


@KINDS
@pytest.mark.parametrize("how", ["async", "plain", "any", "two", "group", "concurrent"])
async def test_foreign_exception_of_a_handler_is_answered_and_reported(
    running: Any, kind: type[BaseException], how: str
) -> None:
    io = Server(ordering="concurrent" if how == "concurrent" else "serial")
    errors = noted_errors(io)

    async def asynchronous(socket: Socket) -> None:
        raise kind

    def plain(socket: Socket) -> None:
        raise kind

    async def group(socket: Socket) -> None:
        await in_a_nursery(kind())

    io.on("ev", {"plain": plain, "two": plain, "group": group}.get(how, asynchronous))
    if how == "two":
        io.on("ev", asynchronous)
    elif how == "any":
        io.on_any(lambda socket, event: None)
    async with running(io) as net:
        other, client = await net.connect(), await net.connect()
        assert await client.call("ev") == [{"error": "Internal server error"}]
        assert await other.call("ev") == [{"error": "Internal server error"}]
    assert {event for event, _ in errors} == {"ev"}
    for _, error in errors:
        cause = error.__cause__
        while isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        assert isinstance(error, RuntimeError)
        assert isinstance(cause, kind)


@KINDS
@pytest.mark.parametrize("where", ["connection", "nursery", "disconnect", "middleware"])
async def test_foreign_exception_ends_one_client_only(
    running: Any, kind: type[BaseException], where: str
) -> None:
    io = Server()
    errors = noted_errors(io)

    async def fail(socket: Socket) -> None:
        if socket.handshake.auth == {"fails": True}:
            raise kind

    async def start(socket: Socket) -> None:
        socket.nursery.start_soon(fail, socket)

    io.on("echo", lambda socket: "here")
    if where == "middleware":
        io.use(fail)
    else:
        io.on("connection" if where == "nursery" else where, start if where == "nursery" else fail)
    async with running(io) as net:
        other, client = await net.connect(), await net.session()
        await client.send('0{"fails":true}')
        if where == "middleware":
            assert await client.receive() == '4{"message":"Internal server error"}'
        else:
            assert str(await client.receive()).startswith("0")
            if where == "disconnect":
                await client.send("1")
            else:
                assert await client.receive() == "1"
        assert await other.call("echo") == ["here"]
    ((_, error),) = errors
    assert isinstance(error.__cause__, kind)


@KINDS
@pytest.mark.parametrize("event", ["connection", "message", "nursery"])
async def test_foreign_exception_closes_one_engine_socket_only(
    running: Any, caplog: pytest.LogCaptureFixture, kind: type[BaseException], event: str
) -> None:
    eio = EngineServer(path="/socket.io/")

    async def fail() -> None:
        raise kind

    @eio.on("connection")
    async def connection(socket: EngineSocket) -> None:
        if event == "connection" and len(eio.clients) > 1:
            raise kind

    @eio.on("message")
    async def message(socket: EngineSocket, data: str) -> None:
        if event == "nursery" and data == "fail":
            socket.nursery.start_soon(fail)
        elif data == "fail":
            raise kind
        else:
            await socket.send(data)

    async with running(eio) as net:
        other = await open_peer(net, "websocket")
        client = await open_peer(net, "websocket")
        if event != "connection":
            await client.send("fail")
        with pytest.raises(Closed):
            await client.receive()
        await other.send("here")
        assert await other.receive() == "here"
    assert len(warnings(caplog)) == 1


@KINDS
@pytest.mark.parametrize("hook", ["use", "allow_request", "generate_id", "cors"])
async def test_foreign_exception_of_a_hook_refuses_one_request(
    running: Any, kind: type[BaseException], hook: str
) -> None:
    async def fail(*args: Any) -> Any:
        raise kind

    io = Server(**({} if hook == "use" else {hook: fail}))
    if hook == "use":
        io.engine.use(fail)
    async with running(io) as net:
        http = net.http()
        for _ in range(2):
            headers = {"Origin": "http://example.com"}
            answer = await http.request("GET", "/socket.io/?EIO=4&transport=polling", headers=headers)
            assert answer.status in {400, 403, 500}


@KINDS
@pytest.mark.parametrize("hook", ["headers", "initial_headers", "connection_error"])
async def test_foreign_exception_of_a_plain_hook_is_logged(
    running: Any, caplog: pytest.LogCaptureFixture, kind: type[BaseException], hook: str
) -> None:
    def fail(*args: Any) -> Any:
        raise kind

    io = Server()
    io.engine.on(hook, fail)
    async with running(io) as net:
        http = net.http()
        for method in ("GET", "PUT"):  # the second is refused
            await http.request(method, "/socket.io/?EIO=4&transport=polling")
    assert warnings(caplog)


@KINDS
async def test_foreign_exception_in_a_group_does_not_hide_cancellation(
    running: Any, kind: type[BaseException]
) -> None:
    io = Server()
    errors = noted_errors(io)
    begun = trio.Event()

    async def fail_when_cancelled() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise kind

    @io.on("ev")
    async def ev(socket: Socket) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(fail_when_cancelled)
            begun.set()

    async with running(io) as net:
        client = await net.connect()
        await client.emit("ev")
        await begun.wait()
        await trio.testing.wait_all_tasks_blocked()
        await client.ws.stream.aclose()
    ((event, error),) = errors
    assert event == "ev"
    assert isinstance(error.__cause__, kind)
