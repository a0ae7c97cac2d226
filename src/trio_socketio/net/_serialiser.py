"""Turns responses into bytes, and adds the header fields that every response has."""

from __future__ import annotations

import time
from email.utils import formatdate

from trio_socketio.engineio import EngineResponse

__all__ = ["Serialiser"]


class Serialiser:
    """Turns the responses of a server into bytes.

    Args:
        keep_alive_timeout: how long a connection is kept between two requests, in seconds.
    """

    def __init__(self, keep_alive_timeout: float) -> None:
        self._kept = ""
        if keep_alive_timeout >= 1:
            self._kept = f"Connection: keep-alive\r\nKeep-Alive: timeout={int(keep_alive_timeout)}\r\n"
        self._second = -1
        #: the last lines of a response's head in this second: for a connection that is kept, and for one that is closed
        self._ends = ("", "")

    def serialise(self, response: EngineResponse, *, close: bool, head: bool) -> bytes:
        """Return the bytes of a response (RFC 9112 section 4), with its date (RFC 9110 section 6.6.1).

        Its head states how long the connection is kept, or that it is closed.

        Args:
            response: the response.
            close: whether the connection is closed after it.
            head: leave the body out, as for a HEAD request.
        """
        second = int(time.time())
        if second != self._second:
            self._second, date = second, f"Date: {formatdate(second, usegmt=True)}\r\n"
            self._ends = (f"{date}{self._kept}\r\n", f"{date}Connection: close\r\n\r\n")
        text = f"HTTP/1.1 {response.status} \r\n"
        for name, value in response.headers:
            text += f"{name}: {value}\r\n"
        start = f"{text}{self._ends[close]}".encode("latin-1")
        return start if head else start + response.body
