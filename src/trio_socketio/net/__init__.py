"""The network side of the engine, on Trio.

h11 or httptools parses HTTP, trio-websocket does the opening handshake, and a reactor or stream driver serves each
WebSocket.
"""

from trio_socketio.net._admission import STOPPING
from trio_socketio.net._chunked import BodyTooLarge
from trio_socketio.net._encoding import coding_of, encoded
from trio_socketio.net._exchange import METHOD_NOT_ALLOWED
from trio_socketio.net._files import Files
from trio_socketio.net._handover import OtherProcesses, Serve
from trio_socketio.net._handshake import opening_handshake
from trio_socketio.net._head_parsers import HttpChoice, choose_parser
from trio_socketio.net._health import Health
from trio_socketio.net._host import DriverChoice, EngineHost, HostOptions
from trio_socketio.net._http1 import GONE, Http1Connection
from trio_socketio.net._http_timeouts import HttpLimits
from trio_socketio.net._log_limit import LogLimit
from trio_socketio.net._posts import answer_post
from trio_socketio.net._service import EngineService, OutsideApplication
from trio_socketio.net._site import NOT_FOUND
from trio_socketio.net._sockets import limit_silence, socket_below
from trio_socketio.net._stream_driver import StreamDriver
from trio_socketio.net._task_driver import TaskDriver
from trio_socketio.net._taskless import TasklessConnection
from trio_socketio.net._unix import unix_listener
from trio_socketio.net._upgrades import UPGRADE_REQUIRED, attach

__all__ = [
    "GONE",
    "METHOD_NOT_ALLOWED",
    "NOT_FOUND",
    "STOPPING",
    "UPGRADE_REQUIRED",
    "BodyTooLarge",
    "DriverChoice",
    "EngineHost",
    "EngineService",
    "Files",
    "Health",
    "HostOptions",
    "Http1Connection",
    "HttpChoice",
    "HttpLimits",
    "LogLimit",
    "OtherProcesses",
    "OutsideApplication",
    "Serve",
    "StreamDriver",
    "TaskDriver",
    "TasklessConnection",
    "limit_silence",
    "opening_handshake",
    "socket_below",
    "answer_post",
    "attach",
    "choose_parser",
    "coding_of",
    "encoded",
    "unix_listener",
]
