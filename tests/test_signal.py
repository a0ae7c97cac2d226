"""The one-shot wake-up."""

from __future__ import annotations

import trio
from trio.testing import wait_all_tasks_blocked

from trio_socketio._signal import Signal


async def test_set_wakes_the_task_that_waits() -> None:
    signal, woken = Signal(), 0

    async def wait() -> None:
        nonlocal woken
        await signal.wait()
        woken += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        assert woken == 0
        signal.set()
    assert woken == 1


async def test_set_before_wait_lets_one_wait_return() -> None:
    signal = Signal()
    signal.set()
    signal.set()
    await signal.wait()
    with trio.move_on_after(0) as scope:
        await signal.wait()
    assert scope.cancelled_caught


async def test_cancelled_wait_leaves_the_signal_usable() -> None:
    signal = Signal()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(signal.wait)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    signal.set()
    await signal.wait()
