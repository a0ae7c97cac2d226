"""A request and what it says, the request that a session keeps, and the response to a refused one."""

from __future__ import annotations

import gc
import tracemalloc
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.engine import Bench

from trio_socketio.engineio import EngineRequest, Refusal, RefusedError

FIELDS = {
    "host": "127.0.0.1:3000",
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
}
TARGET = "/socket.io/?EIO=4&transport=websocket"

text = st.text(st.characters(min_codepoint=33, max_codepoint=255))


@given(st.text(st.sampled_from("ab=&+%41;#é\x00 ")))
def test_query_is_read_like_a_form(query: str) -> None:
    """The quick way for queries without escapes and the library's agree on all."""
    expected = dict(parse_qsl(query, keep_blank_values=True, errors="replace"))
    assert EngineRequest("GET", f"/?{query}", {}).query == expected


@given(st.dictionaries(st.text(st.sampled_from("abc-"), min_size=1), text), text)
def test_settled_request_has_the_same_attributes(fields: dict[str, str], target: str) -> None:
    request = EngineRequest("GET", target, fields, "::1", secure=True, upgrade=True)
    before = (request.path, request.query, request.sid, request.origin, dict(request.headers))
    request.settle()
    assert (request.path, request.query, request.sid, request.origin, request.headers) == before
    assert (request.method, request.target, request.address) == ("GET", target, "::1")
    assert (request.secure, request.upgrade) == (True, True)


def _settled(number: int) -> EngineRequest:
    request = EngineRequest("GET", f"{TARGET}&t={number}", FIELDS, f"127.0.{number // 256}.{number % 256}")
    request.settle()
    return request


def test_settled_request_is_small() -> None:
    _settled(0)
    gc.collect()
    objects = len(gc.get_objects())
    tracemalloc.start()
    try:
        kept = [_settled(number) for number in range(10_000)]
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    gc.collect()
    assert size / len(kept) < 500
    assert (len(gc.get_objects()) - objects) / len(kept) < 1.1


def test_session_keeps_a_settled_request() -> None:
    bench = Bench()
    session = bench.polling().session
    assert session.request.headers is not session.request.headers
    assert session.request.headers == {"host": "example.com"}
    assert session.request.query == {"EIO": "4", "transport": "polling"}


def test_query_is_not_shown() -> None:
    """The session's id is a bearer secret."""
    assert "secret" not in repr(EngineRequest("GET", "/?sid=secret", {}))


def _request(query: str, *, upgrade: bool = False) -> EngineRequest:
    return EngineRequest("GET", f"/?{query}", {}, upgrade=upgrade)


@pytest.mark.parametrize(("query", "revision", "eio", "base64", "jsonp"), [
    ("EIO=4", 4, "4", False, None), ("EIO=3", 3, "3", False, None), ("", 3, None, False, None),
    ("EIO=", 0, "", False, None), ("EIO=%204", 0, " 4", False, None), ("EIO=44", 0, "44", False, None),
    ("EIO=3&b64=1", 3, "3", True, None), ("EIO=3&b64=", 3, "3", False, None), ("b64=0", 3, None, True, None),
    ("EIO=4&j=0", 4, "4", True, "0"), ("EIO=4&j=", 4, "4", True, ""), ("j=a1%0a2'%d9%a3", 3, None, True, "12"),
    ("j=" + "7" * 400, 3, None, True, "7777777777"),
])  # fmt: skip
def test_query_decides_revision_base64_and_jsonp(
    query: str, revision: int, eio: str | None, base64: bool, jsonp: str | None
) -> None:
    request = _request(query)
    for _ in range(2):  # and it is kept
        assert (request.revision, request.eio) == (revision, eio)
        assert (request.base64, request.jsonp, request.deflate) == (base64, jsonp, False)
        request.settle()


def test_websocket_is_not_jsonp() -> None:
    request = _request("EIO=3&transport=websocket&j=1", upgrade=True)
    assert (request.jsonp, request.base64) == (None, False)


def test_headers_of_the_response_outlive_the_opening_of_a_session() -> None:
    request = _request("EIO=4&transport=polling")
    assert request.response_headers == ()
    request.response_headers = (("Vary", "Origin"),)
    request.settle()
    assert request.response_headers == (("Vary", "Origin"),)


def test_refusal_may_have_its_own_message() -> None:
    response = Refusal.FORBIDDEN.response("not you")
    assert (response.status, response.body) == (403, b'{"code":4,"message":"not you"}')
    assert str(RefusedError(Refusal.MIDDLEWARE_FAILURE)) == "Bad request"
    error = RefusedError(Refusal.FORBIDDEN, "not you")
    assert (str(error), error.refusal, error.message) == ("not you", Refusal.FORBIDDEN, "not you")
