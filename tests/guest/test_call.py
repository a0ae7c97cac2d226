"""``guest.run``: calls from asyncio into Trio."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from typing import Any

import pytest
import trio
from support.guests import in_asyncio, started

from trio_socketio import Server

pytestmark = pytest.mark.rows("K10")


@in_asyncio
async def test_result_and_error_of_the_function_reach_the_caller() -> None:
    async def divide(one: int, other: int) -> float:
        await trio.lowlevel.checkpoint()
        return one / other

    async with Server().guest("127.0.0.1", 0) as guest:
        assert await guest.run(divide, 1, 2) == 0.5
        with pytest.raises(ZeroDivisionError):
            await guest.run(divide, 1, 0)
        with pytest.raises(ExceptionGroup, match="mine"):
            await guest.run(fail, ExceptionGroup("mine", [ValueError()]))


async def fail(error: BaseException) -> None:
    raise error


@in_asyncio
async def test_context_variables_of_the_caller_are_visible() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")

    async def read() -> str:
        return variable.get()

    async with Server().guest("127.0.0.1", 0) as guest:
        variable.set("mine")
        assert await guest.run(read) == "mine"


class Slow:
    """A function of Trio that needs time to end when it is cancelled."""

    def __init__(self, error: Exception | None = None) -> None:
        self.begun = asyncio.get_running_loop().create_future()
        self.ending = asyncio.get_running_loop().create_future()
        self.release = trio.Event()
        self.steps: list[str] = []
        self._error = error

    async def __call__(self) -> str:
        self.begun.set_result(None)
        try:
            await trio.sleep_forever()
        finally:
            self.ending.set_result(None)
            with trio.CancelScope(shield=True):
                await self.release.wait()
            self.steps.append("ended")
            if self._error is not None:
                raise self._error


@in_asyncio
async def test_cancelled_caller_waits_for_the_end_of_the_function() -> None:
    async with Server().guest("127.0.0.1", 0) as guest:
        slow = Slow()
        task = await started(guest.run, slow)
        await slow.begun
        task.cancel()
        await slow.ending
        task.cancel()
        await asyncio.wait([task], timeout=0)
        assert not task.done()
        slow.release.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert slow.steps == ["ended"]


@in_asyncio
async def test_error_of_a_cancelled_function_reaches_the_caller() -> None:
    async with Server().guest("127.0.0.1", 0) as guest:
        slow = Slow(ValueError("mine"))
        task = await started(guest.run, slow)
        await slow.begun
        task.cancel()
        await slow.ending
        slow.release.set()
        with pytest.raises(ValueError, match="mine"):
            await task


@in_asyncio
async def test_cancelled_caller_waits_for_a_limited_time(caplog: pytest.LogCaptureFixture) -> None:
    async with Server(disconnect_timeout=0.05).guest("127.0.0.1", 0) as guest:
        slow = Slow(ValueError("late"))
        task = await started(guest.run, slow)
        await slow.begun
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert "did not end in time" in caplog.records[-1].getMessage()
        slow.release.set()
    assert slow.steps == ["ended"]
    assert "failed after its caller was gone" in caplog.records[-1].getMessage()


@in_asyncio
async def test_asyncio_timeout_ends_the_function() -> None:
    async with Server().guest("127.0.0.1", 0) as guest:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await guest.run(trio.sleep_forever)


@in_asyncio
async def test_call_that_is_cancelled_before_it_begins_does_not_run() -> None:
    ran: list[int] = []

    async def function() -> None:
        await trio.lowlevel.checkpoint()
        ran.append(1)

    async with Server().guest("127.0.0.1", 0) as guest:
        task = await started(guest.run, function)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert ran == []


@in_asyncio
async def test_end_of_the_guest_ends_its_calls() -> None:
    async with Server().guest("127.0.0.1", 0) as guest:
        task = await started(guest.run, trio.sleep_forever)
    with pytest.raises(RuntimeError, match="the guest has ended"):
        await task


@in_asyncio
async def test_calls_are_refused_while_the_guest_ends() -> None:
    async def function() -> None:
        try:
            await trio.sleep_forever()
        finally:
            tasks.append(loop.create_task(guest.run(trio.lowlevel.checkpoint)))

    loop, tasks = asyncio.get_running_loop(), list[asyncio.Task[Any]]()
    async with Server().guest("127.0.0.1", 0) as guest:
        call = await started(guest.run, function)
        await guest.run(trio.testing.wait_all_tasks_blocked)
    for task in (call, *tasks):
        with pytest.raises(RuntimeError, match="the guest has ended"):
            await task
    assert len(tasks) == 1


@in_asyncio
async def test_cancelled_error_in_trio_does_not_cancel_the_caller() -> None:
    async with Server().guest("127.0.0.1", 0) as guest:
        with pytest.raises(RuntimeError, match="fail raised CancelledError in Trio") as caught:
            await guest.run(fail, asyncio.CancelledError())
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_interrupt_in_the_function_reaches_the_program(kind: type[BaseException]) -> None:
    async def program() -> None:
        async with Server().guest("127.0.0.1", 0) as guest:
            await guest.run(fail, kind())

    with pytest.raises(kind):
        asyncio.run(program())


@in_asyncio
async def test_function_that_is_no_async_function_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    async with Server().guest("127.0.0.1", 0) as guest:
        with pytest.raises(TypeError, match="await"):
            await guest.run(lambda: None)  # type: ignore[arg-type, return-value]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
