"""The public objects: server, namespaces, sockets, operators."""

from trio_socketio.adapters import Answers
from trio_socketio.handlers import Ack
from trio_socketio.server._config import ServerOptions
from trio_socketio.server._engine_config import EngineServerOptions
from trio_socketio.server._engine_conn import EngineConn
from trio_socketio.server._engine_server import EngineServer
from trio_socketio.server._engine_socket import EngineSocket
from trio_socketio.server._handshake import Handshake
from trio_socketio.server._inbox import Event
from trio_socketio.server._namespace import Namespace
from trio_socketio.server._observing import EngineObserver
from trio_socketio.server._operators import BroadcastOperator
from trio_socketio.server._server import Server
from trio_socketio.server._socket import Socket

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
    "Server",
    "ServerOptions",
    "Socket",
]
