"""Content codings: what Accept-Encoding says, and responses in them."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_socketio.engineio import EngineResponse
from trio_socketio.net._encoding import choose_coding, encoded

OURS = ("gzip", "deflate")
BODY = b"4[1,2,3]\x1e" * 300


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("gzip, deflate, br", "gzip"),
        ("deflate, gzip", "gzip"),  # equal weights: our order
        ("deflate", "deflate"),
        ("GZIP", "gzip"),
        ("gzip;q=0.5, deflate", "deflate"),
        ("gzip;q=0.5,deflate;q=0.501", "deflate"),
        ("gzip ;\tq=0.1 ", "gzip"),
        ("gzip;Q=1.000", "gzip"),
        ("*", "gzip"),
        ("gzip;q=0, *", "deflate"),
        ("*;q=0.1, deflate;q=0.2", "deflate"),
        ("identity, gzip", "gzip"),
        ("identity;q=0.5, gzip;q=0.6", "gzip"),
        ("identity;q=0.6, gzip;q=0.5", ""),
        ("identity;q=0, br", ""),
        ("identity", ""),
        ("", ""),
        ("br, zstd", ""),
        ("gzip;q=0", ""),
        ("gzip;q=0.000, deflate;q=0", ""),
        ("*;q=0", ""),
        ("gzip, *;q=0", "gzip"),
        ("gzip;q=nan", ""),
        ("gzip;q=inf", ""),
        ("gzip;q=2", ""),
        ("gzip;q=-1", ""),
        ("gzip;q=1e0", ""),
        ("gzip;q=", ""),
        ("gzip;", ""),
        ("gzip;level=9", ""),
        ("xgzip", ""),
    ],
)
def test_coding_is_chosen_by_quality(accept: str, chosen: str) -> None:
    assert choose_coding(accept, OURS) == chosen


def test_no_coding_is_chosen_that_the_server_lacks() -> None:
    assert choose_coding("gzip, *", ()) == ""
    assert choose_coding("gzip, deflate;q=0.5", ("deflate",)) == "deflate"


@given(st.text("gzip deflate*,;q=01.\t"))
def test_every_accept_encoding_header_is_parsed(accept: str) -> None:
    assert choose_coding(accept, OURS) in ("", *OURS)


@pytest.mark.parametrize(("coding", "decode"), [("gzip", gzip.decompress), ("deflate", zlib.decompress)])
@pytest.mark.parametrize("level", [1, 6, 9])
def test_encoded_response_has_the_coding_and_its_length(coding: str, decode: object, level: int) -> None:
    assert callable(decode)
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY))), ("Vary", "Origin")]
    plain = EngineResponse(200, list(headers), BODY, close=True)
    response = encoded(plain, coding, level)
    assert len(response.body) < len(BODY)
    assert decode(response.body) == BODY
    assert sorted(response.headers) == [
        ("Content-Encoding", coding),
        ("Content-Length", str(len(response.body))),
        ("Content-Type", "text/plain"),
        ("Vary", "Origin, Accept-Encoding"),
    ]
    assert (response.status, response.close) == (200, True)
    assert plain == EngineResponse(200, headers, BODY, close=True)  # is as it was


@pytest.mark.parametrize(("coding", "body"), [("", BODY), ("gzip", b"short"), ("deflate", b"")])
def test_response_that_is_not_compressed_has_a_vary_field(coding: str, body: bytes) -> None:
    response = encoded(EngineResponse(200, [("content-length", str(len(body)))], body), coding)
    assert response.body == body
    assert response.headers == [("content-length", str(len(body))), ("Vary", "Accept-Encoding")]


def test_equal_bodies_are_encoded_equally() -> None:
    plain = EngineResponse(200, [], BODY)
    assert encoded(plain, "gzip") == encoded(plain, "gzip")
