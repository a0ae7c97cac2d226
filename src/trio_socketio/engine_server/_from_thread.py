"""Sending messages from outside of Trio tasks."""

from __future__ import annotations

from typing import Protocol

from trio_socketio.serving import BaseRuntime

__all__ = ["SendFromThread"]


class Sender(Protocol):
    """The socket whose messages are sent."""

    async def send(self, data: str | bytes | bytearray | memoryview) -> None:
        """Send a message, waiting for room in the outbox."""

    def send_nowait(self, data: str | bytes | bytearray | memoryview) -> None:
        """Send a message without waiting."""


class SendFromThread:
    """Sends messages from outside Trio tasks: ``EngineSocket.from_thread``."""

    __slots__ = ("_runtime", "_socket")

    def __init__(self, runtime: BaseRuntime, socket: Sender) -> None:
        self._runtime = runtime
        self._socket = socket

    def send(self, data: str | bytes | bytearray | memoryview) -> None:
        """Block another thread until a message is queued, as ``await send`` does.

        Raises:
            RuntimeError: the server has stopped, or stops meanwhile; or this is its own thread.
            SocketIOError: what ``send`` raises.
        """
        self._runtime.inlet.run("send", self._socket.send, data)

    def send_soon(self, data: str | bytes | bytearray | memoryview) -> None:
        """Send a message soon, as ``send_nowait`` does, and return at once; also on the server's own thread.

        Errors are logged, also that the socket has ended meanwhile.

        Raises:
            RuntimeError: the server has stopped; or 4,096 messages wait to be sent so.
        """
        self._runtime.inlet.run_soon(self._socket.send_nowait, data)
