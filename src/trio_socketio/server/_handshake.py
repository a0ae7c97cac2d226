"""What a client said when it connected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trio_socketio.engineio import EngineRequest

__all__ = ["Handshake"]


@dataclass(frozen=True, slots=True)
class Handshake:
    """The details of a socket's connecting, the same nine as in Node.

    Attributes:
        request: the first HTTP request of the session.
        auth: the object of the CONNECT packet, ``{}`` if there was none.
        issued: when, in milliseconds since the epoch.
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
        """When, as text."""
        return datetime.fromtimestamp(self.issued / 1000, UTC).strftime("%a %b %d %Y %H:%M:%S GMT+0000 (UTC)")

    @property
    def address(self) -> str:
        """The peer's address; ``"unix"`` for a Unix-domain socket."""
        return self.request.address

    @property
    def xdomain(self) -> bool:
        """Whether a browser said from which origin it comes."""
        return self.request.origin is not None

    @property
    def secure(self) -> bool:
        """Whether the connection is TLS that ends here."""
        return self.request.secure

    @property
    def url(self) -> str:
        """The raw request target."""
        return self.request.target

    @property
    def query(self) -> dict[str, str]:
        """The query parameters of the request, ``EIO`` and ``transport`` among them."""
        return self.request.query
