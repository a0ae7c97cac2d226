"""Checks functions at registration. An error for one that can never be called says what to write instead."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from trio_socketio.handlers._annotations import excludes, resolve

__all__ = [
    "function_name",
    "plain_function",
    "require_arguments",
    "require_event_name",
    "require_function",
    "require_hook",
    "require_socket",
]


def require_event_name(event: object) -> None:
    """Refuse a value that cannot be the name of an event.

    Raises:
        TypeError: the value is a handler, because the parentheses of the decorator are missing, or it is neither a
            string nor a number.
    """
    if isinstance(event, str | int | float) and not isinstance(event, bool):
        return
    if callable(event):
        name = getattr(event, "__name__", "message")
        raise TypeError(f'the name of the event is missing: write .on("{name}") instead of .on')
    raise TypeError(f"the name of an event must be a str or a number, not {type(event).__name__}")


def require_function(function: object, what: str = "a handler") -> None:
    """Refuse a value that cannot be called, or that returns a generator.

    Args:
        function: the value.
        what: its role, such as "a handler", for the error.

    Raises:
        TypeError: the value is not callable, or is a generator function.
    """
    if not callable(function):
        raise TypeError(f"{what} must be a function, not {type(function).__name__}")
    for item in (function, getattr(function, "__call__", None)):  # noqa: B004
        if inspect.isgeneratorfunction(item) or inspect.isasyncgenfunction(item):
            name = function_name(function)
            error = (
                f"{name} is a generator function, whose body would never run: {what} must not contain yield"
            )
            if what == "a handler":
                error += ". It sends with socket.emit, and its return value is the acknowledgement"
            raise TypeError(error)


def require_hook(function: Callable[..., Any], what: str, count: int) -> None:
    """Refuse a function that is not a plain one, or cannot be called with ``count`` arguments.

    Args:
        function: the function.
        what: its role, for the error.
        count: how many arguments it is called with.

    Raises:
        TypeError: it is not callable, is an ``async def`` or a generator function, or takes fewer or more arguments.
    """
    require_function(function, what)
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"{function_name(function)} is never awaited: {what} must be a plain def")
    require_arguments(function, what, count)


def require_arguments(function: Callable[..., Any], what: str, count: int) -> None:
    """Refuse a function that cannot be called with ``count`` arguments. A function without a signature passes.

    Raises:
        TypeError: the function takes fewer or more arguments.
    """
    try:
        signature = inspect.signature(function)
    except ValueError:  # a function in C may have no signature
        return
    try:
        signature.bind(*[None] * count)
    except TypeError as error:
        raise TypeError(
            f"{function_name(function)} cannot be called: {what} is given {count} arguments ({error})"
        ) from None


def plain_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function whose annotations belong to a callable: a method, a wrapper, a partial or an object."""
    function = inspect.unwrap(function)
    while isinstance(function, partial):
        function = inspect.unwrap(function.func)
    if inspect.ismethod(function):
        return function.__func__
    return function if inspect.isfunction(function) else type(function).__call__


def require_socket(function: Callable[..., Any], first: inspect.Parameter, socket_type: type) -> None:
    """Refuse a function whose first parameter is annotated with another type than the socket's.

    Raises:
        TypeError: the annotation is another type. An annotation that cannot be resolved passes.
    """
    try:
        annotation = resolve(plain_function(function), first)
    except Exception:  # the annotation may be for type checkers only
        return
    if excludes(annotation, socket_type):
        name = function_name(function)
        kind = annotation.__name__ if inspect.isclass(annotation) else annotation
        raise TypeError(
            f"the first parameter of {name} is the socket, but {first.name} is annotated as {kind}: "
            f"write {name}(socket: {socket_type.__name__}, …)"
        )


def function_name(function: object) -> str:
    """Return the name of a function for logs and errors."""
    return getattr(function, "__qualname__", repr(function))
