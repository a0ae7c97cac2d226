"""Sends messages from outside of Trio tasks."""

from __future__ import annotations

from typing import Protocol

from trio_socketio.serving import BaseRuntime

__all__ = ["SendFromThread"]


class Sender(Protocol):
    """A socket that sends messages."""

    async def send(self, data: str | bytes | bytearray | memoryview) -> None:
        """Send a message; wait for room in the outbox."""

    def send_nowait(self, data: str | bytes | bytearray | memoryview) -> None:
        """Send a message without waiting."""


class SendFromThread:
    """Sends messages from outside Trio tasks: ``EngineSocket.from_thread``."""

    __slots__ = ("_runtime", "_socket")

    def __init__(self, runtime: BaseRuntime, socket: Sender) -> None:
        self._runtime = runtime
        self._socket = socket

    def send(self, data: str | bytes | bytearray | memoryview) -> None:
        """Queue a message as ``await send`` does, and block the calling thread until then.

        Raises:
            RuntimeError: the server has stopped, or stops meanwhile; or the caller is the server's own thread.
            SocketIOError: an error of ``send``.
        """
        self._runtime.inlet.run("send", self._socket.send, data)

    def send_soon(self, data: str | bytes | bytearray | memoryview) -> None:
        """Schedule ``send_nowait`` for a message, and return at once. Works on the server's own thread, too.

        Errors are logged, also if the socket has ended meanwhile.

        Raises:
            RuntimeError: the server has stopped, or 4,096 scheduled messages wait.
        """
        self._runtime.inlet.run_soon(self._socket.send_nowait, data)
