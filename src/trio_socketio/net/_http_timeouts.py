"""The limits of HTTP requests and responses, and the timeouts of all HTTP connections of a server."""

from __future__ import annotations

from dataclasses import dataclass

from trio_socketio.net._timeouts import Timeouts

__all__ = ["PROGRESS_BYTES", "HttpLimits", "HttpTimeouts"]

#: The connection of a client that sends or receives fewer bytes than this within ``request_timeout`` is ended.
PROGRESS_BYTES = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpLimits:
    """The limits of a request and a response. Times are in seconds."""

    header_timeout: float
    request_timeout: float
    keep_alive_timeout: float
    max_header_bytes: int


class HttpTimeouts(Timeouts):
    """The timeouts of all HTTP connections of a server: one queue for each kind of wait.

    Attributes:
        limits: the limits that the queues are for.
        header: waits for the rest of a head.
        request: waits for the next kilobyte of a body.
        response: waits until the client has received the next kilobyte of a response.
        keep_alive: waits for the next request.
    """

    def __init__(self, limits: HttpLimits) -> None:
        super().__init__()
        self.limits = limits
        self.header = self.queue(limits.header_timeout)
        self.request = self.queue(limits.request_timeout)
        self.response = self.queue(limits.request_timeout)
        self.keep_alive = self.queue(limits.keep_alive_timeout)
