"""Concurrent handlers of a socket start in the order of its events."""

from __future__ import annotations

import contextvars
from typing import Any

import pytest
import trio
from support.peers import open_peer
from support.wire import SioClient, client_frame
from trio.testing import wait_all_tasks_blocked

from trio_socketio import EngineServer, EngineSocket, Server, Socket

COUNT = 20

#: Trio orders tasks that are ready at the same time at random: each time all of them, or none, are reversed.
ROUNDS = 12

NUMBERS = [f"{step} {number}" for number in range(COUNT) for step in ("first", "second")]


class Events:
    """A server whose handlers note when they start, wait, and end when they are told to."""

    def __init__(self) -> None:
        self.io = Server(ordering="concurrent")
        self.log: list[str] = []
        self.done: list[int] = []
        self.go_on = trio.Event()
        self.io.on("async", self._async)
        self.io.on("plain", self._plain)
        self.io.on("nested", self._nested)

    async def _async(self, socket: Socket, number: int, *more: Any) -> None:
        self.log.append(f"first {number}")
        self.log.append(f"second {number}")
        await self.go_on.wait()
        self.done.append(number)

    def _plain(self, socket: Socket, number: int, *more: Any) -> None:
        self.log += [f"first {number}", f"second {number}"]
        self.done.append(number)

    async def _nested(self, socket: Socket, number: int, *more: Any) -> None:
        await self._async(socket, number)

    async def all_started(self) -> None:
        await wait_all_tasks_blocked()
        assert self.log == NUMBERS
        self.log.clear()
        self.go_on.set()
        await wait_all_tasks_blocked()
        assert sorted(self.done) == list(range(COUNT))
        self.done.clear()
        self.go_on = trio.Event()


def event(name: str, number: int) -> bytes:
    return client_frame(1, f'42["{name}",{number}]'.encode())


@pytest.mark.rows("P15")
@pytest.mark.parametrize("names", [["async"], ["async", "plain"], ["nested", "async", "async"]])
async def test_events_of_one_segment_start_in_order(running: Any, names: list[str]) -> None:
    events = Events()
    async with running(events.io) as net:
        for _ in range(ROUNDS):
            client: SioClient = await net.connect()
            for _ in range(2):  # the socket's nursery is opened, and open
                await client.ws.send_raw(b"".join(event(names[n % len(names)], n) for n in range(COUNT)))
                await events.all_started()


@pytest.mark.rows("P15")
async def test_events_of_several_segments_start_in_order(running: Any) -> None:
    events = Events()
    async with running(events.io) as net:
        for _ in range(ROUNDS):
            client: SioClient = await net.connect()
            for number in range(COUNT):
                await client.ws.send_raw(event("async", number))
                if number % 3 == 0:
                    await trio.lowlevel.checkpoint()
            await events.all_started()


@pytest.mark.rows("P15")
async def test_events_of_one_post_with_binary_start_in_order(running: Any) -> None:
    events = Events()
    async with running(events.io) as net:
        for _ in range(ROUNDS):
            client = await (await net.polling()).connect()
            packets = [
                f'42["async",{n}]' if n % 2 else f'451-["async",{n},{{"_placeholder":true,"num":0}}]\x1ebAQ=='
                for n in range(COUNT)
            ]
            assert (await client.post("\x1e".join(packets))).text == "ok"
            await events.all_started()


@pytest.mark.rows("P15")
async def test_events_held_by_the_connection_handler_start_in_order(running: Any) -> None:
    events = Events()
    ready = trio.Event()

    @events.io.on("connection")
    async def connection(socket: Socket) -> None:
        await ready.wait()

    async with running(events.io) as net:
        for _ in range(ROUNDS):
            ready = trio.Event()
            client: SioClient = await net.connect()
            await client.ws.send_raw(b"".join(event("async", n) for n in range(COUNT)))
            await wait_all_tasks_blocked()
            ready.set()
            await events.all_started()


@pytest.mark.rows("P15")
async def test_connection_handlers_start_in_the_order_of_registration(running: Any) -> None:
    io = Server()
    log: list[int] = []
    seen = contextvars.ContextVar("seen", default=-1)

    def add(number: int) -> None:
        @io.on("connection")
        async def connection(socket: Socket) -> None:
            assert seen.get() == -1
            seen.set(number)
            log.append(number)
            await trio.lowlevel.checkpoint()

    for number in range(COUNT):
        add(number)
    async with running(io) as net:
        for _ in range(ROUNDS):
            await net.connect()
            await wait_all_tasks_blocked()
            assert log == list(range(COUNT))
            log.clear()


@pytest.mark.rows("P15")
async def test_connection_handlers_of_an_engine_start_in_the_order_of_registration(running: Any) -> None:
    eio = EngineServer()
    log: list[int] = []

    def add(number: int) -> None:
        @eio.on("connection")
        async def connection(socket: EngineSocket) -> None:
            log.append(number)
            await trio.lowlevel.checkpoint()

    for number in range(COUNT):
        add(number)
    async with running(eio) as net:
        for _ in range(ROUNDS):
            await open_peer(net, "websocket")
            await wait_all_tasks_blocked()
            assert log == list(range(COUNT))
            log.clear()


async def test_plain_function_is_queued_while_a_concurrent_handler_runs(running: Any) -> None:
    io = Server(ordering="concurrent")
    go_on = trio.Event()
    names: list[str] = []

    def note() -> None:
        names.append(trio.lowlevel.current_task().name)

    @io.on("slow")
    async def slow(socket: Socket) -> None:
        note()
        await go_on.wait()

    io.on("plain", lambda socket: note())
    async with running(io) as net:
        client = await net.connect()
        await client.call("plain")
        await client.emit("slow")
        await client.call("plain")
        go_on.set()
    inline, handler, queued = names
    assert inline.startswith(("reactor", "trio_socketio.serving._serving.Serving.serve_stream"))  # who reads
    assert queued == handler  # a task of its own each, in the socket's nursery


@pytest.mark.rows("P15")
async def test_tasks_of_a_nursery_that_opens_start_in_order(running: Any) -> None:
    events = Events()

    @events.io.on("connection")
    def connection(socket: Socket) -> None:
        for number in range(COUNT):
            socket.nursery.start_soon(events._async, socket, number)

    async with running(events.io) as net:
        for _ in range(ROUNDS):
            await net.connect()
            await events.all_started()
