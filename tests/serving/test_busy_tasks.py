"""Draining and stopping wait for the tasks that have work."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import trio
from support.wire import Rejected
from trio.testing import wait_all_tasks_blocked
from wsproto.events import CloseConnection

from trio_socketio import Server, Socket


@pytest.mark.rows("C40")
async def test_drain_refuses_new_clients_waits_for_handlers_and_closes_with_1001(
    running: Any, autojump_clock: Any
) -> None:
    io = Server()
    log: list[str] = []

    @io.on("work")
    async def work(socket: Socket) -> str:
        await trio.sleep(2)
        log.append("worked")
        return "done"

    io.on("disconnect", lambda socket, reason: log.append(reason))
    async with running(io) as net:
        client, idle = await net.connect(), await net.connect()
        polling = await (await net.polling()).connect()
        await client.emit("work", ack=0)
        await client.emit("work", ack=1)
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(io.drain)
            await wait_all_tasks_blocked()
            refused = await net.http().request("GET", "/socket.io/?EIO=4&transport=polling")
            assert (refused.status, refused.headers["retry-after"]) == (503, "1")
            with pytest.raises(Rejected) as info:
                await net.websocket()
            assert info.value.status == 503
            assert await client.receive() == '30["done"]'
            assert await client.receive() == '31["done"]'
        for each in (client, idle):
            end = await each.receive()  # and no DISCONNECT packet before it
            assert isinstance(end, CloseConnection)
            assert end.code == 1001
        assert (await polling.get()).text == "1"
        await wait_all_tasks_blocked()
    assert log == ["worked"] * 2 + ["server shutting down"] * 3


async def test_drain_ends_after_its_timeout(running: Any, autojump_clock: Any) -> None:
    io = Server()

    @io.on("hang")
    async def hang(socket: Socket) -> None:
        await trio.sleep_forever()

    async with running(io) as net:
        client = await net.connect()
        await client.emit("hang")
        await wait_all_tasks_blocked()
        start = trio.current_time()
        await io.drain(timeout=7)
        assert trio.current_time() - start == pytest.approx(7)
        assert isinstance(await client.receive(), CloseConnection)


async def test_stop_waits_for_a_task_that_has_not_run_yet(autojump_clock: Any) -> None:
    done: list[str] = []

    async def work() -> None:
        await trio.sleep(1)
        done.append("work")

    io = Server(disconnect_timeout=5)
    async with io:
        io._require_runtime().spawn(work, name="work")
    assert done == ["work"]


async def test_stop_waits_for_no_paused_task(autojump_clock: Any) -> None:
    io = Server(disconnect_timeout=5)
    async with io:
        runtime = io._require_runtime()

        async def wait_for_work() -> None:
            runtime.pause()
            try:
                await trio.sleep_forever()
            finally:
                runtime.resume()

        runtime.spawn(wait_for_work, name="worker")
        await wait_all_tasks_blocked()
        began = trio.current_time()
    assert trio.current_time() == began


async def test_stop_waits_for_a_task_that_has_resumed(autojump_clock: Any) -> None:
    done: list[str] = []
    go_on = trio.Event()
    io = Server(disconnect_timeout=5)
    async with io:
        runtime = io._require_runtime()

        async def worker() -> None:
            runtime.pause()
            try:
                await go_on.wait()
            finally:
                runtime.resume()
            await trio.sleep(1)
            done.append("work")

        runtime.spawn(worker, name="worker")
        await wait_all_tasks_blocked()
        go_on.set()
        await trio.sleep(0.5)
    assert done == ["work"]


@pytest.mark.parametrize("in_group", [False, True])
async def test_bug_in_a_task_is_logged_and_the_server_runs_on(
    caplog: pytest.LogCaptureFixture, in_group: bool
) -> None:
    async def fail() -> None:
        error = ValueError("a bug")
        raise ExceptionGroup("bugs", [error]) if in_group else error

    io = Server()
    async with io:
        io._require_runtime().spawn(fail, name="bug")
        await wait_all_tasks_blocked()
        assert not io._require_runtime().is_stopping
        (record,) = caplog.records
        assert record.levelno == logging.CRITICAL and record.exc_info
    caplog.clear()  # the log of an internal error fails a test
