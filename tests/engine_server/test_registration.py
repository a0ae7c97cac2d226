"""Checks of the middlewares that applications register with an Engine.IO server."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from trio_socketio import EngineServer

pytestmark = pytest.mark.rows("B14")


class Middleware:
    async def __call__(self, request: Any, go_on: Any) -> None: ...


def test_plain_middleware_is_refused() -> None:
    with pytest.raises(TypeError, match="a middleware of the engine must be an async def"):
        EngineServer().use(lambda request, go_on: None)


@pytest.mark.parametrize("count", [1, 3])
def test_middleware_with_another_number_of_arguments_is_refused(count: int) -> None:
    async def one(request: Any) -> None: ...

    async def three(request: Any, go_on: Any, more: Any) -> None: ...

    with pytest.raises(TypeError, match="a middleware of the engine"):
        EngineServer().use(one if count == 1 else three)


def test_async_functions_and_callables_are_middlewares() -> None:
    async def function(request: Any, go_on: Any, more: int = 0) -> None:
        await trio.lowlevel.checkpoint()

    eio = EngineServer()
    for middleware in (function, Middleware()):
        assert eio.use(middleware) is middleware
