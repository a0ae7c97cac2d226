"""A Socket.IO server on Trio, with its byte work in C."""

from trio_socketio._adapter_health import AdapterHealth, AdapterState
from trio_socketio._version import __version__
from trio_socketio.engineio import (
    CookieOptions,
    Cors,
    EngineRequest,
    HttpCompression,
    Outbox,
    PerMessageDeflate,
)
from trio_socketio.errors import (
    ArgumentsError,
    ClusterTimeout,
    ConnectRefused,
    Disconnected,
    DisconnectReason,
    Forbidden,
    GuestTaskCancelled,
    LocalProtocolError,
    RemoteProtocolError,
    ReservedEventError,
    SocketIOError,
)
from trio_socketio.net import Health
from trio_socketio.server import (
    Ack,
    Answers,
    BroadcastOperator,
    EngineConn,
    EngineObserver,
    EngineServer,
    EngineServerOptions,
    EngineSocket,
    Event,
    Handshake,
    Namespace,
    RemoteHandshake,
    RemoteSocket,
    Server,
    ServerOptions,
    Socket,
)
from trio_socketio.workers import serve_workers

__all__ = [
    "Ack",
    "AdapterHealth",
    "AdapterState",
    "Answers",
    "ArgumentsError",
    "BroadcastOperator",
    "ClusterTimeout",
    "ConnectRefused",
    "CookieOptions",
    "Cors",
    "DisconnectReason",
    "Disconnected",
    "EngineRequest",
    "EngineConn",
    "EngineObserver",
    "EngineServer",
    "EngineServerOptions",
    "EngineSocket",
    "Event",
    "Forbidden",
    "GuestTaskCancelled",
    "Handshake",
    "Health",
    "HttpCompression",
    "LocalProtocolError",
    "Namespace",
    "Outbox",
    "PerMessageDeflate",
    "RemoteHandshake",
    "RemoteProtocolError",
    "RemoteSocket",
    "ReservedEventError",
    "Server",
    "ServerOptions",
    "Socket",
    "SocketIOError",
    "__version__",
    "serve_workers",
]


def _say_where_they_are() -> None:
    """Let public classes name this module, where users find them, in tracebacks and documentation."""
    for name in __all__:
        value = globals()[name]
        if hasattr(value, "__module__"):
            value.__module__ = __name__


_say_where_they_are()
del _say_where_they_are
