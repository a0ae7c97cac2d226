"""Trio drivers of the engine: HTTP by h11, opening handshake by trio-websocket, WebSockets by reactor or stream."""

from trio_socketio.net._files import Files
from trio_socketio.net._health import Health
from trio_socketio.net._host import DriverChoice, EngineHost, HostOptions
from trio_socketio.net._http1 import HttpLimits
from trio_socketio.net._stream_driver import StreamDriver
from trio_socketio.net._unix import unix_listener

__all__ = [
    "DriverChoice",
    "EngineHost",
    "Files",
    "Health",
    "HostOptions",
    "HttpLimits",
    "StreamDriver",
    "unix_listener",
]
