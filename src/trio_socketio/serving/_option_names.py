"""Check the names of options. The error for a wrong name suggests the right one, also for other servers' names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

__all__ = ["check_names"]

#: Options of python-socketio, python-engineio and Node's servers whose names here differ by more than their spelling.
_ELSEWHERE = {
    # python-socketio and python-engineio
    "async_handlers": "use ordering='concurrent' if a socket's handlers may overlap, else 'serial'",
    "async_mode": "none is needed, the server always runs on Trio",
    "always_connect": "none is needed, CONNECT is answered before the connection handlers run",
    "connect_timeout": "'connect_timeout' is an option of Server; see 'hold_timeout' and 'admission_timeout'",
    "client_manager": "there are no adapters for other processes yet; 'adapter' of Server takes one of yours",
    "compression_threshold": "use http_compression=HttpCompression(threshold=...)",
    "cors_allowed_origins": "its name is 'cors'",
    "cors_credentials": "use cors=Cors(origin=..., credentials=True)",
    "engineio_logger": "set the level of logging.getLogger('trio_socketio.engine')",
    "engineio_path": "its name is 'path'",
    "handle_sigint": "none is needed, KeyboardInterrupt stops the server",
    "json": "none is needed, JSON is encoded by msgspec",
    "logger": "set the level of logging.getLogger('trio_socketio')",
    "manage_acks": "none is needed, acknowledgements are always on",
    "max_decode_packets": "packets of a POST are limited by 'max_http_buffer_size'",
    "monitor_clients": "none is needed, the server always detects lost connections",
    "namespaces": "none is needed, use io.of(name)",
    "serializer": "there is only the default parser",
    "socketio_path": "its name is 'path'",
    "websocket_compression": "its name is 'per_message_deflate'",
    # Node
    "adapter": "it is an option of Server",
    "allowEIO3": "its name is 'allow_eio3'",
    "allowedHeaders": "use cors=Cors(allowed_headers=...)",
    "cleanupEmptyChildNamespaces": "there are no dynamic namespaces yet",
    "connectionStateRecovery": "there is no recovery of connections yet",
    "credentials": "use cors=Cors(origin=..., credentials=True)",
    "destroyUpgrade": "none is needed, a request for another protocol is answered at once",
    "destroyUpgradeTimeout": "none is needed, a request for another protocol is answered at once",
    "handlePreflightRequest": "use cors=Cors(...)",
    "handleProtocols": "its name is 'subprotocols'",
    "headersTimeout": "its name is 'header_timeout'",
    "maxHeaderSize": "its name is 'max_header_bytes'",
    "maxPayload": "its name is 'max_http_buffer_size'",
    "origins": "its name is 'cors'",
    "parser": "there is only the default parser",
    "wsEngine": "none is needed, the server has its own WebSockets",
}

#: How similar a wrong name must be to an option for the error to suggest that option, from 0 to 1.
_LIKENESS = 0.75


def _snake(name: str) -> str:
    """Return ``ping_interval`` for ``pingInterval``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _hint(name: str, known: Sequence[str]) -> str:
    if name in _ELSEWHERE:
        return f": {_ELSEWHERE[name]}"
    if _snake(name) in known:
        return f": its name is {_snake(name)!r}"
    if _snake(name) in _ELSEWHERE:
        return f": {_ELSEWHERE[_snake(name)]}"
    nearest = difflib.get_close_matches(_snake(name), known, 1, _LIKENESS)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


def check_names(server: str, options: Iterable[str], known: Sequence[str]) -> None:
    """Check that a server has all these options.

    Raises:
        TypeError: an option does not exist. If another Socket.IO server has it, the message contains the counterpart
            here; otherwise a similar name, if there is one.
    """
    for name in options:
        if name not in known:
            raise TypeError(f"{server} has no option {name!r}{_hint(name, known)}")
