"""Chunked bodies and raw heads, however they are cut."""

from __future__ import annotations

import itertools
from contextlib import suppress

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_socketio._core import http_head_length
from trio_socketio.net._chunked import BodyTooLarge, ChunkedBody
from trio_socketio.net._raw_head import RawHead

GOOD = {
    b"0\r\n\r\n": b"",
    b"2\r\n40\r\n0\r\n\r\n": b"40",
    b'1\r\n4\r\n1;a=b;c="d;e"\r\n0\r\n000\r\nX: y\r\nZ:\r\n\r\n': b"40",
    b"A \r\n0123456789\r\n0;x\r\n\r\n": b"0123456789",
    b"4\r\n\r\n\r\n\r\n0\r\n\r\n": b"\r\n\r\n",
}
BAD = [b"\r\n", b"+2\r\n", b"0x2\r\n", b"-1\r\n", b" 2\r\n", b"zz\r\n", b"2\n", b"2\r4", b"2\r\n40x", b"2\r\n40\rx",
       b"2 2\r\n", b"2\x00\r\n", b"0\r\n X: y\r\n\r\n", b"0\r\nX\r\n\r\n", b"0\r\n: y\r\n\r\n", b"0\r\n\n"]  # fmt: skip
BEHIND = b"GET / HTTP/1.1\r\n"


def decoded(*pieces: bytes) -> ChunkedBody | None:
    """The body, if it is whole with the last of these pieces."""
    body = ChunkedBody(100, 100)
    whole = [body.receive(piece) for piece in pieces]
    assert not any(whole[:-1])
    return body if whole[-1] else None


@pytest.mark.parametrize("data", GOOD)
def test_body_is_decoded_however_it_is_cut(data: bytes) -> None:
    for at in range(1, len(data)):
        body = decoded(data[:at], data[at:] + BEHIND)
        assert body is not None
        assert (body.body, body.rest) == (GOOD[data], BEHIND)
    body = decoded(*(bytes([byte]) for byte in data))
    assert body is not None
    assert (body.body, body.rest) == (GOOD[data], b"")


@pytest.mark.parametrize("data", BAD)
def test_malformed_body_is_refused_however_it_is_cut(data: bytes) -> None:
    for at in range(len(data)):
        with pytest.raises(h11.RemoteProtocolError):
            decoded(data[:at], data[at:])
    with pytest.raises(h11.RemoteProtocolError):
        decoded(*(bytes([byte]) for byte in data))


def test_limit_is_for_the_whole_body() -> None:
    assert decoded(b"32\r\n" + b"x" * 50 + b"\r\n32\r\n" + b"x" * 50 + b"\r\n0\r\n\r\n")
    with pytest.raises(BodyTooLarge):
        decoded(b"32\r\n" + b"x" * 50 + b"\r\n33")


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[begin:end] for begin, end in itertools.pairwise(ends)]


@given(st.lists(st.sampled_from([b"X", b":", b" ", b"\t", b"\r\n", b"\r", b"\n", b"\x01", b"\xff", b"Content-Length: 2",
                                 b"Transfer-Encoding: chunked"])), st.lists(st.integers(0, 200)))  # fmt: skip
def test_head_is_judged_the_same_however_it_is_cut(parts: list[bytes], cuts: list[int]) -> None:
    data = b"GET / HTTP/1.1\r\n" + b"".join(parts) + b"\r\n\r\n" + BEHIND

    def judged(head: RawHead, pieces: list[bytes]) -> int | None:
        end = 0
        try:
            for piece in pieces:
                if size := head.receive(piece):
                    return end + size
                end += len(piece)
        except h11.RemoteProtocolError:
            return None
        raise AssertionError("it is not whole")

    end = judged(RawHead(), [data])
    assert end == judged(RawHead(), pieces(data, cuts))
    assert http_head_length(data) == (end or 0)
    if end is None:
        return
    assert data[:end].endswith(b"\r\n\r\n")
    assert b"\r\n\r\n" not in data[: end - 1]
    parser = h11.Connection(h11.SERVER)
    parser.receive_data(data)
    with suppress(h11.RemoteProtocolError):  # it refuses other things than the raw check does
        parser.next_event()
        assert parser.trailing_data[0] == data[end:]
