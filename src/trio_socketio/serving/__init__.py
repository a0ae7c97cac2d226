"""Running servers, of Socket.IO or of Engine.IO alone: options, start and stop, and one peer for each session."""

from trio_socketio.serving._base_runtime import BaseRuntime
from trio_socketio.serving._config import EngineConfig, EngineServerOptions
from trio_socketio.serving._engine_conn import EngineConn, L
from trio_socketio.serving._engine_state import EngineState
from trio_socketio.serving._held import HELD_SECONDS, log_held
from trio_socketio.serving._host_loop import HOST_CALL_SOON
from trio_socketio.serving._inlet import Inlet
from trio_socketio.serving._listeners import Listeners
from trio_socketio.serving._observer import EngineObserver, report
from trio_socketio.serving._open_listeners import open_listeners
from trio_socketio.serving._option import option
from trio_socketio.serving._option_checks import check_client_folder, check_one_of, check_path
from trio_socketio.serving._option_names import check_names
from trio_socketio.serving._overflowed import Overflowing
from trio_socketio.serving._peer import FULL, Peer
from trio_socketio.serving._program import INTERRUPTED, TERMINATED, display_address, show_log
from trio_socketio.serving._serving import Serving
from trio_socketio.serving._standard_streams import open_missing_streams, write

__all__ = [
    "FULL",
    "HELD_SECONDS",
    "HOST_CALL_SOON",
    "INTERRUPTED",
    "TERMINATED",
    "BaseRuntime",
    "EngineConfig",
    "EngineConn",
    "EngineObserver",
    "EngineServerOptions",
    "EngineState",
    "Inlet",
    "L",
    "Listeners",
    "Overflowing",
    "Peer",
    "Serving",
    "check_client_folder",
    "check_names",
    "check_one_of",
    "check_path",
    "display_address",
    "log_held",
    "open_listeners",
    "open_missing_streams",
    "option",
    "report",
    "show_log",
    "write",
]
