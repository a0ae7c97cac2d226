"""HTTP connections without a task: what is answered at once, and what is left to a task."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio
from support.engine import PATH
from support.http import LIMITS
from support.http_reactor import OPENING, HttpReactorBench, post
from support.raw import request, upgrade
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_socketio._core import Message, Reactor
from trio_socketio.net._taskless import POST_BYTES

pytestmark = pytest.mark.skipif(Reactor is None, reason="needs epoll")


@pytest.fixture
async def net(nursery: trio.Nursery) -> AsyncIterator[HttpReactorBench]:
    net = HttpReactorBench(nursery)
    await wait_all_tasks_blocked()
    yield net
    await net.aclose()


async def test_requests_of_a_session_are_answered_on_one_connection(net: HttpReactorBench) -> None:
    stream = net.connect()
    target = await net.open_session(stream)
    assert (await net.answer(stream, post(target, b"4a\x1e4b"))).endswith(b"\r\n\r\nok")
    (above,) = net.bench.above.values()
    assert above.messages == ["a", "b"]
    assert await net.answer(stream, request(target)) == b""  # the poll waits
    above.session.send(Message("c"))
    assert (await net.answer(stream, b"")).endswith(b"\r\n\r\n4c")
    refused = await net.answer(stream, request(OPENING + "&sid=unknown"))
    assert refused.startswith(b"HTTP/1.1 400 ")
    assert b"keep-alive" in refused
    assert net.done == []
    assert len(net.reactor.connections) == 1


async def test_request_may_arrive_in_pieces(net: HttpReactorBench) -> None:
    stream = net.connect()
    data = request(OPENING)
    for at in range(len(data) - 1):
        await stream.send_all(data[at : at + 1])
        await trio.lowlevel.checkpoint()
    assert (await net.answer(stream, data[-1:])).startswith(b"HTTP/1.1 200 ")


async def test_preflight_is_answered(net: HttpReactorBench) -> None:
    answer = await net.answer(net.connect(), request(OPENING, "Origin: http://a.example", method="OPTIONS"))
    assert answer.startswith(b"HTTP/1.1 ")
    assert net.done == []


@pytest.mark.parametrize(
    "data",
    [
        upgrade(f"{PATH}?EIO=4&transport=websocket", Sec_WebSocket_Version="12"),
        request("/other"),
        request(OPENING, "Upgrade: h2c"),
        request(OPENING, method="PUT"),
        request(OPENING, "Transfer-Encoding: chunked", method="POST", body=b"1\r\n4\r\n0\r\n\r\n"),
        request(OPENING, "Content-Length: 2", method="POST", body=b"4"),
        post(OPENING, b"4" * (POST_BYTES + 1)),
    ],
    ids=[
        "other version of WebSocket",
        "other path",
        "other protocol",
        "other method",
        "chunked",
        "incomplete",
        "large",
    ],
)
async def test_other_requests_are_left_to_a_task(net: HttpReactorBench, data: bytes) -> None:
    stream = net.connect()
    assert await net.answer(stream, data) == b""
    assert net.rest.request is not None
    assert net.rest.request.method == data.split()[0].decode()
    assert net.bench.above == {}


async def test_malformed_request_is_left_to_a_task(net: HttpReactorBench) -> None:
    assert await net.answer(net.connect(), b"GET\n\n") == b""
    assert net.rest.error is not None


async def test_end_after_the_last_response_is_left_to_a_task(net: HttpReactorBench) -> None:
    answer = await net.answer(net.connect(), request(OPENING, "Connection: close"))
    assert b"Connection: close\r\n" in answer
    assert net.rest.is_over


async def test_pipelined_request_is_left_to_a_task(net: HttpReactorBench) -> None:
    answer = await net.answer(net.connect(), request(OPENING) + request(OPENING))
    assert answer.count(b"HTTP/1.1 200 ") == 1
    assert net.rest.begins_next


async def test_rest_of_a_post_is_left_to_a_task_when_its_session_is_paused(net: HttpReactorBench) -> None:
    stream = net.connect()
    target = await net.open_session(stream)
    (above,) = net.bench.above.values()
    session = above.session
    above.text = lambda data, now: session.pause(now)  # type: ignore[method-assign]
    assert await net.answer(stream, post(target, b"4a\x1e4b")) == b""
    assert net.rest.post is not None
    assert list(net.rest.post[1]) == ["4b"]


async def test_client_that_disconnects(net: HttpReactorBench) -> None:
    idle, polling = net.connect(), net.connect()
    target = await net.open_session(polling)
    assert await net.answer(polling, request(target)) == b""
    await idle.aclose()
    await polling.aclose()
    await wait_all_tasks_blocked()
    assert [connection.rest for connection in net.done] == [None, None]
    (above,) = net.bench.above.values()
    assert above.ended[0][1] == "poll connection closed prematurely"


async def test_connections_are_closed_in_time(autojump_clock: MockClock, net: HttpReactorBench) -> None:
    began = trio.current_time()
    silent, slow, idle = net.connect(), net.connect(), net.connect()
    await net.open_session(idle)
    await slow.send_all(b"GET / ")
    for stream, seconds in (
        (silent, LIMITS.header_timeout),
        (slow, LIMITS.header_timeout),
        (idle, LIMITS.keep_alive_timeout),
    ):
        assert await stream.receive_some(1) == b""
        assert trio.current_time() - began == pytest.approx(seconds)
    assert len(net.done) == 3


async def test_poll_waits_longer_than_the_timeouts_and_little_is_read_meanwhile(
    autojump_clock: MockClock, net: HttpReactorBench
) -> None:
    stream = net.connect()
    target = await net.open_session(stream)
    await stream.send_all(request(target) + b"x" * (3 * LIMITS.max_header_bytes))
    await trio.sleep(10 * LIMITS.keep_alive_timeout)
    (connection,) = net.reactor.connections.values()
    (above,) = net.bench.above.values()
    above.session.send(Message("c"))
    assert b"4c" in await net.answer(stream, b"")
    assert len(net.rest.http.trailing_data) < 2 * LIMITS.max_header_bytes
    assert connection.rest is net.rest


async def test_response_that_the_socket_does_not_take_is_written_by_a_task(net: HttpReactorBench) -> None:
    stream = net.connect(narrow=True)
    target = await net.open_session(stream)
    (above,) = net.bench.above.values()
    text = "x" * 300_000
    above.session.send(Message(text))
    await stream.send_all(request(target))
    received = b""
    while not received.endswith(text.encode()):
        received += await stream.receive_some(65536)
    assert (await net.answer(stream, post(target, b"4a"))).endswith(b"ok")
    assert net.done == []
