"""Checks of the event names and middlewares that applications register with a Socket.IO server."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from trio_socketio.handlers import (
    function_name,
    require_event_name,
    require_function,
    require_socket,
)
from trio_socketio.socketio import RESERVED_EVENTS

__all__ = ["require_middleware", "require_registrable"]

#: Names that clients may not give to events, and that a server does not use for its own events either.
_NEVER_SENT = RESERVED_EVENTS - {"connect", "disconnect", "disconnecting"}

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def require_registrable(event: object) -> None:
    """Check that an event of Socket.IO can have this name.

    Raises:
        TypeError: see ``require_event_name``.
        ValueError: the name is reserved, or is ``"*"``, which means every event in other libraries.
    """
    require_event_name(event)
    if event in _NEVER_SENT:
        raise ValueError(f"{event!r} is a reserved event name of Socket.IO: a handler for it would never run")
    if event == "*":
        raise ValueError(
            '"*" does not stand for all events: use on_any to register a handler for every event'
        )


def require_middleware(function: Callable[..., Any], socket_type: type) -> None:
    """Check that a middleware of a namespace can be called with the socket alone.

    Raises:
        TypeError: it cannot, or its parameter is annotated with another type than the socket's.
    """
    require_function(function, "a middleware")
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:  # a function in C may have no signature
        return
    positional = [parameter for parameter in parameters if parameter.kind in _POSITIONAL]
    required = [parameter for parameter in positional if parameter.default is inspect.Parameter.empty]
    name = function_name(function)
    if len(required) > 1:
        raise TypeError(
            f"the middleware {name} has {len(required)} required parameters, but is called with the socket "
            "alone and without next(). To accept a client it returns, and to refuse one it raises ConnectRefused"
        )
    if not positional and not any(item.kind is inspect.Parameter.VAR_POSITIONAL for item in parameters):
        raise TypeError(f"the middleware {name} needs a parameter for the socket")
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and parameter.default is inspect.Parameter.empty:
            raise TypeError(
                f"the middleware {name} is called with the socket alone: {parameter.name} needs a default"
            )
    if positional:
        require_socket(function, positional[0], socket_type)
