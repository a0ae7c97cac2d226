"""Checks the middlewares that applications register with an engine."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from trio_socketio.handlers import require_arguments

__all__ = ["require_engine_middleware"]


def require_engine_middleware(function: Callable[..., Any]) -> None:
    """Refuse a middleware that cannot be called with a request and ``next`` and awaited.

    Raises:
        TypeError: the middleware is not an ``async def``, or cannot be called with these two arguments.
    """
    if not any(inspect.iscoroutinefunction(item) for item in (function, type(function).__call__)):
        raise TypeError(f"a middleware of the engine must be an async def, not {function!r}")
    require_arguments(function, "a middleware of the engine", 2)
