"""Exceptions of applications that only say that the client has disconnected."""

from __future__ import annotations

__all__ = ["ClientGone", "is_of_disconnect"]

#: Starlette's exceptions. FastAPI's usual loop over the messages of a WebSocket raises the second whenever a client
#: disconnects, and a client that aborts an upload causes the first.
NAMES = {"ClientDisconnect", "WebSocketDisconnect"}


class ClientGone(OSError):
    """Raised when an application sends a message to a WebSocket after the client has disconnected."""


def is_of_disconnect(error: BaseException) -> bool:
    """Return whether an exception, or each exception of a group, only says that the client has disconnected."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(is_of_disconnect, error.exceptions))
    return isinstance(error, ClientGone) or type(error).__name__ in NAMES
