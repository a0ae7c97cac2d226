"""Engine.IO without Socket.IO: ``EngineServer`` and its sockets."""

from trio_socketio.engine_server._server import EngineServer, engine_below
from trio_socketio.engine_server._socket import EngineSocket

__all__ = ["EngineServer", "EngineSocket", "engine_below"]
