"""Handlers: registered functions, called with the converted arguments of an event.

Annotations are read once, at registration. msgspec decodes and validates.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from trio_socketio._core import FastCall
from trio_socketio.errors import ArgumentsError
from trio_socketio.handlers._ack import Ack
from trio_socketio.handlers._annotations import resolve, undecodable
from trio_socketio.handlers._registration import plain_function, require_function, require_socket

__all__ = ["EventName", "Handler", "HandlerFunction"]

HandlerFunction = Callable[..., Any]
EventName = str | float

_BINARY = (bytes, bytearray, memoryview)
_MISSING = inspect.Parameter.empty


class _Parameter:
    """One parameter that takes an argument of the event."""

    __slots__ = ("exact", "name", "type")

    def __init__(self, name: str, annotation: Any) -> None:
        self.name = name
        self.type = Any if annotation in (_MISSING, object) else annotation
        #: a value of exactly this type needs no conversion; no value has exactly the type ``object``
        self.exact = annotation if annotation in (str, int, bool, bytes, list, dict) else object
        self._check(annotation)

    def _check(self, annotation: Any) -> None:
        try:
            msgspec.convert(None, self.type, builtin_types=_BINARY)
        except TypeError as error:
            raise TypeError(f"the annotation {annotation!r} of {self.name} cannot be used: {error}") from None
        except (msgspec.ValidationError, NameError):  # names in it may be defined later
            pass
        foreign = undecodable(self.type)
        if foreign is Ack:
            raise TypeError(
                f"the annotation {annotation!r} of {self.name} cannot be used: write {self.name}: Ack"
            )
        if foreign is not None:
            raise TypeError(
                f"the annotation {annotation!r} of {self.name} cannot be used, because msgspec cannot decode to "
                f"{foreign.__name__}. A handler is called with the socket, unless socket.on registers it, and with the "
                "event's arguments. Other parameters must be keyword-only and have defaults"
            )

    def convert(self, value: Any) -> Any:
        if self.type is Any or type(value) is self.exact:
            return value
        if self.exact is bytes:
            raise ArgumentsError(f"argument {self.name}: expected binary, got {type(value).__name__}")
        try:
            return msgspec.convert(value, self.type, builtin_types=_BINARY)
        except msgspec.ValidationError as error:
            raise ArgumentsError(f"argument {self.name}: {error}") from None


class Handler(FastCall):
    """A registered function.

    Args:
        function: ``async def`` or ``def``.
        takes_socket: whether its first parameter is the socket.
        once: whether the handler is removed when it is called.
        socket_type: the class of the socket, if it is known.

    Attributes:
        required: how many arguments, besides the socket, an event needs at least.
        most: how many arguments, besides the socket, the function takes at most.
        spent: whether the handler was registered with ``once`` and was called.
        wants_ack: whether the function has an ``Ack`` parameter.
        is_simple: whether it was registered without ``once`` and has no ``Ack`` parameter.

    Raises:
        TypeError: the function is not callable, is a generator function, or has no parameter for the socket; or an
            annotation cannot be used.
    """

    __slots__ = (
        "_ack_at",
        "_ack_name",
        "_parameters",
        "_rest",
        "is_async",
        "is_simple",
        "most",
        "once",
        "required",
        "spent",
        "takes_socket",
        "wants_ack",
    )

    def __init__(
        self,
        function: HandlerFunction,
        *,
        takes_socket: bool,
        once: bool = False,
        socket_type: type = object,
    ) -> None:
        require_function(function)
        self.function = function
        self.takes_socket = takes_socket
        self.once = once
        self.spent = False
        self.is_async = any(
            inspect.iscoroutinefunction(item)
            for item in (function, inspect.unwrap(function), getattr(function, "__call__", None))  # noqa: B004
        )
        self._ack_at: int | None = None
        self._ack_name = ""
        self._parameters: list[_Parameter] = []
        self.required = 0
        self._rest: _Parameter | None = None
        self._read_signature(inspect.signature(function), socket_type)
        self.is_simple = not once and not self.wants_ack
        self.expect(takes_socket, self._types_as_they_are())

    @property
    def name(self) -> str:
        """The name of the function, for logs and errors."""
        return getattr(self.function, "__qualname__", repr(self.function))

    def _read_signature(self, signature: inspect.Signature, socket_type: type) -> None:
        parameters = list(signature.parameters.values())
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        if self.takes_socket:
            if parameters and parameters[0].kind in positional:
                require_socket(self.function, parameters.pop(0), socket_type)
            elif not parameters or parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL:
                raise TypeError(f"{self.name} needs a first parameter for the socket")
        for parameter in parameters:
            if parameter.kind in positional:
                annotation = resolve(plain_function(self.function), parameter)
                if annotation is Ack:
                    self._ack_at, self._ack_name = len(self._parameters), parameter.name
                    continue
                self._parameters.append(_Parameter(parameter.name, annotation))
                if parameter.default is _MISSING:
                    self.required = len(self._parameters)
            elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                self._rest = _Parameter(parameter.name, resolve(plain_function(self.function), parameter))
            elif parameter.kind is inspect.Parameter.KEYWORD_ONLY and parameter.default is _MISSING:
                raise TypeError(
                    f"{self.name}: events have no keyword arguments, so {parameter.name} needs a default"
                )

        self.wants_ack = self._ack_at is not None
        self.most = len(self._parameters) if self._rest is None else math.inf

    def _types_as_they_are(self) -> tuple[type | None, ...] | None:
        """Return for each parameter the exact type of arguments that need no conversion; None for any type.

        Returns None instead of the tuple if the function has an ``Ack`` parameter.
        """
        if self.wants_ack:
            return None
        return tuple(None if parameter.type is Any else parameter.exact for parameter in self._parameters)

    def require_at_most(self, count: int, event: EventName) -> None:
        """Check that an event with ``count`` arguments has enough of them.

        Raises:
            TypeError: the function needs more arguments.
        """
        if self.required > count:
            raise TypeError(f"{self.name} expects {self._expectation}, but {event!r} has {count}")

    def trim(self, args: Sequence[Any]) -> Sequence[Any]:
        """Drop those arguments of a lifecycle event that the handler has no parameters for."""
        return args if self._rest is not None else args[: len(self._parameters)]

    def call_converted(self, socket: object, args: Sequence[Any], ack: Ack) -> Any:
        """Convert the arguments, and call the function. ``call`` uses this if the arguments may need conversion.

        Raises:
            ArgumentsError: there are too few or too many arguments, or one cannot be converted.
        """
        if not self.required <= len(args) <= self.most:
            raise ArgumentsError(f"expected {self._expectation}, got {len(args)}")
        if self._ack_at is not None:
            return self._call_with_ack(socket, args, ack)
        args = self._convert(args)
        return self.function(socket, *args) if self.takes_socket else self.function(*args)

    @property
    def _expectation(self) -> str:
        """The number of arguments and their names, for error messages."""
        most, names = len(self._parameters), [parameter.name for parameter in self._parameters]
        if self._rest is not None:
            count = f"at least {self.required}"
            names.append(f"*{self._rest.name}")
        else:
            count = f"{self.required}" if self.required == most else f"{self.required} to {most}"
        plural = "" if count in ("1", "at least 1") else "s"
        return f"{count} argument{plural}" + (f" ({', '.join(names)})" if names else "")

    def _convert(self, args: Sequence[Any]) -> list[Any]:
        bound = [parameter.convert(value) for parameter, value in zip(self._parameters, args, strict=False)]
        if self._rest is not None:
            bound.extend(self._rest.convert(value) for value in args[len(bound) :])
        return bound

    def _call_with_ack(self, socket: object, args: Sequence[Any], ack: Ack) -> Any:
        assert self._ack_at is not None
        bound = [socket] if self.takes_socket else []
        bound += self._convert(args)
        at = self._ack_at + self.takes_socket
        if at > len(bound):  # the parameter is after others that have defaults and got no argument
            return self.function(*bound, **{self._ack_name: ack})
        bound.insert(at, ack)
        return self.function(*bound)
