"""Every public exception, and the reasons a socket can end for.

::

    SocketIOError
    ├── LocalProtocolError        a mistake of the caller, raised at the call
    │   └── ReservedEventError    the event name belongs to Socket.IO itself
    ├── RemoteProtocolError       the peer broke the protocol
    ├── Disconnected              the socket is not connected (any more)
    ├── ConnectRefused            raised by a middleware to refuse a CONNECT
    ├── Forbidden                 raised by allow_request to refuse a handshake
    └── ArgumentsError            an event's arguments do not fit its handler
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

__all__ = [
    "ArgumentsError",
    "ConnectRefused",
    "DisconnectReason",
    "Disconnected",
    "Forbidden",
    "LocalProtocolError",
    "RemoteProtocolError",
    "ReservedEventError",
    "SocketIOError",
]


class DisconnectReason(StrEnum):
    """Why a socket ended: Socket.IO's own nine texts."""

    TRANSPORT_ERROR = "transport error"
    TRANSPORT_CLOSE = "transport close"
    FORCED_CLOSE = "forced close"
    PING_TIMEOUT = "ping timeout"
    PARSE_ERROR = "parse error"
    SERVER_SHUTTING_DOWN = "server shutting down"
    FORCED_SERVER_CLOSE = "forced server close"
    CLIENT_NAMESPACE_DISCONNECT = "client namespace disconnect"
    SERVER_NAMESPACE_DISCONNECT = "server namespace disconnect"


class SocketIOError(Exception):
    """The base of all exceptions of this package."""


class LocalProtocolError(SocketIOError):
    """The caller asked for something the protocol does not allow."""


class ReservedEventError(LocalProtocolError):
    """The event name is one that Socket.IO keeps for itself."""

    def __init__(self, event: object) -> None:
        super().__init__(f'"{event}" is a reserved event name')


class RemoteProtocolError(SocketIOError):
    """The peer sent something the protocol does not allow."""


class Disconnected(SocketIOError):
    """The socket is not connected: nothing was sent, and no acknowledgement will come."""


class ConnectRefused(SocketIOError):
    """Raised by a middleware: the client gets CONNECT_ERROR with this message and data.

    Args:
        message: what the client reads as ``error.message``. It is public.
        data: any JSON value, read by the client as ``error.data``.
    """

    def __init__(self, message: str = "Connection refused", *, data: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class Forbidden(SocketIOError):
    """Raised by ``allow_request`` or a middleware of the engine: the client gets 403 with this message.

    Args:
        message: what the client reads. It is public.
    """

    def __init__(self, message: str = "Forbidden") -> None:
        super().__init__(message)
        self.message = message


class ArgumentsError(SocketIOError):
    """The arguments of an event do not fit the handler's parameters. Its text is sent to the client."""
