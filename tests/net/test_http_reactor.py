"""The task that reads all HTTP connections without a task: its end, its errors, and catching up."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
import trio
from support.handlers import burn, counted_turns
from support.http_reactor import OPENING, HttpReactorBench, post
from support.links import SocketLink
from support.raw import POLLING, read_until, request
from support.wire import Wire
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_socketio import Server
from trio_socketio._core import Message, Reactor
from trio_socketio.engineio import EngineRequest, Headers
from trio_socketio.errors import DisconnectReason
from trio_socketio.net._http_reactor import CONNECTIONS_BETWEEN_CHECKPOINTS

#: So many connections wait that new ones come last.
MANY = CONNECTIONS_BETWEEN_CHECKPOINTS + 8

pytestmark = pytest.mark.skipif(Reactor is None, reason="needs epoll")


@pytest.fixture
async def net(nursery: trio.Nursery) -> AsyncIterator[HttpReactorBench]:
    net = HttpReactorBench(nursery)
    await wait_all_tasks_blocked()
    yield net
    await net.aclose()


async def test_stop_closes_what_waits_for_a_request(net: HttpReactorBench) -> None:
    idle, polling = net.connect(), net.connect()
    target = await net.open_session(polling)
    assert await net.answer(polling, request(target)) == b""
    net.reactor.stop()
    assert await idle.receive_some(1) == b""
    assert len(net.reactor.connections) == 1


async def test_end_of_the_reactor_closes_all_connections(net: HttpReactorBench) -> None:
    polling = net.connect()
    target = await net.open_session(polling)
    assert await net.answer(polling, request(target)) == b""
    idles: list[Any] = []
    net.reactor.on_idle = lambda: idles.append(None)
    net.scope.cancel()
    assert await polling.receive_some(1) == b""
    assert [connection.rest for connection in net.done] == [None]
    (above,) = net.bench.above.values()
    assert above.ended[0][1] == "the poll was cancelled"
    assert idles == [None]


async def test_interrupts_at_the_end_of_the_reactor_leave_no_connection_open(net: HttpReactorBench) -> None:
    interrupts: list[BaseException] = []
    net.service.on_interrupt = interrupts.append
    streams = [net.connect(), net.connect()]

    def closed(reason: DisconnectReason, description: str) -> None:
        raise SystemExit(3)

    for stream in streams:
        assert await net.answer(stream, request(await net.open_session(stream))) == b""
    for above in net.bench.above.values():
        above.closed = closed  # type: ignore[method-assign]
    net.scope.cancel()
    for stream in streams:
        assert await stream.receive_some(1) == b""
    assert [str(error) for error in interrupts] == ["3", "3"]
    assert net.reactor.connections == {}


async def test_interrupt_by_a_function_of_the_application_closes_its_connection(
    net: HttpReactorBench,
) -> None:
    interrupts: list[BaseException] = []
    net.service.on_interrupt = interrupts.append
    stream = net.connect()
    target = await net.open_session(stream)
    (above,) = net.bench.above.values()
    error = SystemExit(3)

    def text(data: bytes, now: float) -> None:
        raise error

    above.text = text  # type: ignore[method-assign]
    await net.answer(stream, post(target, b"4a"))
    assert interrupts == [error]
    assert [connection.rest for connection in net.done] == [None]
    assert not above.session.is_open


async def test_interrupt_while_a_response_is_written_closes_its_connection(net: HttpReactorBench) -> None:
    interrupts: list[BaseException] = []
    net.service.on_interrupt = interrupts.append
    stream = net.connect(narrow=True)
    target = await net.open_session(stream)
    (above,) = net.bench.above.values()
    error = BaseExceptionGroup("", [SystemExit(3)])

    def closed(reason: DisconnectReason, description: str) -> None:
        raise error

    above.closed = closed  # type: ignore[method-assign]
    above.session.send(Message("x" * 100_000))
    assert await net.answer(stream, request(target)) != b""
    await stream.aclose()
    await wait_all_tasks_blocked()
    assert interrupts == [error]
    assert [connection.rest for connection in net.done] == [None]
    assert not net.scope.cancelled_caught


async def test_connection_closed_with_the_last_bytes_of_a_response_harms_no_other(
    net: HttpReactorBench, caplog: pytest.LogCaptureFixture
) -> None:
    text = b"x" * 400_000
    stream = net.connect()
    target = await net.open_session(stream)
    (connection,) = net.reactor.connections.values()
    (above,) = net.bench.above.values()
    above.session.send(Message(text.decode()))

    class ClosesAtTheEnd(trio.abc.Instrument):
        received = b""

        def after_task_step(self, task: trio.lowlevel.Task) -> None:
            if task.name == "response":
                self.receive()
                if self.received.endswith(text):
                    connection.cancel()

        def receive(self) -> None:
            with suppress(BlockingIOError):
                self.received += os.read(stream.socket.fileno(), 1_000_000)

    closes = ClosesAtTheEnd()
    trio.lowlevel.add_instrument(closes)
    await stream.send_all(request(target))
    while not net.done:
        closes.receive()
        await trio.lowlevel.checkpoint()
    trio.lowlevel.remove_instrument(closes)
    await wait_all_tasks_blocked()
    assert net.done == [connection]
    await net.open_session(net.connect())
    assert len(net.reactor.connections) == 1
    assert caplog.records == []


async def test_stream_that_its_owner_has_closed_harms_no_other(
    net: HttpReactorBench, caplog: pytest.LogCaptureFixture
) -> None:
    _, closed = net.link.pair()
    theirs, ours = net.link.pair()
    net.reactor.begin(net.http(closed), net.done.append)
    descriptor = closed.socket.fileno()
    closed.socket.close()
    os.dup2(ours.socket.fileno(), descriptor)
    ours.socket.close()
    same = trio.socket.from_stdlib_socket(socket.socket(fileno=descriptor))
    net.reactor.begin(net.http(trio.SocketStream(same)), net.done.append)
    assert len(net.done) == 1
    assert "sid" in await net.open_session(theirs)
    assert caplog.records == []


async def test_everything_that_has_arrived_is_read_before_others_go_on(net: HttpReactorBench) -> None:
    streams = [net.connect() for _ in range(2 * CONNECTIONS_BETWEEN_CHECKPOINTS + 1)]
    for stream in streams:
        os.write(stream.socket.fileno(), request(OPENING))
    assert net.bench.above == {}
    await net.reactor.read_once()
    assert len(net.bench.above) == len(streams)


async def test_what_catching_up_leaves_is_read_later(nursery: trio.Nursery) -> None:
    """Two turns: one leaves a new connection, the other finds three more before it ends."""
    net = HttpReactorBench(nursery)  # its task has not begun to wait for the connections
    streams: list[trio.SocketStream] = []

    def connect(number: int) -> None:
        for _ in range(number):
            streams.append(net.connect())
            os.write(streams[-1].socket.fileno(), request(OPENING))

    def respond(headers: Headers, request: EngineRequest) -> None:
        if len(net.bench.above) == 2:
            connect(3)
        else:
            burn(0.001)

    net.bench.engine.hooks.headers.append(respond)
    connect(2)
    await net.reactor.read_once()
    assert len(net.bench.above) <= 3
    await wait_all_tasks_blocked()
    assert len(net.bench.above) == 5
    await net.aclose()


async def test_other_tasks_run_between_requests_that_take_long(net: HttpReactorBench) -> None:
    net.bench.engine.hooks.initial_headers.append(lambda headers, request: burn(0.001))
    streams = [net.connect() for _ in range(10)]
    async with counted_turns() as turns:
        for stream in streams:
            os.write(stream.socket.fileno(), request(OPENING))
        for stream in streams:
            await stream.receive_some(1)
        assert turns.count >= 10


async def test_requests_on_kept_connections_come_before_those_on_new_ones(net: HttpReactorBench) -> None:
    polling, order = net.connect(), net.slow_requests()
    target = await net.open_session(polling)
    order.clear()
    streams = [net.connect_and_open(number) for number in range(MANY)]
    os.write(polling.socket.fileno(), post(target, b"4a"))
    await streams[0].receive_some(1)
    streams += [net.connect_and_open(number) for number in range(MANY, MANY + 4)]
    for stream in streams[1:]:
        await stream.receive_some(1)
    assert order.index("kept") <= 2
    order.remove("kept")
    assert order == [str(number) for number in range(MANY + 4)]


async def test_order_of_arrival_is_kept_while_few_wait(net: HttpReactorBench) -> None:
    """Clients of version 1.0 send their last two POSTs on two connections."""
    polling, order = net.connect(), net.slow_requests()
    target = await net.open_session(polling)
    order.clear()
    streams = [net.connect_and_open(number) for number in range(8)]
    os.write(polling.socket.fileno(), post(target, b"4a"))
    for stream in (*streams, polling):
        await stream.receive_some(1)
    assert order == [*(str(number) for number in range(8)), "kept"]


async def test_new_connections_are_read_though_kept_ones_have_more_requests_than_a_turn_serves(
    net: HttpReactorBench,
) -> None:
    order = net.slow_requests()

    async def post_all_the_time(stream: trio.SocketStream, target: str) -> None:
        while True:
            await stream.send_all(post(target, b"4a"))
            await stream.receive_some(1000)

    kept = [net.connect() for _ in range(MANY)]
    targets = [await net.open_session(stream) for stream in kept]
    order.clear()
    async with trio.open_nursery() as nursery:
        for stream, target in zip(kept, targets, strict=True):
            nursery.start_soon(post_all_the_time, stream, target)
        while len(order) < 10:
            await trio.lowlevel.checkpoint()
        order.clear()
        for number in range(10):
            net.connect_and_open(number)
        while order.count("kept") < 4 * MANY:
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    order = [name for name in order if name != "kept"]
    assert order == [str(number) for number in range(10)]


async def test_connection_that_ends_while_its_request_waits_for_a_turn(net: HttpReactorBench) -> None:
    net.bench.engine.hooks.initial_headers.append(lambda headers, request: burn(0.001))
    streams = [net.connect() for _ in range(5)]
    for stream in streams:
        os.write(stream.socket.fileno(), request(OPENING))
    while not net.bench.above:
        await trio.lowlevel.checkpoint()
    net.reactor.stop()  # closes those that have answered, and those that wait
    await wait_all_tasks_blocked()
    assert 1 <= len(net.bench.above) <= 2
    assert net.reactor.connections == {}
    for stream in [net.connect() for _ in range(5)]:  # some have the descriptors of those that were closed
        assert "sid" in await net.open_session(stream)


async def test_late_server_answers_requests_that_arrived_in_time(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    refused = request(POLLING + "&sid=unknown")
    link = SocketLink()
    async with Server(keep_alive_timeout=60.0) as io:
        wire = Wire(io, nursery, link)
        streams = [wire.stream() for _ in range(8 * CONNECTIONS_BETWEEN_CHECKPOINTS)]
        for stream in streams:
            await stream.send_all(refused)
            await read_until(stream, b"}")
        for stream in streams:
            assert isinstance(stream, trio.SocketStream)
            os.write(stream.socket.fileno(), refused)
        autojump_clock.jump(61.0)
        for stream in streams:
            assert b"}" in await read_until(stream, b"}")
    link.close()
