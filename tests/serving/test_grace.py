"""The grace of disconnect handlers: its length, its shared end in a stop, and its early end."""

from __future__ import annotations

import math
from typing import Any

import pytest
import trio
from support.links import Link, stuck
from support.wire import Wire
from trio.testing import wait_all_tasks_blocked

from trio_socketio import Server, Socket
from trio_socketio.serving._grace import Grace


@pytest.mark.parametrize("how", ["stop", "cancel"])
async def test_all_disconnect_handlers_share_one_grace(link: Link, autojump_clock: Any, how: str) -> None:
    io = Server(disconnect_timeout=5)
    log: list[str] = []

    @io.on("disconnect")
    async def gone(socket: Socket) -> None:
        try:
            await trio.sleep(3)
            log.append("done")
            await trio.sleep_forever()
        except trio.Cancelled:
            log.append("cut")
            raise

    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as scope:
            async with io:
                net = Wire(io, nursery, link)
                for _ in range(3):
                    await net.connect()
                if how == "cancel":
                    scope.cancel()
                start = trio.current_time()
                await trio.lowlevel.checkpoint()
        assert trio.current_time() - start == pytest.approx(5, abs=0.2)
        nursery.cancel_scope.cancel()
    assert log == ["done"] * 3 + ["cut"] * 3


async def test_disconnect_handlers_and_the_last_flush_share_one_grace(
    link: Link, autojump_clock: Any
) -> None:
    io = Server(disconnect_timeout=5)
    log: list[str] = []

    @io.on("disconnect")
    async def gone(socket: Socket) -> None:
        await trio.sleep(4)
        log.append("handled")

    async with trio.open_nursery() as nursery:
        async with io:
            net = Wire(io, nursery, link)
            await stuck(net)
            start = trio.current_time()
        assert trio.current_time() - start == pytest.approx(5, abs=0.1)
        nursery.cancel_scope.cancel()
    assert log == ["handled"]


async def test_each_scope_ends_after_the_timeout_while_the_server_runs(autojump_clock: Any) -> None:
    grace = Grace(5)
    assert grace.deadline == math.inf
    for _ in range(2):
        began = trio.current_time()
        with grace.scope() as scope:
            await trio.sleep_forever()
        assert scope.cancelled_caught
        assert trio.current_time() == began + 5


async def test_all_scopes_of_a_stop_end_at_one_time(autojump_clock: Any) -> None:
    grace = Grace(5)
    began = trio.current_time()
    grace.begin_stop(began)
    await trio.sleep(3)
    grace.begin_stop(trio.current_time())  # a stop that has begun is not prolonged
    with grace.scope():
        await trio.sleep_forever()
    assert trio.current_time() == began + 5


async def test_scope_is_shielded(autojump_clock: Any) -> None:
    grace, done = Grace(5), False
    with trio.CancelScope() as outer:
        outer.cancel()
        with grace.scope():
            await trio.sleep(1)
            done = True
    assert done


async def test_cut_short_ends_running_and_later_scopes_and_counts_them(nursery: trio.Nursery) -> None:
    grace = Grace(5)

    async def handle() -> None:
        with grace.disconnecting():
            await trio.sleep_forever()

    nursery.start_soon(handle)
    await wait_all_tasks_blocked()
    assert not grace.is_cut_short
    grace.cut_short()
    await wait_all_tasks_blocked()
    assert grace.handlers_cut == 1
    await handle()
    assert grace.handlers_cut == 2


async def test_handlers_that_end_in_time_are_not_counted(autojump_clock: Any) -> None:
    grace = Grace(5)
    with grace.disconnecting():
        await trio.sleep(1)
    with grace.disconnecting():
        await trio.sleep_forever()  # takes longer than the timeout, but the stop is not cut short
    grace.cut_short()
    assert grace.handlers_cut == 0
