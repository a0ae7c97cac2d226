"""Decodes bodies in chunked transfer coding (RFC 9112 section 7.1).

It is stricter than h11, which accepts a bare CR or LF in chunk extensions and trailers. It also refuses a chunk that is
too large as soon as its size is read, before the data of the chunk arrives.
"""

from __future__ import annotations

import re

import h11

from trio_socketio.net._raw_head import RawHead

__all__ = ["BodyTooLarge", "ChunkedBody"]

#: The line before a chunk: its size and extensions. Blanks after the size are accepted, as some clients pad it.
_LINE = re.compile(rb"([0-9A-Fa-f]+)[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
#: The beginning of such a line, whose end has not arrived yet.
_BEGUN_LINE = re.compile(rb"([0-9A-Fa-f]*)[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r?")
_TRAILER = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*")

#: The largest number of chunks in a body. Each takes 1 µs to decode; engine.io 6.6 has the same limit.
MAX_CHUNKS = 10_000

#: The length of a line of eight digits and CRLF. What a line has beyond it counts as chunk extensions.
_PLAIN_LINE = 10


class BodyTooLarge(Exception):
    """Raised when a body is larger than its limit, or has too many chunks. The rest of the body is not read."""


class ChunkedBody:
    """Decoder for the body of one request.

    Args:
        limit: its largest size in bytes.
        max_extra: how many bytes all chunk extensions and trailers may have together.
        max_chunks: how many chunks it may have.

    Attributes:
        body: the data that has been decoded.
        rest: bytes that are not decoded yet; when the body is complete, the bytes that follow it.
    """

    __slots__ = (
        "_chunks",
        "_extra",
        "_in_chunk",
        "_max_chunks",
        "_limit",
        "_max_extra",
        "_missing",
        "_trailers",
        "body",
        "rest",
    )

    def __init__(self, limit: int, max_extra: int, max_chunks: int = MAX_CHUNKS) -> None:
        self.body = bytearray()
        self.rest = b""
        self._limit = limit
        self._max_extra = max_extra
        self._max_chunks = max_chunks
        self._chunks = 0
        self._extra = 0
        self._missing = 0  # bytes of the current chunk that have not arrived
        self._in_chunk = False  # the next byte belongs to a chunk's data, or to the CRLF after it
        self._trailers: RawHead | None = None

    def receive(self, data: bytes) -> bool:
        """Decode the next bytes.

        Returns:
            Whether the body is complete.

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
                # Trailers and the CRLF of the last chunk's line before them end as a head does, with a blank line.
                self._trailers, self.rest = RawHead(), b""
                return self._receive_trailers(self._trailers, data[end:])
            self._chunks += 1
            if self._chunks > self._max_chunks:
                raise BodyTooLarge(f"the body has more than {self._max_chunks} chunks")
            at, self._missing, self._in_chunk = end + 2, size, True
        self.rest = data[at:]
        return False

    def _take_chunk(self, data: bytes, at: int) -> int:
        """Take data of the current chunk and the CRLF after it, and return the position after both."""
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
                raise h11.RemoteProtocolError("expected CRLF after a chunk of the announced size")
        return at

    def _check_size(self, line: re.Match[bytes] | None) -> int:
        if line is None:
            raise h11.RemoteProtocolError("expected the size of a chunk, in hexadecimal digits")
        size = int(line[1] or b"0", 16)
        if len(self.body) + size > self._limit:
            raise BodyTooLarge(f"the body is larger than max_http_buffer_size={self._limit}")
        return size

    def _spend(self, extra: int, *, keep: bool = True) -> None:
        extra = self._extra + max(0, extra)
        if extra > self._max_extra:
            text = f"chunk extensions and trailers are larger than max_header_bytes={self._max_extra}"
            raise h11.RemoteProtocolError(text, error_status_hint=431)
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
            raise h11.RemoteProtocolError("expected a trailer field, as in 'name: value'")
        return True
