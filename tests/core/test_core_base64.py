"""Base64 with line breaks: what MIME encoders, such as Android's, put into it, compared with the slow codec."""

from __future__ import annotations

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support import oracle
from support.native import split_payload, split_payload3

from trio_socketio._core import Failure, unwrap_binary3

texts = st.text(alphabet="AQID=/+\r\n", max_size=24) | st.binary(max_size=60).map(
    lambda data: base64.encodebytes(data).decode()
)


def decoded(packets: tuple[list[str | bytes], Failure | None]) -> bytes | None:
    found, failure = packets
    if failure is not None:
        return None
    (packet,) = found
    assert isinstance(packet, bytes)
    return packet


@pytest.mark.rows("P17")
@given(texts)
@example("AQID\n")
@example("A\r\nQ\r\nI\r\nD\r\n")
@example("AQ=\n=\n")
@example("\n")
@example("AQ==\nAQID")
def test_base64_text_gets_the_verdict_of_the_slow_codec(text):
    expected = oracle.decode_base64(text.encode())
    assert decoded(split_payload(b"b" + text.encode())) == expected
    message = unwrap_binary3("b4" + text)
    assert (None if isinstance(message, Failure) else message) == expected


@pytest.mark.rows("P17")
@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 75, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_base64_in_lines_is_decoded_in_both_revisions(size, end):
    data = bytes(range(256)) * 4
    lines = base64.encodebytes(data[:size]).decode().replace("\n", end)
    assert split_payload(b"4a\x1eb" + lines.encode() + b"\x1e4b") == (["4a", data[:size], "4b"], None)
    packet = "b4" + lines
    (only,), failure = split_payload3(f"{len(packet)}:{packet}".encode())
    assert failure is None
    assert unwrap_binary3(only) == data[:size]


@pytest.mark.rows("P17")
@pytest.mark.parametrize(
    "text", [" AQID", "AQ ID", "AQID\t", "AQID\x0b", "AQ\x00ID", "A\nQ", "AQ\n=", "AQ=\n=A", "AR==\n"]
)
def test_base64_with_anything_else_is_refused(text):
    assert isinstance(split_payload(b"b" + text.encode())[1], Failure)
    assert isinstance(unwrap_binary3("b4" + text), Failure)
