"""Payloads of Engine.IO revision 3, compared with the slow codecs."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import oracle
from support.native import split_payload3

from trio_socketio._core import Failure, unwrap_binary3

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
attachments = st.binary(max_size=20).map(b"\x04".__add__)
text_bodies = st.text(alphabet="0123456789:4b€😀", max_size=30).map(str.encode) | st.lists(
    st.sampled_from([b"1:2", b"2:4x", b"3:4\xf0\x9f\x98\x80", b"0:", b"\xf0", b"\x80", b"1", b"9:"]),
    max_size=6,
).map(b"".join)
binary_bodies = st.lists(st.sampled_from(list(b"\0\0\0\1\1\1\2\3\xff\xff\xff42")), max_size=30).map(bytes)


@pytest.mark.rows("C4")
@given(st.lists(texts, min_size=1, max_size=8))
def test_a_text_payload_that_was_joined_splits_into_its_packets(packets):
    assert split_payload3(oracle.join_payload3(packets)) == (packets, None)


@pytest.mark.rows("C5")
@given(st.lists(texts | attachments, max_size=8))
def test_a_binary_payload_that_was_joined_splits_into_its_packets(packets):
    assert split_payload3(oracle.join_payload3_binary(packets), True) == (packets, None)


@pytest.mark.rows("C4")
@given(text_bodies | st.binary(max_size=40))
def test_any_text_body_gets_the_verdict_of_the_slow_codec(body):
    found, failure = split_payload3(body)
    assert (found, failure is None) == oracle.split_payload3(body)


@pytest.mark.rows("C5")
@given(binary_bodies | st.binary(max_size=40))
def test_any_binary_body_gets_the_verdict_of_the_slow_codec(body):
    found, failure = split_payload3(body, True)
    assert (found, failure is None) == oracle.split_payload3_binary(body)


@pytest.mark.parametrize("binary", [False, True])
@given(st.lists(texts, min_size=1, max_size=5), st.data())
def test_a_mutated_body_gets_the_verdict_of_the_slow_codec(binary, packets, draw):
    join, split = (
        (oracle.join_payload3_binary, oracle.split_payload3_binary)
        if binary
        else (oracle.join_payload3, oracle.split_payload3)
    )
    body = bytearray(join(packets))
    body[draw.draw(st.integers(0, len(body) - 1))] = draw.draw(st.sampled_from(b"\x00\x01:019\x80\xf0\xff"))
    found, failure = split_payload3(bytes(body), binary)
    assert (found, failure is None) == split(bytes(body))


@pytest.mark.parametrize(("one", "binary"), [(b"2:4x", False), (b"\x00\x02\xff4x", True), (b"0:", False)])
def test_splitting_takes_time_in_proportion_to_the_body(one, binary):
    def seconds(count: int) -> float:
        best = float("inf")
        for _ in range(5):
            start = time.process_time()
            split_payload3(one * count, binary)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(50_000) < 50 * seconds(5_000)


# what is in a binary packet


@pytest.mark.rows("C6", "C7")
@given(st.binary())
def test_a_binary_message_is_unwrapped(data):
    assert unwrap_binary3(b"\x04" + data) == data
    assert unwrap_binary3("b4" + base64.b64encode(data).decode()) == data


@pytest.mark.rows("C6", "C7")
@pytest.mark.parametrize(
    "packet", [b"", b"\x02", b"4x", b"\x00\x04", "b", "b3AQID", "bAQID", "b\ud800", "b€"]
)
def test_what_is_no_message_is_refused(packet):
    assert unwrap_binary3(packet) == Failure("missing or unknown packet type", 0)


@pytest.mark.rows("C7")
@pytest.mark.parametrize("packet", ["b4A", "b4AQI", "b4AR==", "b4AQID ", "b4-_8=", "b4€€", "b4\ud800\ud800"])
def test_base64_is_strict(packet):
    assert unwrap_binary3(packet) == Failure("binary packet is not base64", 0)
