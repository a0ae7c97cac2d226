"""The details of a client's connection request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trio_socketio.engineio import EngineRequest

__all__ = ["Handshake", "handshake_record"]


@dataclass(frozen=True, slots=True)
class Handshake:
    """The details of a client's connection request, the same nine as in Node.

    Attributes:
        request: the first HTTP request of the session.
        auth: the object of the CONNECT packet; ``{}`` if the packet had none.
        issued: when the session began, in milliseconds since the epoch.
    """

    request: EngineRequest
    auth: dict[str, Any]
    issued: int

    @property
    def headers(self) -> Mapping[str, str]:
        """The request's header fields, names in lower case."""
        return self.request.headers

    @property
    def time(self) -> str:
        """When the session began, as text in Node's format, in UTC."""
        return datetime.fromtimestamp(self.issued / 1000, UTC).strftime("%a %b %d %Y %H:%M:%S GMT+0000 (UTC)")

    @property
    def address(self) -> str:
        """The peer's address; ``"unix"`` for a Unix-domain socket."""
        return self.request.address

    @property
    def xdomain(self) -> bool:
        """Whether the request has an origin, which browsers send."""
        return self.request.origin is not None

    @property
    def secure(self) -> bool:
        """Whether the connection uses TLS that ends at this server, and not at a proxy."""
        return self.request.secure

    @property
    def url(self) -> str:
        """The raw request target."""
        return self.request.target

    @property
    def query(self) -> dict[str, str]:
        """The query parameters of the request, including ``EIO`` and ``transport``."""
        return self.request.query


def handshake_record(handshake: Handshake) -> dict[str, Any]:
    """Describe a handshake to other servers, with Node's names."""
    return {
        "headers": dict(handshake.headers),
        "time": handshake.time,
        "address": handshake.address,
        "xdomain": handshake.xdomain,
        "secure": handshake.secure,
        "issued": handshake.issued,
        "url": handshake.url,
        "query": dict(handshake.query),
        "auth": handshake.auth,
    }
