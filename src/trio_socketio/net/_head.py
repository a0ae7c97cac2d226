"""Turns the head of an HTTP request from an h11 event into an ``EngineRequest``."""

from __future__ import annotations

import socket
from collections.abc import Mapping

import h11
import trio

from trio_socketio.engineio import EngineRequest

__all__ = ["asks_for_other_protocol", "endpoint", "is_last", "read_head", "size_of_head"]


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


def read_head(head: h11.Request, address: str, secure: bool) -> EngineRequest:
    """Return the request in the form that the engine uses."""
    fields = head.headers.raw_items()
    headers: dict[str, str] = {}
    for name, value in fields:
        headers[name.lower().decode("ascii")] = value.decode("latin-1")
    if len(headers) < len(fields):
        headers = _joined(fields)
    method, target = head.method.decode("ascii"), head.target.decode("latin-1")
    # An Upgrade header in an HTTP/1.0 request is ignored (RFC 9110 section 7.8).
    upgrade = "upgrade" in headers and head.http_version != b"1.0" and _asks_for_websocket(headers)
    return EngineRequest(method, target, headers, address, secure=secure, upgrade=upgrade)


def _joined(fields: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name, value = raw_name.lower().decode("ascii"), raw_value.decode("latin-1")
        if name in headers:
            value = f"{headers[name]}{'; ' if name == 'cookie' else ', '}{value}"
        headers[name] = value
    return headers


def is_last(head: h11.Request, headers: Mapping[str, str]) -> bool:
    """Return whether no other request can follow on the connection (RFC 9112 section 9.3)."""
    if head.http_version < b"1.1" or "upgrade" in headers:
        return True
    options = headers.get("connection", "keep-alive")
    return options != "keep-alive" and "close" in _connection_options(
        headers
    )  # mostly, it is keep-alive alone


def size_of_head(head: h11.Request) -> int:
    """Return the size of the head in bytes, including the blank line."""
    fields = sum(len(name) + len(value) + len(b": \r\n") for name, value in head.headers.raw_items())
    return len(head.method) + len(head.target) + len(b"  HTTP/1.1\r\n") + fields + len(b"\r\n")


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
