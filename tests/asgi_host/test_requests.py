"""Polls and POSTs that an ASGI server has received: endings, time limits and compression."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
import trio
from support.asgi_server import Call
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_socketio import HttpCompression, Server, Socket

pytestmark = pytest.mark.rows("K8")

DISCONNECT = {"type": "http.disconnect"}


def request(data: bytes = b"", *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": data, "more_body": more}


def http_scope(method: str, sid: str = "", *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    query = "EIO=4&transport=polling" + (f"&sid={sid}" if sid else "")
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": "/socket.io/",
        "query_string": query.encode(),
        "headers": [(b"host", b"test"), *headers],
        "client": None,
        "scheme": "http",
    }


async def answer(call: Call) -> tuple[int, dict[bytes, bytes], bytes]:
    start, body = await call.sent(), await call.sent()
    assert not body["more_body"]
    return start["status"], dict(start["headers"]), body["body"]


async def open_session(io: Server) -> str:
    call = Call(io.asgi(), http_scope("GET"), request())
    await call.run()
    _, _, body = await answer(call)
    return str(json.loads(body[1:])["sid"])


async def connect(io: Server) -> str:
    """Open a session, join the main namespace, and fetch the answer."""
    sid = await open_session(io)
    post = Call(io.asgi(), http_scope("POST", sid), request(b"4", more=True), request(b"0"))
    await post.run()
    assert (await answer(post))[::2] == (200, b"ok")
    poll = Call(io.asgi(), http_scope("GET", sid), request())
    await poll.run()
    assert (await answer(poll))[2].startswith(b"40{")
    return sid


def ends_of(io: Server) -> list[str]:
    ends: list[str] = []

    @io.on("disconnect")
    def disconnect(socket: Socket, reason: str) -> None:
        ends.append(str(reason))

    return ends


async def test_disconnect_during_a_poll_ends_the_session() -> None:
    io = Server()
    ends = ends_of(io)
    async with io:
        sid = await connect(io)
        await Call(io.asgi(), http_scope("GET", sid), request(), DISCONNECT).run()
        await wait_all_tasks_blocked()
        assert ends == ["transport error"]


async def test_disconnect_during_a_body_ends_the_session() -> None:
    io = Server()
    ends = ends_of(io)
    async with io:
        sid = await connect(io)
        await Call(io.asgi(), http_scope("POST", sid), request(b"42", more=True), DISCONNECT).run()
        await wait_all_tasks_blocked()
        assert ends == ["transport error"]


async def test_body_that_does_not_arrive_is_answered(autojump_clock: MockClock) -> None:
    io = Server(request_timeout=5.0)
    async with io:
        call = Call(io.asgi(), http_scope("POST", await open_session(io)), request(b"42", more=True))
        begin = trio.current_time()
        await call.run()
        status, headers, _ = await answer(call)
        assert (status, headers[b"connection"]) == (408, b"close")
        assert trio.current_time() - begin == pytest.approx(5.0)


async def test_stop_ends_the_wait_for_a_body(nursery: trio.Nursery) -> None:
    io = Server()
    async with io:
        call = Call(io.asgi(), http_scope("POST", await open_session(io)), request(b"42", more=True))
        nursery.start_soon(call.run)
        await wait_all_tasks_blocked()
    assert (await answer(call))[0] == 503


async def test_stop_answers_a_waiting_poll(nursery: trio.Nursery) -> None:
    io = Server()
    async with io:
        call = Call(io.asgi(), http_scope("GET", await connect(io)), request())
        nursery.start_soon(call.run)
        await wait_all_tasks_blocked()
    assert (await answer(call))[::2] == (200, b"1")


async def test_large_answers_are_compressed() -> None:
    io = Server(http_compression=HttpCompression(threshold=100))
    async with io:
        sid = await connect(io)
        await io.emit("news", "x" * 1000)
        call = Call(io.asgi(), http_scope("GET", sid, (b"accept-encoding", b"gzip")), request())
        await call.run()
        _, headers, body = await answer(call)
        assert headers[b"content-encoding"] == b"gzip"
        assert gzip.decompress(body) == b'42["news","' + b"x" * 1000 + b'"]'


async def test_middlewares_see_requests_and_refuse_them() -> None:
    io = Server()

    @io.engine.use
    async def refuse(request: Any, go_on: Any) -> None:
        assert request.path == "/socket.io/"

    async with io:
        call = Call(io.asgi(), http_scope("GET"), request())
        await call.run()
        assert (await answer(call))[0] == 400


async def test_other_methods_are_refused() -> None:
    io = Server()
    async with io:
        call = Call(io.asgi(), http_scope("PUT", await open_session(io)), request())
        await call.run()
        status, headers, _ = await answer(call)
        assert (status, headers[b"allow"]) == (405, b"GET, POST, OPTIONS")
