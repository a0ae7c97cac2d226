"""Load the server of an application, which a worker serves."""

from __future__ import annotations

import importlib
import inspect
from contextvars import ContextVar
from typing import Any

from trio_socketio.server import EngineServer, Server
from trio_socketio.workers._options import split_target

__all__ = ["TargetError", "is_loading", "load"]

_LOADING: ContextVar[bool] = ContextVar("_LOADING", default=False)


class TargetError(Exception):
    """The target names no server. The message is a sentence for the user."""


def is_loading() -> bool:
    """Return whether this is called by a module or a function that ``load`` imports or calls."""
    return _LOADING.get()


def load(target: str) -> Server | EngineServer:
    """Import a module, and return the server in it.

    Args:
        target: the module and the attribute, such as ``"app:io"``. The attribute is a server, or a function that takes
            no arguments and returns one.

    Raises:
        TargetError: there is no such module or attribute, or it is no server.
        Exception: the module or the function has raised it.
    """
    token = _LOADING.set(True)
    try:
        return _load(target)
    finally:
        _LOADING.reset(token)


def _load(target: str) -> Server | EngineServer:
    name, attribute = split_target(target)
    value = _attribute(_module(name), name, attribute)
    if not isinstance(value, Server | EngineServer) and callable(value) and not isinstance(value, type):
        if inspect.iscoroutinefunction(value):
            raise TargetError(f"{target} is an async function; a plain one that returns a server is needed")
        value = value()
    if not isinstance(value, Server | EngineServer):
        raise TargetError(
            f"{target} must be a Server or an EngineServer, or return one, and is {value!r:.100}"
        )
    return value


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name == missing or name.startswith(f"{missing}."):
            raise TargetError(f"there is no module {missing!r}") from None
        raise


def _attribute(module: Any, name: str, attribute: str) -> Any:
    value = module
    for part in attribute.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            raise TargetError(f"the module {name!r} has no {attribute!r}") from None
    return value
