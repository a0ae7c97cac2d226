"""The framing of an application's response."""

from __future__ import annotations

from typing import Any

import pytest

from trio_socketio.asgi._response import Response


def response(*headers: tuple[bytes, bytes], status: Any = 200, method: str = "GET", **more: Any) -> Response:
    message = {"type": "http.response.start", "status": status, "headers": headers, **more}
    return Response(message, method, is_old=False)


def test_body_without_length_has_chunks() -> None:
    made = response()
    assert made.head(b"").headers == [("Transfer-Encoding", "chunked")]
    assert made.encode(b"", more=True) == b""
    assert made.encode(b"a" * 17, more=True) == b"11\r\n" + b"a" * 17 + b"\r\n"
    assert made.encode(b"b", more=False) == b"1\r\nb\r\n0\r\n\r\n"


def test_body_with_length_is_sent_as_it_is() -> None:
    made = response((b"Content-Length", b"3"))
    assert made.encode(b"ab", more=True) == b"ab"
    assert made.encode(b"c", more=False) == b"c"


@pytest.mark.parametrize(("body", "kind"), [(b"abcd", "longer"), (b"ab", "shorter")])
def test_body_must_have_its_length(body: bytes, kind: str) -> None:
    with pytest.raises(RuntimeError, match=f"is {kind} than its Content-Length"):
        response((b"content-length", b"3")).encode(body, more=False)


@pytest.mark.parametrize(("status", "method"), [(200, "HEAD"), (204, "GET"), (304, "GET")])
def test_response_without_a_body(status: int, method: str) -> None:
    made = response((b"x-a", b"1"), status=status, method=method)
    assert made.encode(b"body", more=False) == b""
    assert made.head(b"").headers == [("x-a", "1")]


def test_fields_of_the_connection_are_left_out() -> None:
    made = response((b"Connection", b"close"), (b"Date", b"now"), (b"Transfer-Encoding", b"chunked"))
    head = made.head(b"")
    assert head.close
    assert head.headers == [("Transfer-Encoding", "chunked")]


def test_length_is_sent_once() -> None:
    made = response((b"content-length", b"3"), (b"Content-Length", b"3"))
    assert made.head(b"").headers == [("Content-Length", "3")]


@pytest.mark.parametrize("status", [100, 1000, "200", None])
def test_status_must_be_valid(status: Any) -> None:
    with pytest.raises(ValueError, match="status must be"):
        response(status=status)


@pytest.mark.parametrize(
    "headers",
    [[(b"a b", b"")], [(b"a", b"b\n")], [(b"content-length", b"-1")],
     [(b"content-length", b"1"), (b"content-length", b"2")]],
)  # fmt: skip
def test_fields_must_be_valid(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(ValueError, match=r"header field|content-length must be"):
        response(*headers)
