"""The public objects: server, namespaces, sockets, operators."""

from trio_socketio.adapters import Answers
from trio_socketio.engine_server import EngineServer, EngineSocket
from trio_socketio.handlers import Ack
from trio_socketio.server._config import ServerOptions
from trio_socketio.server._handshake import Handshake
from trio_socketio.server._inbox import Event
from trio_socketio.server._namespace import Namespace
from trio_socketio.server._operators import BroadcastOperator
from trio_socketio.server._remote_socket import RemoteHandshake, RemoteSocket
from trio_socketio.server._server import Server
from trio_socketio.server._socket import Socket
from trio_socketio.serving import EngineConn, EngineObserver, EngineServerOptions

__all__ = [
    "Ack",
    "Answers",
    "BroadcastOperator",
    "EngineConn",
    "EngineObserver",
    "EngineServer",
    "EngineServerOptions",
    "EngineSocket",
    "Event",
    "Handshake",
    "Namespace",
    "RemoteHandshake",
    "RemoteSocket",
    "Server",
    "ServerOptions",
    "Socket",
]
