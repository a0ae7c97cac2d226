"""Turns the messages of an application's response into bytes of HTTP/1.1."""

from __future__ import annotations

from collections.abc import Iterable

from trio_socketio._asgi_types import Message
from trio_socketio.engineio import EngineResponse, is_field_value, is_token
from trio_socketio.net import Http1Connection

__all__ = ["FAILED", "Response", "bytes_of", "checked_fields"]

#: The response to a request in which the application has failed.
FAILED = EngineResponse(
    500,
    [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "21")],
    b"Internal Server Error",
    close=True,
)

#: Fields that the connection writes itself, with other values than the application may know.
_OWN = {"connection", "content-length", "date", "keep-alive", "transfer-encoding"}


def bytes_of(value: object, what: str) -> bytes:
    """Return a value of a message as bytes; ``what``: names it in the error.

    Raises:
        TypeError: it is something else. An int, which ``bytes`` takes for a size, is refused, too.
    """
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError(f"{what} must be bytes, not {type(value).__name__}")
    return bytes(value)


def checked_fields(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Return header fields as text.

    Raises:
        ValueError: a field cannot be sent.
        TypeError: a name or a value is no bytes.
    """
    fields = [
        (
            bytes_of(name, "the name of a header field").decode("latin-1"),
            bytes_of(value, "its value").decode("latin-1"),
        )
        for name, value in headers
    ]
    for name, value in fields:
        if not is_token(name) or not is_field_value(value):
            raise ValueError(f"the header field {name!r} has a name or a value that cannot be sent")
    return fields


class Response:
    """One response: its head, and the framing of its body (RFC 9112 section 6).

    Args:
        message: ``http.response.start``, or the like for a WebSocket that is refused.
        method: the method of the request.
        is_old: whether the client speaks HTTP/1.0, which has no chunks.

    Attributes:
        is_begun: whether its head was written.

    Raises:
        RuntimeError, ValueError, TypeError: the message is not valid.
    """

    def __init__(self, message: Message, method: str, *, is_old: bool) -> None:
        self.status = message["status"]
        if not isinstance(self.status, int) or not 200 <= self.status <= 999:
            raise ValueError(f"status must be a number from 200 to 999, not {self.status!r}")
        if message.get("trailers"):
            raise RuntimeError("trailers cannot be sent: the scope has no extension for them")
        self.is_begun = False
        fields = checked_fields(message.get("headers", ()))
        lengths = {value for name, value in fields if name.lower() == "content-length"}
        if len(lengths) > 1 or not all(value.isascii() and value.isdecimal() for value in lengths):
            raise ValueError(f"content-length must be one number, not {sorted(lengths)}")
        self._left = int(lengths.pop()) if lengths else None
        self._is_bare = method == "HEAD" or self.status in (204, 304)
        self._chunks = self._left is None and not self._is_bare and not is_old
        closes = any(name.lower() == "connection" and "close" in value.lower() for name, value in fields)
        self._close = closes or (is_old and self._left is None)
        self._fields = [(name, value) for name, value in fields if name.lower() not in _OWN]
        if self._left is not None and self.status != 204:
            self._fields.append(("Content-Length", str(self._left)))
        if self._chunks:
            self._fields.append(("Transfer-Encoding", "chunked"))

    async def write(self, http: Http1Connection, message: Message) -> bool:
        """Write the next part of the body, and the head before the first.

        Args:
            http: the connection.
            message: ``http.response.body``, or the like.

        Returns:
            Whether this was the last part.

        Raises:
            RuntimeError: the body is longer or shorter than the response's Content-Length.
            TypeError: the part is no bytes.
            trio.BrokenResourceError, trio.TooSlowError: as ``Http1Connection.finish_response``.
        """
        more = bool(message.get("more_body", False))
        data = self.encode(bytes_of(message.get("body", b""), "'body' of a response"), more=more)
        if self.is_begun:
            await http.send(data)
        else:
            self.is_begun = True
            await http.finish_response(http.begin_response(self.head(data)))
        return not more

    def head(self, body: bytes) -> EngineResponse:
        """Return the head, together with the encoded beginning of the body."""
        return EngineResponse(self.status, self._fields, body, close=self._close)

    def encode(self, body: bytes, *, more: bool) -> bytes:
        """Return the bytes of the next part of the body; ``more``: other parts follow.

        Raises:
            RuntimeError: the body is longer or shorter than the response's Content-Length.
        """
        if self._is_bare:
            return b""
        if self._left is not None:
            self._left -= len(body)
            if self._left < 0 or (self._left and not more):
                kind = "longer" if self._left < 0 else "shorter"
                raise RuntimeError(f"the body of the response is {kind} than its Content-Length")
            return body
        if not self._chunks:
            return body
        chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        return chunk if more else chunk + b"0\r\n\r\n"
