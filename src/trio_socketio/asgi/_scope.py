"""Builds the scope of a request: what an ASGI application is told of it before it reads anything.

Source: the ASGI specification, "HTTP & WebSocket ASGI Message Format", versions 2.3 and 2.4.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from trio_socketio._asgi_types import Scope
from trio_socketio.engineio import EngineRequest
from trio_socketio.net import Http1Connection, socket_below

__all__ = ["HTTP_VERSION", "WEBSOCKET_VERSION", "http_scope", "versions", "websocket_scope"]

#: With 2.4, Starlette no longer listens for the disconnect while it streams a response, so HTTP stays at 2.3.
HTTP_VERSION, WEBSOCKET_VERSION = "2.3", "2.4"

#: The host and the port of a client.
Address = tuple[str, int]


def versions(spec_version: str) -> dict[str, str]:
    """Return the entry ``asgi`` of a scope."""
    return {"version": "3.0", "spec_version": spec_version}


def http_scope(request: EngineRequest, http: Http1Connection, root_path: str, state: dict[str, Any]) -> Scope:
    """Return the scope of an HTTP request.

    Args:
        request: the request, with the address and scheme that trusted proxies state.
        http: its connection.
        root_path: begins the path; blank: there is none.
        state: the state that the application has set in its lifespan; each request gets a copy.
    """
    scope = _scope("http", request, http, root_path, state)
    scope["asgi"] = versions(HTTP_VERSION)
    scope["scheme"] = "https" if request.secure else "http"
    scope["method"] = request.method
    return scope


def websocket_scope(
    request: EngineRequest, http: Http1Connection, root_path: str, state: dict[str, Any]
) -> Scope:
    """Return the scope of a WebSocket. Arguments as for ``http_scope``."""
    scope = _scope("websocket", request, http, root_path, state)
    offered = request.headers.get("sec-websocket-protocol", "").split(",")
    scope["asgi"] = versions(WEBSOCKET_VERSION)
    scope["scheme"] = "wss" if request.secure else "ws"
    scope["subprotocols"] = [name.strip() for name in offered if name.strip()]
    scope["extensions"] = {"websocket.http.response": {}}
    return scope


def _scope(
    kind: str, request: EngineRequest, http: Http1Connection, root_path: str, state: dict[str, Any]
) -> dict[str, Any]:
    path = request.path
    client, server = _addresses(request, http)
    return {
        "type": kind,
        "http_version": http.head.http_version.decode("ascii"),
        "path": root_path + unquote(path),
        "raw_path": (root_path + path).encode("latin-1"),
        "query_string": request.target.partition("?")[2].encode("latin-1"),
        "root_path": root_path,
        "headers": list(http.head.fields),
        "client": client,
        "server": server,
        "state": state.copy(),
        "extensions": {},
    }


def _addresses(
    request: EngineRequest, http: Http1Connection
) -> tuple[Address | None, tuple[str, Any] | None]:
    """Return the addresses of the client and of the server; None: they are unknown.

    The port of a client behind a trusted proxy is unknown, and 0.
    """
    socket = socket_below(http.stream)
    try:
        ours = None if socket is None else socket.getsockname()
        theirs = None if socket is None else socket.getpeername()
    except OSError:  # the client has disconnected
        ours = theirs = None
    server = (ours, None) if isinstance(ours, str) and ours else ours[:2] if isinstance(ours, tuple) else None
    if request.address != http.address and request.address:
        return (request.address, 0), server
    return theirs[:2] if isinstance(theirs, tuple) else None, server
