"""``guest.run_in_asyncio``: calls from Trio into asyncio."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from typing import Any

import pytest
import sniffio
import trio
from support.guests import connected, in_asyncio
from support.handlers import noted_errors

from trio_socketio import GuestTaskCancelled, Server, Socket, SocketIOError
from trio_socketio.guest._job import Job

pytestmark = pytest.mark.rows("K10")


class Slow:
    """A function of asyncio that needs time to end when it is cancelled."""

    def __init__(self, error: Exception | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.begun, self.ending, self.release, self.ended = (loop.create_future() for _ in range(4))
        self._error = error

    async def __call__(self) -> str:
        self.begun.set_result(asyncio.current_task())
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.ending.set_result(None)
            await self.release
            self.ended.set_result(None)
            if self._error is not None:
                raise self._error
        return "never"


@in_asyncio
async def test_handler_awaits_a_library_of_asyncio() -> None:
    io = Server()

    async def query(value: int) -> tuple[int, str]:
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await asyncio.sleep(0)
        return value * 2, sniffio.current_async_library()

    @io.on("ask")
    async def ask(socket: Socket, value: int) -> Any:
        return await guest.run_in_asyncio(query, value)

    async with io.guest("127.0.0.1", 0) as guest, connected(guest) as client:
        assert await guest.run(client.call, "ask", 21) == [42, "asyncio"]


@in_asyncio
async def test_error_of_the_task_reaches_the_handler() -> None:
    async def query() -> None:
        await asyncio.sleep(0)
        raise LookupError("mine")

    async def plain() -> None:
        with pytest.raises(LookupError, match="mine"):
            await guest.run_in_asyncio(query)
        with pytest.raises(TypeError, match="argument"):
            await guest.run_in_asyncio(query, "too many")

    async with Server().guest("127.0.0.1", 0) as guest:
        await guest.run(plain)


@in_asyncio
async def test_context_variables_of_the_handler_are_visible() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")

    async def read() -> str:
        return variable.get()

    async def function() -> str:
        variable.set("mine")
        return await guest.run_in_asyncio(read)

    async with Server().guest("127.0.0.1", 0) as guest:
        assert await guest.run(function) == "mine"


@in_asyncio
async def test_cancelled_handler_cancels_the_task_and_waits_for_its_end() -> None:
    io, slow, order = Server(), Slow(), list[str]()

    @io.on("ask")
    async def ask(socket: Socket) -> None:
        try:
            await guest.run_in_asyncio(slow)
        finally:
            order.append(f"handler, after the task: {slow.ended.done()}")

    @io.on("disconnect")
    async def disconnect(socket: Socket) -> None:
        order.append("disconnect")
        gone.set_result(None)

    gone = asyncio.get_running_loop().create_future()
    async with io.guest("127.0.0.1", 0) as guest, connected(guest) as client:
        await guest.run(client.emit, "ask")
        await slow.begun
        await guest.run(client.ws.stream.aclose)
        await slow.ending
        await guest.run(trio.testing.wait_all_tasks_blocked)
        assert order == []
        slow.release.set_result(None)
        await gone
    assert order == ["handler, after the task: True", "disconnect"]


@in_asyncio
async def test_error_of_a_cancelled_task_is_reported() -> None:
    io, slow = Server(), Slow(ValueError("mine"))
    errors = noted_errors(io)

    @io.on("ask")
    async def ask(socket: Socket) -> None:
        await guest.run_in_asyncio(slow)

    @io.on("disconnect")
    async def disconnect(socket: Socket) -> None:
        gone.set_result(None)

    gone = asyncio.get_running_loop().create_future()
    async with io.guest("127.0.0.1", 0) as guest, connected(guest) as client:
        await guest.run(client.emit, "ask")
        await slow.begun
        slow.release.set_result(None)
        await guest.run(client.ws.stream.aclose)
        await gone
    ((event, error),) = errors
    assert (event, str(error)) == ("ask", "mine")


@in_asyncio
async def test_cancelled_handler_waits_for_a_limited_time(caplog: pytest.LogCaptureFixture) -> None:
    slow = Slow()

    async def function() -> bool:
        with trio.move_on_after(0.01) as scope:
            await guest.run_in_asyncio(slow)
        return scope.cancelled_caught

    async with Server(disconnect_timeout=0.05).guest("127.0.0.1", 0) as guest:
        assert await guest.run(function)
        assert "did not end in time" in caplog.records[-1].getMessage()
        assert not slow.ended.done()
        slow.release.set_result(None)
        await slow.ended
        await asyncio.wait([slow.begun.result()])


@in_asyncio
async def test_cancellation_before_the_task_begins_does_not_run_it() -> None:
    ran: list[int] = []

    async def query() -> None:
        ran.append(1)

    async def function() -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            await guest.run_in_asyncio(query)
        with trio.CancelScope() as scope:
            scope.cancel()
            await Job(asyncio.get_running_loop(), query, ()).wait(trio.CancelScope)

    async with Server().guest("127.0.0.1", 0) as guest:
        await guest.run(function)
        await asyncio.sleep(0)
    assert ran == []


@in_asyncio
async def test_task_that_asyncio_cancels_is_an_error_in_the_handler() -> None:
    io, slow = Server(), Slow()
    errors = noted_errors(io)

    @io.on("ask")
    async def ask(socket: Socket) -> None:
        await guest.run_in_asyncio(slow)

    io.on("echo", lambda socket: "here")
    async with io.guest("127.0.0.1", 0) as guest, connected(guest) as client:
        await guest.run(client.emit, "ask")
        slow.release.set_result(None)
        (await slow.begun).cancel()
        assert await guest.run(client.call, "echo") == ["here"]
    ((event, error),) = errors
    assert event == "ask"
    assert isinstance(error, GuestTaskCancelled)
    assert isinstance(error, SocketIOError)


@in_asyncio
async def test_stop_of_the_guest_cancels_tasks_of_handlers() -> None:
    io, slow = Server(disconnect_timeout=2.0), Slow()

    @io.on("ask")
    async def ask(socket: Socket) -> None:
        await guest.run_in_asyncio(slow)

    async with io.guest("127.0.0.1", 0) as guest:
        async with connected(guest) as client:
            await guest.run(client.emit, "ask")
            await slow.begun
            slow.release.set_result(None)
    assert slow.ended.done()


@in_asyncio
async def test_disconnect_handlers_await_asyncio_too() -> None:
    io, ended = Server(), asyncio.get_running_loop().create_future()

    @io.on("disconnect")
    async def disconnect(socket: Socket, reason: str) -> None:
        await guest.run_in_asyncio(asyncio.sleep, 0)
        ended.set_result(reason)

    async with io.guest("127.0.0.1", 0) as guest:
        async with connected(guest):
            pass
    assert await ended == "transport close"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="asyncio.eager_task_factory is new in Python 3.12")
@in_asyncio
async def test_eager_tasks_run_outside_of_trio() -> None:
    async def query() -> bool:
        return trio.lowlevel.in_trio_task()

    async def function() -> bool:
        return await guest.run_in_asyncio(query)

    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined, unused-ignore]
    async with Server().guest("127.0.0.1", 0) as guest:
        assert await guest.run(function) is False
