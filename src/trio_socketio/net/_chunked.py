"""Decodes bodies in chunked transfer coding (RFC 9112 section 7.1).

It is stricter than h11, which takes a bare CR or LF in chunk extensions and trailers, and it refuses a chunk by its
size before the data of the chunk has come.
"""

from __future__ import annotations

import re

import h11

from trio_socketio.net._raw_head import RawHead

__all__ = ["BodyTooLarge", "ChunkedBody"]

#: The line before a chunk: its size and extensions. Blanks behind the size are taken, as some clients pad it.
_LINE = re.compile(rb"([0-9A-Fa-f]+)[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
#: The same when its end has not come.
_BEGUN_LINE = re.compile(rb"([0-9A-Fa-f]*)[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r?")
_TRAILER = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*")

#: A body may come in so many chunks, which take 1 µs each to decode; engine.io 6.6 has the same limit.
MAX_CHUNKS = 10_000

#: A line of this length has no extension that is worth counting: eight digits and CRLF.
_PLAIN_LINE = 10


class BodyTooLarge(Exception):
    """The body is larger than its limit, or comes in too many chunks; it has not been read."""


class ChunkedBody:
    """The body of one request.

    Args:
        limit: its largest size in bytes.
        max_extra: how many bytes all chunk extensions and trailers may have together.

    Attributes:
        body: what has been decoded.
        rest: bytes that are not decoded yet; when the body is whole, those that follow it.
    """

    __slots__ = (
        "_chunks",
        "_extra",
        "_in_chunk",
        "_limit",
        "_max_extra",
        "_missing",
        "_trailers",
        "body",
        "rest",
    )

    def __init__(self, limit: int, max_extra: int) -> None:
        self.body = bytearray()
        self.rest = b""
        self._limit = limit
        self._max_extra = max_extra
        self._chunks = 0
        self._extra = 0
        self._missing = 0  # bytes of the current chunk that have not come
        self._in_chunk = False  # its data or the CRLF behind it
        self._trailers: RawHead | None = None

    def receive(self, data: bytes) -> bool:
        """Decode the next bytes.

        Returns:
            Whether the body is whole.

        Raises:
            BodyTooLarge: a chunk's size exceeds what is left of the limit, or there are more than ``MAX_CHUNKS``.
            h11.RemoteProtocolError: the coding is malformed, or its extensions and trailers are too long.
        """
        if self._trailers is not None:
            return self._receive_trailers(self._trailers, data)
        data, at = self.rest + data, 0
        while True:
            if self._in_chunk:
                at = self._take_chunk(data, at)
                if self._in_chunk:
                    break
            end = data.find(b"\r\n", at)
            if end < 0:
                self._check_size(_BEGUN_LINE.fullmatch(data, at))
                self._spend(len(data) - at - _PLAIN_LINE, keep=False)
                break
            size = self._check_size(_LINE.fullmatch(data, at, end))
            self._spend(end - at - _PLAIN_LINE)
            if not size:
                # With the CRLF of the last chunk in front, trailers end as a head does.
                self._trailers, self.rest = RawHead(), b""
                return self._receive_trailers(self._trailers, data[end:])
            self._chunks += 1
            if self._chunks > MAX_CHUNKS:
                raise BodyTooLarge(f"body of more than {MAX_CHUNKS} chunks")
            at, self._missing, self._in_chunk = end + 2, size, True
        self.rest = data[at:]
        return False

    def _take_chunk(self, data: bytes, at: int) -> int:
        """Take data of the current chunk, and the CRLF behind it; returns where the next line begins."""
        piece = data[at : at + self._missing]
        self.body += piece
        self._missing -= len(piece)
        at += len(piece)
        if not self._missing:
            end = data[at : at + 2]
            if end == b"\r\n":
                self._in_chunk = False
                return at + 2
            if end not in (b"", b"\r"):
                raise h11.RemoteProtocolError("a chunk is longer than its size")
        return at

    def _check_size(self, line: re.Match[bytes] | None) -> int:
        if line is None:
            raise h11.RemoteProtocolError("a malformed chunk size")
        size = int(line[1] or b"0", 16)
        if len(self.body) + size > self._limit:
            raise BodyTooLarge(f"body of more than max_http_buffer_size={self._limit} bytes")
        return size

    def _spend(self, extra: int, *, keep: bool = True) -> None:
        extra = self._extra + max(0, extra)
        if extra > self._max_extra:
            raise h11.RemoteProtocolError("chunk extensions or trailers are too long", error_status_hint=431)
        if keep:
            self._extra = extra

    def _receive_trailers(self, trailers: RawHead, data: bytes) -> bool:
        size = trailers.receive(data)
        end = len(self.rest) + (size or len(data))
        self.rest += data
        self._spend(end, keep=False)
        if not size:
            return False
        lines, self.rest = self.rest[:end], self.rest[end:]
        if not all(map(_TRAILER.fullmatch, lines.split(b"\r\n")[1:-2])):
            raise h11.RemoteProtocolError("a malformed trailer")
        return True
