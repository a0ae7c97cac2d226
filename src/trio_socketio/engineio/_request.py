"""The HTTP request as the engine sees it, and the response to a request that is refused.

Sources: Engine.IO protocol revision 4, "HTTP long-polling". The error bodies are those of Node's engine.io.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple
from urllib.parse import urlsplit

from trio_socketio._query import parse_query
from trio_socketio.engineio._tokens import is_field_value

__all__ = [
    "EngineRequest",
    "EngineResponse",
    "Headers",
    "Refusal",
    "RefusedError",
    "is_same_origin",
]

Headers = Sequence[tuple[str, str]]


class EngineResponse(NamedTuple):
    """A complete HTTP response."""

    status: int
    headers: Headers
    body: bytes = b""
    close: bool = False  #: whether the TCP connection is closed after the response
    compress: bool = False  #: whether the body may be sent compressed


class Refusal(Enum):
    """The reason why a request is refused: (code, message, context). Clients see the message."""

    TRANSPORT_UNKNOWN = (0, "Transport unknown", "TRANSPORT_UNKNOWN")
    SESSION_UNKNOWN = (1, "Session ID unknown", "SESSION_UNKNOWN")
    METHOD = (2, "Bad handshake method", "BAD_HANDSHAKE_METHOD")
    TRANSPORT_MISMATCH = (3, "Bad request", "TRANSPORT_MISMATCH")
    TRANSPORT_HANDSHAKE = (3, "Bad request", "TRANSPORT_HANDSHAKE_ERROR")
    UPGRADE_NOT_ALLOWED = (3, "Bad request", "UPGRADE_NOT_ALLOWED")
    PROTOCOL_MISMATCH = (3, "Bad request", "PROTOCOL_MISMATCH")
    ID_GENERATION = (3, "Bad request", "ID_GENERATION_ERROR")
    MIDDLEWARE_FAILURE = (3, "Bad request", "MIDDLEWARE_FAILURE")
    INVALID_ORIGIN = (3, "Bad request", "INVALID_ORIGIN")
    JSONP_NOT_ALLOWED = (3, "Bad request", "JSONP_NOT_ALLOWED")
    FORBIDDEN = (4, "Forbidden", "FORBIDDEN")
    PROTOCOL_VERSION = (5, "Unsupported protocol version", "UNSUPPORTED_PROTOCOL_VERSION")

    @property
    def code(self) -> int:
        """The number in the error body."""
        return self.value[0]

    @property
    def message(self) -> str:
        """The text in the error body."""
        return self.value[1]

    @property
    def context(self) -> str:
        """Node's name for the reason, for the log."""
        return self.value[2]

    def response(self, message: str | None = None) -> EngineResponse:
        """Build the HTTP response. ``message`` replaces the message of the refusal."""
        text = self.message if message is None else message
        body = json.dumps({"code": self.code, "message": text}, separators=(",", ":")).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        return EngineResponse(403 if self is Refusal.FORBIDDEN else 400, headers, body)


class RefusedError(Exception):
    """A request is refused.

    Args:
        refusal: the reason.
        message: replaces the message of the refusal; None: it is kept.
    """

    def __init__(self, refusal: Refusal, message: str | None = None) -> None:
        super().__init__(refusal.message if message is None else message)
        self.refusal = refusal
        self.message = message


#: The revision for each value of the parameter ``EIO``.
_REVISIONS = {"4": 4, "3": 3, "2": 3, None: 3}

#: The largest number of digits in the number of a JSONP callback.
JSONP_DIGITS = 10


