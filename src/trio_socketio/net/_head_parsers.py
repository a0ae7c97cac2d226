"""Parses the heads of requests: with h11, and heads that are plain with httptools if the server uses it.

httptools is faster, but stricter than h11 in some points and laxer in others. So it gets only plain heads (see
``http_head.h``), which every HTTP parser reads in the same way. h11 gets all others, and those that httptools refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import h11

from trio_socketio._core import http_head_length
from trio_socketio.net._head import Head
from trio_socketio.net._raw_head import RawHead

__all__ = ["HttpChoice", "ParseHead", "SplitHead", "choose_parser", "head_parser", "parse_with_h11"]

#: ``"auto"``: httptools, if a supported version is installed, else h11.
HttpChoice = Literal["h11", "httptools", "auto"]

#: Parses the head at the beginning of the bytes. Returns None if it is incomplete or ambiguous: ``SplitHead`` then
#: waits for the rest, or reports what is wrong. Raises ``h11.RemoteProtocolError`` for a malformed head.
ParseHead = Callable[[bytes], Head | None]

#: The release of httptools that the extra ``speed`` installs. Tests compare it with h11.
_SUPPORTED = "0.9."

MISSING = "http='httptools' needs httptools>=0.9,<0.10: pip install 'trio-socketio[speed]'"


def choose_parser(http: HttpChoice) -> Literal["h11", "httptools"]:
    """Return the name of the parser that a server uses with this value of the option ``http``.

    Raises:
        ImportError: the value is ``"httptools"``, and no supported version is installed.
    """
    if http == "h11":
        return "h11"
    try:
        is_supported = version("httptools").startswith(_SUPPORTED)
    except PackageNotFoundError:
        is_supported = False
    if is_supported:
        return "httptools"
    if http == "httptools":
        raise ImportError(MISSING)
    return "h11"


def head_parser(http: HttpChoice) -> ParseHead:
    """Return the function that parses heads. Raises the same as ``choose_parser``."""
    if choose_parser(http) == "h11":
        return parse_with_h11
    from trio_socketio.net._plain_head import parse_plain_head  # noqa: PLC0415 -- imports httptools

    def parse(data: bytes) -> Head | None:
        return parse_plain_head(data) or parse_with_h11(data)

    return parse


def parse_with_h11(data: bytes) -> Head | None:
    """Parse a head with h11; see ``ParseHead``."""
    size = http_head_length(data)
    if not size:
        return None
    parser = h11.Connection(h11.SERVER)
    parser.receive_data(data[:size])
    return _head_of(parser.next_event(), size)


def _head_of(event: object, size: int) -> Head | None:
    if not isinstance(event, h11.Request):
        return None
    fields = [(name.lower(), value) for name, value in event.headers.raw_items()]
    return Head(event.method, event.target, event.http_version, fields, size)


class SplitHead:
    """One head that arrives in pieces, or that is malformed. It is checked by ``RawHead``, and parsed by h11.

    h11 gets each piece at once, because it refuses some heads, such as a TLS hello, before their end.

    Args:
        max_bytes: the largest size of the head.
    """

    __slots__ = ("_parser", "_raw", "_received")

    def __init__(self, max_bytes: int) -> None:
        self._raw = RawHead()
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=max_bytes)
        self._received = 0

    def receive(self, data: bytes) -> Head | None:
        """Take the next bytes, and return the head if they complete it.

        Raises:
            h11.RemoteProtocolError: the head is malformed or too large.
        """
        size = self._raw.receive(data)
        self._parser.receive_data(data[:size] if size else data)
        self._received += size or len(data)
        return _head_of(self._parser.next_event(), self._received)
