"""The head of an HTTP request as its parser returns it, and the ``EngineRequest`` that is made from it."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import NamedTuple

import trio

from trio_socketio.engineio import EngineRequest

__all__ = ["Head", "asks_for_other_protocol", "endpoint", "is_last", "read_head"]


class Head(NamedTuple):
    """The head of a request (RFC 9112 section 2.1)."""

    method: bytes
    target: bytes
    http_version: bytes  #: such as ``b"1.1"``
    fields: list[tuple[bytes, bytes]]  #: names in lower case, and values without blanks around them
    size: int  #: in bytes, with the blank line
    is_plain: bool = False  #: whether httptools has parsed it

    @property
    def expects_continue(self) -> bool:
        """Whether the client may wait for ``100 Continue`` before it sends the body (RFC 9110 section 10.1.1)."""
        values = b",".join([value for name, value in self.fields if name == b"expect"])
        return self.http_version >= b"1.1" and b"100-continue" in map(bytes.strip, values.lower().split(b","))


def endpoint(stream: trio.abc.Stream) -> tuple[str, bool]:
    """Return the peer's address (``"unix"``, or blank if there is none), and whether the stream uses TLS."""
    if isinstance(stream, trio.SocketStream):
        return _address(stream.socket), False
    if not isinstance(stream, trio.SSLStream):
        return "", False
    inner = stream.transport_stream
    return _address(inner.socket) if isinstance(inner, trio.SocketStream) else "", True


def _address(peer: trio.socket.SocketType) -> str:
    if peer.family == getattr(socket, "AF_UNIX", None):
        return "unix"
    try:
        return str(peer.getpeername()[0])
    except OSError:
        return ""


def read_head(head: Head, address: str, secure: bool) -> EngineRequest:
    """Return the request in the form that the engine uses."""
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in head.fields}
    if len(headers) < len(head.fields):
        headers = _joined(head.fields)
    method, target = head.method.decode("ascii"), head.target.decode("latin-1")
    # An Upgrade header in an HTTP/1.0 request is ignored (RFC 9110 section 7.8).
    upgrade = "upgrade" in headers and head.http_version != b"1.0" and _asks_for_websocket(headers)
    return EngineRequest(method, target, headers, address, secure=secure, upgrade=upgrade)


def _joined(fields: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        if name in headers:
            value = f"{headers[name]}{'; ' if name == 'cookie' else ', '}{value}"
        headers[name] = value
    return headers


def is_last(head: Head, headers: Mapping[str, str]) -> bool:
    """Return whether no other request can follow on the connection (RFC 9112 section 9.3)."""
    if head.http_version < b"1.1" or "upgrade" in headers:
        return True
    options = headers.get("connection", "keep-alive")
    return options != "keep-alive" and "close" in _connection_options(
        headers
    )  # mostly, it is keep-alive alone


def _connection_options(headers: Mapping[str, str]) -> set[str]:
    options = headers.get("connection")
    return {option.strip().lower() for option in options.split(",")} if options else set()


def _asks_for_websocket(headers: Mapping[str, str]) -> bool:
    return "upgrade" in _connection_options(headers) and headers["upgrade"].strip().lower() == "websocket"


def asks_for_other_protocol(headers: Mapping[str, str]) -> bool:
    """Return whether the request asks for an upgrade to a protocol that the server does not support.

    HTTP/2 (h2c) does not count: clients offer it with requests that can be answered in HTTP/1.1 as well.
    """
    return "upgrade" in _connection_options(headers) and headers.get("upgrade", "").strip().lower() not in (
        "", "h2c", "websocket",
    )  # fmt: skip
