"""What can never work is refused when it is registered, with what to write instead."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from trio_socketio.server._annotations import excludes, resolve
from trio_socketio.socketio import RESERVED_EVENTS

__all__ = [
    "plain_function",
    "require_engine_middleware",
    "require_event_name",
    "require_function",
    "require_hook",
    "require_middleware",
    "require_socket",
]

#: Names that clients may not give to events, and for which a server has no event of its own.
_NEVER_SENT = RESERVED_EVENTS - {"connect", "disconnect", "disconnecting"}

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def require_event_name(event: object) -> None:
    """Refuse what is no event's name.

    Raises:
        TypeError: it is the handler, because the parentheses of the decorator are missing, or neither text nor number.
        ValueError: it is ``"*"``, which catches every event in other libraries, or a name that no event has here.
    """
    if isinstance(event, str | int | float) and not isinstance(event, bool):
        if event in _NEVER_SENT:
            raise ValueError(
                f"{event!r} is Socket.IO's own name: no client can send it, and no server tells it"
            )
        if event == "*":
            raise ValueError('"*" is no name for all events here: on_any registers a handler for every event')
        return
    if callable(event):
        name = getattr(event, "__name__", "message")
        raise TypeError(f'the name of the event is missing: write .on("{name}") instead of .on')
    raise TypeError(f"the name of an event is a str or a number, not {type(event).__name__}")


def require_function(function: object, what: str = "a handler") -> None:
    """Refuse what cannot be called, or gives a generator when it is.

    Raises:
        TypeError: it is such a thing.
    """
    if not callable(function):
        raise TypeError(f"{what} is a function, not {type(function).__name__}")
    for item in (function, getattr(function, "__call__", None)):  # noqa: B004
        if inspect.isgeneratorfunction(item) or inspect.isasyncgenfunction(item):
            raise TypeError(
                f"{_name(function)} is a generator function, whose body would never run: {what} has no yield. "
                "It sends with socket.emit, and answers with what it returns"
            )


def require_hook(function: Callable[..., Any], what: str, count: int) -> None:
    """Refuse a plain function that is called with so many arguments and cannot be, or whose result nothing awaits.

    Raises:
        TypeError: so it is.
    """
    require_function(function, what)
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"{_name(function)} is never awaited: {what} is a plain function")
    _require_arguments(function, what, count)


def require_engine_middleware(function: Callable[..., Any]) -> None:
    """The same for a middleware of the engine, which is awaited.

    Raises:
        TypeError: it is no ``async def``, or cannot be called with a request and ``next``.
    """
    if not any(inspect.iscoroutinefunction(item) for item in (function, type(function).__call__)):
        raise TypeError(f"a middleware of the engine is an async def, unlike {function!r}")
    _require_arguments(function, "a middleware of the engine", 2)


def _require_arguments(function: Callable[..., Any], what: str, count: int) -> None:
    try:
        signature = inspect.signature(function)
    except ValueError:  # it is written in C and does not say
        return
    try:
        signature.bind(*[None] * count)
    except TypeError as error:
        raise TypeError(
            f"{_name(function)} cannot be called: {what} is given {count} arguments ({error})"
        ) from None


def plain_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function that has the annotations of something callable."""
    function = inspect.unwrap(function)
    if inspect.ismethod(function):
        return function.__func__
    return function if inspect.isfunction(function) else type(function).__call__


def require_socket(function: Callable[..., Any], first: inspect.Parameter, socket_type: type) -> None:
    """Refuse a function whose first parameter is annotated with something else than the socket.

    Raises:
        TypeError: so it is. An annotation that cannot be resolved is let pass.
    """
    try:
        annotation = resolve(plain_function(function), first)
    except Exception:  # it is only read by type checkers
        return
    if excludes(annotation, socket_type):
        kind = getattr(annotation, "__name__", annotation)
        raise TypeError(
            f"the first parameter of {_name(function)} is the socket, but {first.name} is annotated as {kind}: "
            f"write {_name(function)}(socket: {socket_type.__name__}, …)"
        )


def require_middleware(function: Callable[..., Any], socket_type: type) -> None:
    """Refuse a middleware that cannot be called with the socket alone.

    Raises:
        TypeError: so it is.
    """
    require_function(function, "a middleware")
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:  # it is written in C and does not say
        return
    positional = [parameter for parameter in parameters if parameter.kind in _POSITIONAL]
    required = [parameter for parameter in positional if parameter.default is inspect.Parameter.empty]
    if len(required) > 1:
        raise TypeError(
            f"the middleware {_name(function)} has {len(required)} required parameters, but is called with the socket "
            "alone: there is no next() to call. It admits a client by returning, and refuses one by raising "
            "ConnectRefused"
        )
    if not positional and not any(item.kind is inspect.Parameter.VAR_POSITIONAL for item in parameters):
        raise TypeError(f"the middleware {_name(function)} needs a parameter for the socket")
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and parameter.default is inspect.Parameter.empty:
            raise TypeError(
                f"the middleware {_name(function)} is called with the socket alone: {parameter.name} needs a default"
            )
    if positional:
        require_socket(function, positional[0], socket_type)


def _name(function: object) -> str:
    return getattr(function, "__qualname__", repr(function))
