"""Requests to two servers of one application, and the parts of their responses that must be equal."""

from __future__ import annotations

from typing import Any

import trio

from support.wire import GENERAL, HttpClient, Response

__all__ = ["FORM", "Request", "answers", "form"]

#: Method, target, body and header fields.
Request = tuple[str, str, bytes, dict[str, str]]

#: Fields that depend on the server and the time, and of HEAD responses, whose body has no framing.
VARYING = {*GENERAL, "server", "last-modified", "etag", "transfer-encoding"}

BOUNDARY = "----boundary"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def form(size: int) -> bytes:
    """Return a form with a field and a file of this size."""
    return (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="name"\r\n\r\nJo\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
    ).encode() + b"x" * size + f"\r\n--{BOUNDARY}--\r\n".encode()  # fmt: skip


async def answers(port: int, requests: dict[str, Request]) -> dict[str, tuple[int, dict[str, str], bytes]]:
    """Make each request on a connection of its own, and return status, header fields and body by its name."""
    by_name: dict[str, Any] = {}
    for name, (method, target, body, headers) in requests.items():
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            by_name[name] = _comparable(await HttpClient(stream).request(method, target, body, headers))
    return by_name


def _comparable(response: Response) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in response.headers.items() if name not in VARYING}
    return response.status, headers, response.body
