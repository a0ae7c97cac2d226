"""Turns the messages of an application's response into bytes of HTTP/1.1."""

from __future__ import annotations

from collections.abc import Iterable

from trio_socketio.asgi._types import Message
from trio_socketio.engineio import EngineResponse, is_field_value, is_token

__all__ = ["Response", "checked_fields"]

#: Fields that the connection writes itself, with other values than the application may know.
_OWN = {"connection", "date", "keep-alive", "transfer-encoding"}


def checked_fields(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Return header fields as text.

    Raises:
        ValueError: a field cannot be sent.
    """
    fields = [(bytes(name).decode("latin-1"), bytes(value).decode("latin-1")) for name, value in headers]
    for name, value in fields:
        if not is_token(name) or not is_field_value(value):
            raise ValueError(f"the header field {name!r} has a name or a value that cannot be sent")
    return fields


class Response:
    """One response: its head, and the framing of its body (RFC 9112 section 6).

    Args:
        message: ``http.response.start``.
        method: the method of the request.
        is_old: whether the client speaks HTTP/1.0, which has no chunks.

    Raises:
        RuntimeError, ValueError: the message is not valid.
    """

    def __init__(self, message: Message, method: str, *, is_old: bool) -> None:
        self.status = message["status"]
        if not isinstance(self.status, int) or not 200 <= self.status <= 999:
            raise ValueError(f"status must be a number from 200 to 999, not {self.status!r}")
        if message.get("trailers"):
            raise RuntimeError("trailers cannot be sent: the scope has no extension for them")
        fields = checked_fields(message.get("headers", ()))
        lengths = {value for name, value in fields if name.lower() == "content-length"}
        if len(lengths) > 1 or not all(value.isascii() and value.isdecimal() for value in lengths):
            raise ValueError(f"content-length must be one number, not {sorted(lengths)}")
        self._left = int(lengths.pop()) if lengths else None
        self._is_bare = method == "HEAD" or self.status in (204, 304)
        self._chunks = self._left is None and not self._is_bare and not is_old
        closes = any(name.lower() == "connection" and "close" in value.lower() for name, value in fields)
        self._close = closes or (is_old and self._left is None)
        left_out = _OWN | {"content-length"} if self.status == 204 else _OWN
        self._fields = [(name, value) for name, value in fields if name.lower() not in left_out]
        if self._chunks:
            self._fields.append(("Transfer-Encoding", "chunked"))

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
