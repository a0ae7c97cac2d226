"""Trio drivers around the engine: HTTP by h11, the opening handshake by trio-websocket, WebSockets over streams."""

from trio_socketio.net._files import Files
from trio_socketio.net._host import EngineHost, HostOptions
from trio_socketio.net._http1 import HttpLimits
from trio_socketio.net._signal import Signal
from trio_socketio.net._stream_driver import StreamDriver
from trio_socketio.net._unix import unix_listener

__all__ = ["EngineHost", "Files", "HostOptions", "HttpLimits", "Signal", "StreamDriver", "unix_listener"]
