"""Parses plain heads with httptools, which is in the extra ``speed``. The only module that imports httptools."""

from __future__ import annotations

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from trio_socketio._core import plain_head_length
from trio_socketio.net._head import Head

__all__ = ["parse_plain_head"]


class _Collector:
    """Collects what httptools reports about one head."""

    __slots__ = ("fields", "is_complete", "target")

    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self.target = b""
        self.is_complete = False

    def on_url(self, url: bytes) -> None:
        self.target = url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        self.is_complete = True


def parse_plain_head(data: bytes) -> Head | None:
    """Parse the head at the beginning of the bytes; return None if it is incomplete or not plain, or is refused.

    httptools gets the bytes of one complete head, never a body or the next request. Its leniencies are never set.
    """
    size = plain_head_length(data)
    if not size:
        return None
    collector = _Collector()
    parser = HttpRequestParser(collector)
    try:
        parser.feed_data(data[:size])
    except HttpParserUpgrade:  # the head is complete, and asks for another protocol
        pass
    except HttpParserError:
        return None
    if not collector.is_complete:
        return None
    return Head(parser.get_method(), collector.target, b"1.1", collector.fields, size, is_plain=True)
