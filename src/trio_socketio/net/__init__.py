"""The network side of the engine, on Trio.

h11 parses HTTP, trio-websocket does the opening handshake, and a reactor or stream driver serves each WebSocket.
"""

from trio_socketio.net._files import Files
from trio_socketio.net._handover import OtherProcesses, Serve
from trio_socketio.net._health import Health
from trio_socketio.net._host import DriverChoice, EngineHost, HostOptions
from trio_socketio.net._http_timeouts import HttpLimits
from trio_socketio.net._stream_driver import StreamDriver
from trio_socketio.net._unix import unix_listener

__all__ = [
    "DriverChoice",
    "EngineHost",
    "Files",
    "Health",
    "HostOptions",
    "HttpLimits",
    "OtherProcesses",
    "Serve",
    "StreamDriver",
    "unix_listener",
]
