"""CORS: which origins are allowed, and the headers of responses to them."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from support.engine import Bench

from trio_socketio import Cors
from trio_socketio.engineio import EngineRequest

pytestmark = pytest.mark.rows("B10")

PAGE = "http://a.example"


def asking(method: str = "OPTIONS", **fields: str) -> EngineRequest:
    """A request of a page."""
    return EngineRequest(
        method, "/socket.io/", {name.replace("_", "-"): text for name, text in fields.items()}
    )


@pytest.mark.parametrize(("origin", "allowed"), [
    ((), False), ("*", True), (PAGE, True), ([PAGE], True), (["http://b.example", PAGE], True),
    (re.compile(r"http://[a-z]\.example"), True), ([re.compile(r"http://b.*"), PAGE], True),
    (re.compile(r"http://a"), False), (re.compile(r"a\.example"), False),  # a pattern matches the whole of it
    ("http://A.example", False), ("https://a.example", False), ("http://a.example:80", False), ("null", False),
    (lambda origin, request: origin == PAGE and request.method == "OPTIONS", True),
    (lambda origin, request: False, False),
])  # fmt: skip
def test_option_decides_which_origins_are_allowed(origin: Any, allowed: bool) -> None:
    cors = Cors(origin=origin)
    assert cors.allows(PAGE, asking(origin=PAGE)) is allowed
    assert cors.is_open is (origin != ())


@pytest.mark.parametrize(("cors", "granted", "headers"), [
    (Cors(origin="*"), True, {"Access-Control-Allow-Origin": PAGE}),
    (Cors(origin="*"), False, {}),
    (Cors(origin=PAGE, credentials=True), True,
     {"Access-Control-Allow-Origin": PAGE, "Access-Control-Allow-Credentials": "true"}),
    (Cors(origin=PAGE, exposed_headers=["X-A", "X-B"]), True,
     {"Access-Control-Allow-Origin": PAGE, "Access-Control-Expose-Headers": "X-A,X-B"}),
    (Cors(origin=PAGE, credentials=True, exposed_headers=["X-A"]), False, {}),
])  # fmt: skip
def test_headers_of_every_response(cors: Cors, granted: bool, headers: dict[str, str]) -> None:
    assert dict(cors.headers(PAGE, granted=granted)) == {**headers, "Vary": "Origin"}
    assert dict(cors.headers(None, granted=False)) == {"Vary": "Origin"}


def test_granted_preflight_has_all_configured_headers() -> None:
    cors = Cors(origin=PAGE, credentials=True, exposed_headers=["X-Seen"], max_age=60.9)
    response = cors.preflight(asking(origin=PAGE, access_control_request_headers="x-a, X-B"), granted=True)
    assert (response.status, response.body, response.close) == (204, b"", False)
    assert dict(response.headers) == {
        "Content-Length": "0",
        "Vary": "Origin, Access-Control-Request-Headers",
        "Access-Control-Allow-Origin": PAGE,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "GET,HEAD,PUT,PATCH,POST,DELETE",
        "Access-Control-Allow-Headers": "x-a,X-B",
        "Access-Control-Expose-Headers": "X-Seen",
        "Access-Control-Max-Age": "60",
    }


def test_refused_preflight_has_no_cors_headers() -> None:
    cors = Cors(origin="*", credentials=True, max_age=60, options_success_status=200)
    for request in (asking(origin=PAGE), asking()):
        response = cors.preflight(request, granted=False)
        assert response.status == 200
        assert dict(response.headers) == {
            "Content-Length": "0",
            "Vary": "Origin, Access-Control-Request-Headers",
        }


@pytest.mark.parametrize(("configured", "asked", "allowed"), [
    (None, "x-a,x-b", "x-a,x-b"), (None, "", None), (None, " , ,", None), (None, "x a, x-b, \xe9, (", "x-b"),
    (["X-Ours"], "x-a", "X-Ours"), ([], "x-a", None),
])  # fmt: skip
def test_preflight_lists_the_allowed_headers_and_methods(
    configured: Any, asked: str, allowed: str | None
) -> None:
    cors = Cors(origin=PAGE, allowed_headers=configured, methods=["GET", "POST"])
    response = cors.preflight(asking(origin=PAGE, access_control_request_headers=asked), granted=True)
    headers = dict(response.headers)
    assert headers.get("Access-Control-Allow-Headers") == allowed
    assert headers["Access-Control-Allow-Methods"] == "GET,POST"


@pytest.mark.parametrize("max_age", [-1, math.inf, math.nan])
def test_max_age_must_be_finite_and_not_negative(max_age: float) -> None:
    with pytest.raises(ValueError, match="cors: max_age"):
        Cors(max_age=max_age)


@pytest.mark.parametrize(("origin", "allowed"), [
    ("https://a.example", True), ("https://b.example", True), ("https://b.example.evil", False),
    ("https://evil/https://b.example", False), ("null", False),
])  # fmt: skip
def test_origins_are_texts_and_whole_patterns(origin: str, allowed: bool) -> None:
    cors = Cors(origin=["https://a.example", re.compile(r"https://[bc]\.example")])
    assert cors.allows(origin, Bench().request("")) is allowed


def test_function_decides_which_origins_are_allowed() -> None:
    cors = Cors(origin=lambda origin, request: origin == request.query["from"])
    request = Bench().request("from=null")
    assert cors.allows("null", request) is True
    assert cors.allows("https://a.example", request) is False
