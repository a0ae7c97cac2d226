"""Emit from outside Trio tasks: from other threads, and from callbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from trio_socketio.serving import BaseRuntime

__all__ = ["FromThread"]


class Emits(Protocol):
    """An object that emits: a server, a namespace, an operator or a socket."""

    async def emit(self, event: str | float, *args: Any) -> None: ...

    def emit_nowait(self, event: str | float, *args: Any) -> None: ...


class FromThread:
    """Emits from outside Trio tasks: ``io.from_thread``, ``io.to("room").from_thread``, ``socket.from_thread``."""

    __slots__ = ("_emitter", "_runtime")

    def __init__(self, runtime: Callable[[], BaseRuntime], emitter: Emits) -> None:
        self._runtime = runtime
        self._emitter = emitter

    def emit(self, event: str | float, *args: Any) -> None:
        """Send an event from another thread: block that thread until ``await emit`` has returned.

        Args:
            event: the name of the event.
            *args: its arguments. They are encoded in the server's thread, before this returns.

        Raises:
            RuntimeError: the server does not run, or stops meanwhile; or this is the server's own thread.
            SocketIOError: ``emit`` has raised it.
        """
        self._runtime().inlet.run("emit", self._emitter.emit, event, *args)

    def emit_soon(self, event: str | float, *args: Any) -> None:
        """Schedule ``emit_nowait`` and return at once. Any thread may call this, also the server's own.

        Use it in callbacks that run outside Trio tasks: those of a host loop in guest mode, and signal handlers. Events
        are sent in the order of the calls. An error, such as an argument that cannot be encoded, is logged.

        Args:
            event: the name of the event.
            *args: its arguments. They are encoded later. Do not change them before that.

        Raises:
            RuntimeError: the server does not run; or 4,096 events wait to be sent this way.
        """
        self._runtime().inlet.run_soon(self._emitter.emit_nowait, event, *args)
