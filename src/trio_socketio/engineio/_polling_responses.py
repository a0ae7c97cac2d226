"""The responses to requests of sessions on polling."""

from __future__ import annotations

from trio_socketio.engineio import _jsonp
from trio_socketio.engineio._request import EngineResponse

__all__ = ["BAD_REQUEST", "POST_OK", "POST_TOO_LARGE", "poll_response"]

BAD_REQUEST = EngineResponse(400, [("Content-Length", "0")])
POST_OK = EngineResponse(
    200, [("Content-Type", "text/html"), ("Content-Length", "2"), ("cache-control", "no-store")], b"ok"
)
#: The rest of the body is never read, so the TCP connection cannot be used again. The session continues.
POST_TOO_LARGE = EngineResponse(413, [("Content-Length", "0")], close=True)


def poll_response(
    body: bytes, content_type: str, jsonp: str | None, *, compress: bool = False
) -> EngineResponse:
    """Return the response to a poll.

    Args:
        body: the payload.
        content_type: the content type of the payload.
        jsonp: the number of the JSONP callback; None: the request is not JSONP.
        compress: whether the response may be compressed.
    """
    if jsonp is not None:
        # As in Node, the content type stays that of text. There is no ``X-Content-Type-Options: nosniff``, because
        # browsers must run the response as a script.
        body = _jsonp.wrap(jsonp, body)
    headers = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("cache-control", "no-store"),
    ]
    return EngineResponse(200, headers, body, compress=compress)
