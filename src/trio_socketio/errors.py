"""The public exceptions, and the reasons why a socket disconnects.

::

    SocketIOError
    ├── LocalProtocolError        the caller broke the protocol; raised by the call
    │   └── ReservedEventError    the event name belongs to Socket.IO itself
    ├── RemoteProtocolError       the peer broke the protocol
    ├── Disconnected              the socket is not connected
    ├── ConnectRefused            raised by a middleware to refuse a CONNECT
    ├── Forbidden                 raised by allow_request to refuse a handshake
    ├── ArgumentsError            the arguments of an event do not fit its handler
    ├── ClusterTimeout            other servers of the cluster did not answer in time
    └── GuestTaskCancelled        asyncio cancelled a task that a Trio task waits for
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

__all__ = [
    "ArgumentsError",
    "ClusterTimeout",
    "ConnectRefused",
    "DisconnectReason",
    "Disconnected",
    "Forbidden",
    "GuestTaskCancelled",
    "LocalProtocolError",
    "RemoteProtocolError",
    "ReservedEventError",
    "SocketIOError",
]


class DisconnectReason(StrEnum):
    """The reason why a socket was disconnected. The values are the nine strings that Socket.IO uses."""

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
    """The base class of all exceptions of this package."""


class LocalProtocolError(SocketIOError):
    """The caller asked for something the protocol does not allow."""


class ReservedEventError(LocalProtocolError):
    """The event name is reserved by Socket.IO."""

    def __init__(self, event: object) -> None:
        super().__init__(f'"{event}" is a reserved event name')


class RemoteProtocolError(SocketIOError):
    """The peer sent something the protocol does not allow."""


class Disconnected(SocketIOError):
    """The socket is not connected. Nothing was sent, and no acknowledgement will come."""


class ConnectRefused(SocketIOError):
    """Raised by a middleware to refuse a CONNECT. The client gets CONNECT_ERROR with this message and data.

    Args:
        message: the client's ``error.message``. It is public.
        data: the client's ``error.data``: any JSON value.
    """

    def __init__(self, message: str = "Connection refused", *, data: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class Forbidden(SocketIOError):
    """Raised by ``allow_request`` or an engine middleware to refuse a request. The client gets 403 with this message.

    Args:
        message: the message in the response. It is public.
    """

    def __init__(self, message: str = "Forbidden") -> None:
        super().__init__(message)
        self.message = message


class ArgumentsError(SocketIOError):
    """The arguments of an event do not fit the handler's parameters. The client gets the text of this error."""


class ClusterTimeout(SocketIOError):
    """Other servers of the cluster did not answer in time, or could not be asked.

    Args:
        reason: what has happened, in a sentence.
        partial: what the servers that did answer have sent.
        missing: the ids of the servers that did not answer, where the bus knows them.
        missing_count: their number; at least 1 if there was no link to the bus.
    """

    def __init__(self, reason: str, partial: list[Any], missing: frozenset[str], missing_count: int) -> None:
        super().__init__(reason)
        self.partial = partial
        self.missing = missing
        self.missing_count = missing_count


class GuestTaskCancelled(SocketIOError):
    """A task of asyncio was cancelled, by other code of asyncio, while ``guest.run_in_asyncio`` waited for it."""
