"""Measuring the steps of a coroutine."""

from __future__ import annotations

import time

import pytest
import trio

from trio_socketio.asgi._steps import HELD_SECONDS, measured


async def test_only_long_steps_are_reported() -> None:
    async def app() -> None:
        await trio.lowlevel.checkpoint()
        time.sleep(1.5 * HELD_SECONDS)  # noqa: ASYNC251 - what the test is about
        await trio.lowlevel.checkpoint()

    steps: list[float] = []
    await measured(app(), steps.append)
    (seconds,) = steps
    assert 1.5 * HELD_SECONDS <= seconds < 1.5


async def test_exceptions_pass_in_both_directions() -> None:
    steps: list[float] = []

    async def app() -> None:
        with pytest.raises(trio.Cancelled):
            await trio.lowlevel.checkpoint()
        raise ValueError("a bug")

    with trio.CancelScope() as scope:
        scope.cancel()
        with pytest.raises(ValueError, match="a bug"):
            await measured(app(), steps.append)
    assert not steps


async def test_answers_of_trio_reach_the_coroutine() -> None:
    send, receive = trio.open_memory_channel[int](0)
    received: list[int] = []

    async def app() -> None:
        received.append(await receive.receive())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send.send, 5)
        await measured(app(), lambda seconds: None)
    assert received == [5]
