"""Emitting from outside of Trio tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from trio_socketio.serving import BaseRuntime

__all__ = ["FromThread"]


class Emits(Protocol):
    """What emits: a server, a namespace, an operator, a socket."""

    async def emit(self, event: str | float, *args: Any) -> None: ...

    def emit_nowait(self, event: str | float, *args: Any) -> None: ...


class FromThread:
    """Emits from outside Trio tasks: ``io.from_thread``, ``io.to("room").from_thread``, ``socket.from_thread``."""

    __slots__ = ("_emitter", "_runtime")

    def __init__(self, runtime: Callable[[], BaseRuntime], emitter: Emits) -> None:
        self._runtime = runtime
        self._emitter = emitter

    def emit(self, event: str | float, *args: Any) -> None:
        """Block another thread until an event is queued, as ``await emit`` does.

        Args:
            event: its name.
            *args: its arguments. They are encoded in the server's thread, before this returns.

        Raises:
            RuntimeError: the server does not run, or stops meanwhile; or this is its own thread.
            SocketIOError: what ``emit`` raises.
        """
        self._runtime().inlet.run("emit", self._emitter.emit, event, *args)

    def emit_soon(self, event: str | float, *args: Any) -> None:
        """Send an event soon, as ``emit_nowait`` does, and return at once; also on the server's own thread.

        For callbacks that no Trio task runs: of a host loop in guest mode, of signals. Events are sent in the order of
        the calls. An error, such as an argument that cannot be encoded, is logged.

        Args:
            event: its name.
            *args: its arguments. They are encoded later, and must not be changed before that.

        Raises:
            RuntimeError: the server does not run; or 4,096 events wait to be sent so.
        """
        self._runtime().inlet.run_soon(self._emitter.emit_nowait, event, *args)
