"""Calling handlers behind the error boundary."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import trio

from trio_socketio.handlers import Handler, contain, invoke, invoke_plain


def handler_of(function: Callable[..., Any]) -> Handler:
    return Handler(function, takes_socket=False)


async def test_plain_and_async_handlers_return_results() -> None:
    async def waits(number: int) -> int:
        await trio.lowlevel.checkpoint()
        return number + 1

    assert await invoke(handler_of(waits), None, [1], pytest.fail) == 2
    assert await invoke(handler_of(lambda number: number + 1), None, [1], pytest.fail) == 2
    assert invoke_plain(handler_of(lambda number: number + 1), None, [1], pytest.fail) == 2


@pytest.mark.parametrize("is_async", [False, True])
async def test_errors_of_the_application_are_contained(is_async: bool) -> None:
    failures: list[Exception] = []

    def fail() -> None:
        raise ExceptionGroup("", [KeyError("key")])

    async def fail_later() -> None:
        fail()

    def failed(error: BaseException) -> None:
        contain(error, failures.append)

    assert await invoke(handler_of(fail_later if is_async else fail), None, [], failed) is None
    assert [type(failure) for failure in failures] == [KeyError]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("grouped", [False, True])
async def test_interrupts_pass_the_boundary(is_async: bool, grouped: bool) -> None:
    def stop() -> None:
        raise BaseExceptionGroup("", [SystemExit(3)]) if grouped else SystemExit(3)

    async def stop_later() -> None:
        stop()

    def failed(error: BaseException) -> None:
        contain(error, lambda failure: pytest.fail(f"reported {failure!r}"))

    with pytest.raises(BaseExceptionGroup if grouped else SystemExit):
        await invoke(handler_of(stop_later if is_async else stop), None, [], failed)


async def test_cancelled_passes_the_boundary() -> None:
    with trio.move_on_after(0) as scope:
        await invoke(handler_of(trio.sleep_forever), None, [], pytest.fail)
    assert scope.cancelled_caught


def test_plain_handler_that_blocks_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def blocks() -> None:
        end = time.perf_counter() + 0.11
        while time.perf_counter() < end:
            pass

    invoke_plain(handler_of(blocks), None, [], pytest.fail)
    assert "blocks blocked the server for 1" in caplog.text
