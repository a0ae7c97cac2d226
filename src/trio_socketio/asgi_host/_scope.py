"""Returns the engine's request for a scope (the ASGI specification, "HTTP & WebSocket")."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import quote

from trio_socketio._asgi_types import Scope
from trio_socketio.engineio import EngineRequest

__all__ = ["request_of"]

#: The characters that may stand in a path unquoted (RFC 3986 section 3.3).
PATH_CHARACTERS = "/:@!$&'()*+,;=-._~"


def request_of(scope: Scope, is_for_engine: Callable[[EngineRequest], bool]) -> EngineRequest:
    """Return the request that a scope of the type "http" or "websocket" describes.

    Its target is relative to ``root_path``, below which the application is mounted. Only if the application is mounted
    at the path of the engine itself, the target is the whole path.

    Args:
        scope: the scope.
        is_for_engine: returns whether the engine has the path of a request.
    """
    path: str = scope["path"]
    whole = _request(scope, path)
    root = scope.get("root_path", "").rstrip("/")
    if not root or not path.startswith(root + "/"):
        return whole
    relative = _request(scope, path[len(root) :])
    return whole if is_for_engine(whole) and not is_for_engine(relative) else relative


def _request(scope: Scope, path: str) -> EngineRequest:
    target = quote(path, safe=PATH_CHARACTERS)
    query: bytes = scope.get("query_string", b"")
    if query:
        target += "?" + query.decode("latin-1")
    is_websocket = scope["type"] == "websocket"
    client = scope.get("client")
    return EngineRequest(
        "GET" if is_websocket else scope["method"],
        target,
        _headers(scope["headers"]),
        client[0] if client else "",
        secure=scope.get("scheme") in ("https", "wss"),
        upgrade=is_websocket,
    )


def _headers(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name, value = raw_name.lower().decode("latin-1"), raw_value.decode("latin-1").strip(" \t")
        if name in headers:
            value = f"{headers[name]}{'; ' if name == 'cookie' else ', '}{value}"
        headers[name] = value
    return headers
