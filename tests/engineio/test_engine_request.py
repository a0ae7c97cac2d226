"""The request that opened a session: what is kept of it, and what can be asked of it."""

from __future__ import annotations

import gc
import tracemalloc
from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st
from support.engine import Bench

from trio_socketio.engineio import EngineRequest

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
def test_settled_request_says_what_it_said(fields: dict[str, str], target: str) -> None:
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


def test_session_keeps_its_request_settled() -> None:
    bench = Bench()
    session = bench.polling().session
    assert session.request.headers is not session.request.headers
    assert session.request.headers == {"host": "example.com"}
    assert session.request.query == {"EIO": "4", "transport": "polling"}


def test_query_is_not_shown() -> None:
    """The session's id is a bearer secret."""
    assert "secret" not in repr(EngineRequest("GET", "/?sid=secret", {}))
