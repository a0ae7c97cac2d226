"""Calls from outside Trio tasks, made with ``from_thread.emit_soon``."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
import trio
from support.links import MemoryLink, only
from support.outside import PLACES, Place, between_tasks, in_thread
from support.socket_tasks import open_client
from support.wire import Wire
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Outbox, Server, Socket
from trio_socketio._core import Message
from trio_socketio.serving import Inlet
from trio_socketio.serving._inlet import MAX_CALLS

pytestmark = pytest.mark.rows("P30")


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
async def test_events_are_sent_in_the_order_of_the_calls(running: Any, place: Place) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        socket = only(io)
        socket.join("room")
        emitters = [io, io.of("/"), io.to("room"), socket, socket.compress(False)]

        def emit() -> None:
            for number in range(60):
                emitters[number % len(emitters)].from_thread.emit_soon("ev", number)

        await place(emit)
        for number in range(60):
            assert await client.event() == ["ev", number]


async def test_emit_soon_in_a_task_returns_before_it_sends(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        before = only(io)._state.peer.session.link.pushed
        io.from_thread.emit_soon("soon")
        assert only(io)._state.peer.session.link.pushed == before
        assert await client.event() == ["soon"]


async def test_emit_soon_works_in_a_signal_handler(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()
        former = signal.signal(signal.SIGUSR1, lambda *_: io.from_thread.emit_soon("signal"))
        try:
            await wait_all_tasks_blocked()
            await in_thread(lambda: os.kill(os.getpid(), signal.SIGUSR1))  # nothing of Trio runs
            assert await client.event() == ["signal"]
            signal.raise_signal(signal.SIGUSR1)  # in the middle of a task
            assert await client.event() == ["signal"]
        finally:
            signal.signal(signal.SIGUSR1, former)


async def test_errors_are_logged_and_later_events_are_sent(
    running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()
    async with running(io) as net:
        client = await net.connect()

        def emit() -> None:
            io.from_thread.emit_soon("ev", object())
            io.from_thread.emit_soon("connect")
            io.from_thread.emit_soon("good")

        await between_tasks(emit)
        assert await client.event() == ["good"]
    errors = [
        record for record in caplog.records if record.getMessage() == "a call made outside a Trio task failed"
    ]
    assert len(errors) == 2


async def test_too_many_waiting_calls_raise(running: Any) -> None:
    io = Server()
    async with running(io) as net:
        await net.connect()
        nowhere = io.to("nowhere").from_thread
        for number in range(4096):
            nowhere.emit_soon("ev", number)
        with pytest.raises(RuntimeError, match="4096 calls wait"):
            nowhere.emit_soon("ev")
        await wait_all_tasks_blocked()
        io.from_thread.emit_soon("ev")


def test_exit_that_a_listener_raises_in_such_a_call_stops_the_server_in_order() -> None:
    io = Server(outbox=Outbox(max_packets=1))
    reasons: list[str] = []

    def stop(reason: str, description: str) -> None:
        raise SystemExit(3)

    @io.on("connection")
    def connection(socket: Socket) -> None:
        if len(io.sockets) == 1:
            socket.conn.on("close", stop)

    @io.on("disconnect")
    def gone(socket: Socket, reason: str) -> None:
        reasons.append(reason)

    async def main() -> None:
        async with io:
            open_client(io)
            open_client(io)
            first = next(iter(io.sockets.values()))
            first._state.peer.session.link.push(Message("fills the outbox"))
            await between_tasks(lambda: first.from_thread.emit_soon("ev"))
            await trio.sleep_forever()

    with pytest.raises(SystemExit):
        trio.run(main)
    assert sorted(reasons) == ["forced server close", "server shutting down"]


async def test_finalizers_are_called_also_if_too_many_calls_wait() -> None:
    called: list[int] = []
    async with trio.open_nursery() as nursery:
        inlet = Inlet(nursery.start_soon, pytest.fail, logging.getLogger(__name__))
        for number in range(MAX_CALLS):
            inlet.run_soon(called.append, number)
        with pytest.raises(RuntimeError, match="no more may wait"):
            inlet.run_soon(called.append, -1)
        thread = threading.Thread(target=inlet.finalize, args=(called.append, MAX_CALLS))
        thread.start()
        thread.join()  # the server's thread is blocked, so the calls still wait
        await wait_all_tasks_blocked()
        inlet.close()
    assert called == list(range(MAX_CALLS + 1))


async def test_foreign_exceptions_of_calls_reach_the_caller_or_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Such as ``asyncio.CancelledError``, which is no ``Exception``."""

    def fail() -> None:
        raise asyncio.CancelledError

    async def fail_later() -> None:
        await trio.lowlevel.checkpoint()
        fail()

    async with trio.open_nursery() as nursery:
        inlet = Inlet(nursery.start_soon, pytest.fail, logging.getLogger(__name__))
        inlet.run_soon(fail)
        with pytest.raises(asyncio.CancelledError):
            await trio.to_thread.run_sync(inlet.run, "emit", fail_later)
        inlet.close()
    assert [record.getMessage() for record in caplog.records] == ["a call made outside a Trio task failed"]


async def test_calls_that_wait_when_the_server_stops_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with Server() as io:
        io.from_thread.emit_soon("late")
    (record,) = [record for record in caplog.records if record.exc_info]
    assert str(record.exc_info[1]) == "the server has stopped"


def in_guest_mode(main: Callable[[], Any]) -> None:
    """Run Trio as a guest of asyncio."""

    async def host() -> None:
        loop, done = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
        trio.lowlevel.start_guest_run(
            main, run_sync_soon_threadsafe=loop.call_soon_threadsafe, done_callback=done.set_result
        )
        (await done).unwrap()

    asyncio.run(host())


def test_callbacks_of_the_host_in_guest_mode_emit_soon() -> None:
    outcomes: list[str] = []

    async def main() -> None:
        io = Server()
        async with trio.open_nursery() as nursery, io:
            net = Wire(io, nursery, MemoryLink())
            client = await net.connect()
            loop = asyncio.get_running_loop()

            def callback() -> None:
                for emit in (
                    io.emit_nowait,
                    io.from_thread.emit,
                    only(io).emit_nowait,
                    only(io).from_thread.emit,
                ):
                    with pytest.raises(RuntimeError, match=r"from_thread\.emit_soon"):
                        emit("never")
                io.from_thread.emit_soon("soon")
                outcomes.append("called")

            async def in_asyncio() -> None:
                with pytest.raises(RuntimeError, match=r"from_thread\.emit_soon"):
                    await io.emit("never")
                outcomes.append("awaited")

            await wait_all_tasks_blocked()
            loop.call_soon_threadsafe(callback)
            assert await client.event() == ["soon"]
            task = loop.create_task(in_asyncio())
            while not task.done():
                await trio.lowlevel.checkpoint()
            task.result()
            await net.aclose()

    in_guest_mode(main)
    assert outcomes == ["called", "awaited"]
