"""WebSockets of an ASGI server: limits, pauses and endings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from support.asgi_server import SEND_ERRORS, Call, websocket_scope
from support.logs import warnings
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server, Socket

pytestmark = pytest.mark.rows("K8")

DISCONNECT = {"type": "websocket.disconnect", "code": 1005}


def text(data: str) -> dict[str, Any]:
    return {"type": "websocket.receive", "text": data}


@asynccontextmanager
async def connected(io: Server) -> AsyncIterator[Call]:
    """``async with connected(io) as call:`` a client that is in the main namespace."""
    async with io, trio.open_nursery() as nursery:
        call = Call(io.asgi(), websocket_scope(), {"type": "websocket.connect"}, text("40"))
        nursery.start_soon(call.run)
        assert (await call.sent())["type"] == "websocket.accept"
        assert (await call.sent())["text"].startswith("0{")
        assert (await call.sent())["text"].startswith("40{")
        yield call
        call.give(DISCONNECT)


async def test_binary_messages_both_ways() -> None:
    io = Server()

    @io.on("echo")
    def echo(socket: Socket, data: bytes) -> bytes:
        return data

    async with connected(io) as call:
        placeholder = '{"_placeholder":true,"num":0}'
        call.give(text(f'451-1["echo",{placeholder}]'), {"type": "websocket.receive", "bytes": b"\x00\xff"})
        assert (await call.sent())["text"] == f"461-1[{placeholder}]"
        assert (await call.sent())["bytes"] == b"\x00\xff"


@pytest.mark.parametrize("message", ["4" + "x" * 200, "4" + "文" * 40])
async def test_message_that_is_too_large_ends_the_session(message: str) -> None:
    async with connected(Server(max_http_buffer_size=100)) as call:
        call.give(text(message))
        closed = await call.sent()
        assert (closed["type"], closed["code"]) == ("websocket.close", 1009)


async def test_stop_closes_websockets() -> None:
    io = Server()
    call = Call(io.asgi(), websocket_scope(), {"type": "websocket.connect"})
    async with trio.open_nursery() as nursery:
        async with io:
            nursery.start_soon(call.run)
            assert (await call.sent())["type"] == "websocket.accept"
            await call.sent()
        closed = await call.sent()
        assert (closed["type"], closed["code"]) == ("websocket.close", 1001)


async def test_paused_session_takes_a_limited_number_of_messages() -> None:
    io, going_on, done = Server(max_http_buffer_size=1000, inbox_events=2), trio.Event(), list[int]()

    @io.on("slow")
    async def slow(socket: Socket, number: int, padding: str) -> None:
        await going_on.wait()
        done.append(number)

    @io.on("last")
    def last(socket: Socket) -> bool:
        return True

    async with connected(io) as call:
        for number in range(100):
            call.give(text(f'42["slow",{number},"{"x" * 100}"]'))
        call.give(text('421["last"]'))
        await wait_all_tasks_blocked()
        assert call.taken < 40
        going_on.set()
        assert (await call.sent())["text"] == "431[true]"
        assert done == list(range(100))


async def test_disconnect_during_a_pause_ends_the_session() -> None:
    io, ended = Server(inbox_events=2), trio.Event()

    @io.on("slow")
    async def slow(socket: Socket) -> None:
        await trio.sleep_forever()

    @io.on("disconnect")
    def disconnect(socket: Socket) -> None:
        ended.set()

    async with connected(io) as call:
        call.give(*[text('42["slow"]')] * 10, DISCONNECT)
        with trio.fail_after(10):
            await ended.wait()


@pytest.mark.parametrize("error", SEND_ERRORS)
async def test_failed_send_ends_the_session(error: type[Exception], caplog: Any) -> None:
    io, reasons = Server(), list[str]()

    @io.on("disconnect")
    def disconnect(socket: Socket, reason: str) -> None:
        reasons.append(reason)

    async with connected(io) as call:
        call.send_error = error("the client has disconnected")
        await io.emit("news")
        await wait_all_tasks_blocked()
        assert reasons == ["transport close"]
    assert not warnings(caplog)


async def test_handshake_is_described_by_the_scope() -> None:
    io, seen = Server(), list[Any]()

    @io.on("connection")
    def connection(socket: Socket) -> None:
        seen.append((socket.handshake.address, socket.handshake.secure, socket.conn.driver))

    async with connected(io):
        await wait_all_tasks_blocked()
    assert seen == [("192.0.2.1", False, "asgi")]