class EngineRequest:
    """One HTTP request to the engine.

    The parsed header fields and query are cached while the request is handled. A request that opened a session is kept
    as long as the session. For this, ``settle`` replaces the cached objects by one string, which is parsed on access.

    Attributes:
        method: the method as received.
        target: the raw request target.
        address: the peer's address, ``"unix"`` for a Unix-domain socket.
        secure: whether the connection is TLS that ends here.
        upgrade: whether the request asks for the WebSocket protocol (RFC 6455 section 4.2.1).
        sid: the session id in the query, blank for a handshake.
        new_sid: the id of the session that an admitted handshake may open.
        eio: the parameter ``EIO`` as received. It must be the same in all requests of a session.
        jsonp: the digits of the parameter ``j``, possibly none. None: the request is not JSONP.
        base64: whether a client of revision 3 needs binary messages as text.
        deflate: whether compression was negotiated for the WebSocket of this request.
        response_headers: header fields of every response to this request. Clear them after the response to a handshake,
            because the request is kept.
    """

    __slots__ = (
        "_headers", "_query", "address", "base64", "deflate", "eio", "jsonp", "method", "new_sid",
        "response_headers", "secure", "sid", "target", "upgrade",
    )  # fmt: skip

    def __init__(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        address: str = "",
        *,
        secure: bool = False,
        upgrade: bool = False,
    ) -> None:
        self.method = method
        self.target = target
        self.address = address
        self.secure = secure
        self.upgrade = upgrade
        self.new_sid = ""
        self._query: dict[str, str] | None
        self._headers: Mapping[str, str] | str = headers
        query = self._query = self._parse_query()
        self.sid = query.get("sid", "")
        self.eio = query.get("EIO")
        self.jsonp = None if upgrade or "j" not in query else _digits(query["j"])
        self.base64 = self.jsonp is not None or bool(query.get("b64"))
        self.deflate = False
        self.response_headers: Headers = ()

    def __repr__(self) -> str:
        return f"<EngineRequest {self.method} {self.path}>"  # the query holds the session's secret

    @property
    def headers(self) -> Mapping[str, str]:
        """The header fields, with names in lower case.

        Repeated fields are joined by a comma and a space (RFC 9110 section 5.3), repeated ``cookie`` fields by a
        semicolon and a space, as in HTTP/2 (RFC 9113 section 8.2.3).
        """
        if isinstance(self._headers, str):
            fields = (line.partition(":") for line in self._headers.split("\n"))
            return {name: value for name, colon, value in fields if colon}
        return self._headers

    @property
    def revision(self) -> int:
        """The revision of the Engine.IO protocol that the client uses, 3 or 4; 0 for any other.

        Clients of Socket.IO 1.0 send 2. These clients, and clients that send no ``EIO``, speak revision 3.
        """
        return _REVISIONS.get(self.eio, 0)

    @property
    def path(self) -> str:
        """The path of the target, which may be a complete URI (RFC 9112 section 3.2.2)."""
        path = self.target.partition("?")[0]
        scheme, is_uri, rest = path.partition("://")
        return "/" + rest.partition("/")[2] if is_uri and scheme.isalpha() else path

    @property
    def query(self) -> dict[str, str]:
        """The query parameters."""
        return self._parse_query() if self._query is None else self._query

    def _parse_query(self) -> dict[str, str]:
        return parse_query(self.target.partition("?")[2])

    @property
    def origin(self) -> str | None:
        """The ``Origin`` header, in which browsers send the origin of the page (RFC 6454 section 7)."""
        return self.headers.get("origin")

    @property
    def referer_origin(self) -> str:
        """The origin of the URI in ``Referer`` (RFC 9110 section 10.1.3); blank if there is none."""
        try:
            parts = urlsplit(self.headers.get("referer", ""))
        except ValueError:
            return ""
        origin = f"{parts.scheme}://{parts.netloc}"
        return origin if parts.netloc and is_field_value(origin) else ""

    def settle(self) -> None:
        """Shrink the request, because its session keeps it.

        A request with five header fields then takes 0.4 kB instead of 1.5 kB, and is one object for the collector.
        """
        self._headers = "\n".join([f"{name}:{value}" for name, value in self.headers.items()])
        self._query = None
        self.method = sys.intern(self.method)


def _digits(text: str) -> str:
    return "".join([character for character in text if character in "0123456789"])[:JSONP_DIGITS]


_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_same_origin(origin: str, host: str, *, secure: bool) -> bool:
    """Return whether an Origin header has the host and port of the Host header.

    A missing port is the default port. If ``secure``, TLS ends here, and an ``http`` origin is a different one. If not,
    a proxy may have ended TLS, so both schemes are accepted.
    """
    try:
        parts = urlsplit(origin)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            return False
        if secure and parts.scheme != "https":
            return False
        ours = urlsplit(f"//{host}")
        default = _DEFAULT_PORTS[parts.scheme]
        return (parts.hostname, parts.port or default) == (ours.hostname, ours.port or default)
    except ValueError:
        return False
