"""Engine.IO payloads and the heads of Socket.IO packets, compared with the slow codecs."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import oracle
from support.native import split_payload

from trio_socketio._core import Failure, PacketHead, PayloadReader, scan_head

text_packets = st.text(
    st.characters(exclude_characters="\x1e", exclude_categories=["Cs"]), min_size=1
).filter(lambda text: text[0] != "b")
packets = st.lists(text_packets | st.binary(), min_size=1, max_size=8)
bodies = st.binary(max_size=80) | st.text(alphabet="\x1eb4AQ=D+/ €", max_size=40).map(str.encode)


@pytest.mark.rows("C1")
@given(packets)
def test_a_payload_that_was_joined_splits_into_its_packets(packets):
    assert split_payload(oracle.join_payload(packets)) == (packets, None)


@pytest.mark.rows("C1")
@given(bodies)
def test_any_body_gets_the_verdict_of_the_slow_codec(body):
    found, failure = split_payload(body)
    assert (found, failure is None) == oracle.split_payload(body)


@given(packets, st.data())
def test_a_mutated_payload_gets_the_verdict_of_the_slow_codec(packets, draw):
    body = bytearray(oracle.join_payload(packets))
    body[draw.draw(st.integers(0, len(body) - 1))] = draw.draw(st.sampled_from(b"\x1eb=A\xff\x80"))
    found, failure = split_payload(bytes(body))
    assert (found, failure is None) == oracle.split_payload(bytes(body))


@pytest.mark.rows("P18")
def test_packets_are_read_one_at_a_time_and_a_failure_ends_them():
    reader = PayloadReader(b"4a\x1e4b\x1e\x1e4c")
    assert next(reader) == "4a"
    assert reader.failure is None
    assert list(reader) == ["4b"]
    assert reader.failure == Failure("empty packet in a payload", 0)
    assert list(reader) == []


def test_splitting_takes_time_in_proportion_to_the_body():
    def seconds(count: int) -> float:
        body = b"\x1e".join([b"4x"] * count)
        best = float("inf")
        for _ in range(5):
            start = time.process_time()
            split_payload(body)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(50_000) < 50 * seconds(5_000)


# The head of a packet


digits = st.text(alphabet="0123456789", max_size=18)
heads = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from("0123456789-x"),
    digits | st.builds("{}-".format, digits | st.sampled_from(["1", "10", "11", "+1", "1.0"])),
    st.just("") | st.builds("/{}{}".format, st.text(max_size=8), st.sampled_from([",", ""])),
    digits | st.sampled_from(["9007199254740991", "9007199254740992"]),
    st.just("") | st.sampled_from(['["a"]', "{}", '["é",1]']) | st.text(max_size=8),
)


def slow_head(text: str, limit: int) -> PacketHead | None:
    try:
        kind, count, namespace, number, json = oracle.scan_head(text, limit)
    except oracle.Bad:
        return None
    return kind, count, namespace, number, json.encode()


@pytest.mark.rows("D1", "D4", "D11", "D12")
@given(heads | st.text(max_size=12), st.integers(0, 12))
def test_any_head_gets_the_verdict_of_the_slow_codec(text, limit):
    head = scan_head(text.encode(), limit)
    assert (None if isinstance(head, Failure) else head) == slow_head(text, limit)


@pytest.mark.rows("D1")
@given(
    st.integers(0, 4),
    st.just("/") | st.text(st.characters(exclude_characters=",", exclude_categories=["Cs"])).map("/".__add__),
    st.none() | st.integers(0, 2**53 - 1),
    st.sampled_from(["", "[]", '["a"]', "{}"]),
)
def test_a_head_that_was_built_is_scanned_into_its_parts(kind, namespace, number, json):
    text = f"{kind}{namespace if namespace != '/' else ''}{',' if namespace != '/' else ''}"
    text += f"{'' if number is None else number}{json}"
    assert scan_head(text.encode(), 10) == (kind, 0, namespace, number, json.encode())


@pytest.mark.parametrize("digits", [400, 10_000_000])
def test_endless_digits_are_refused(digits):
    assert scan_head(b"2" + b"1" * digits, 10) == Failure("ack id exceeds 2^53-1", 0)
    assert scan_head(b"5" + b"1" * digits + b"-[]", 10) == Failure("illegal attachments", 0)


@pytest.mark.parametrize("namespace", [b"\xed\xa0\x80", b"\xff", b"\xc3"])
def test_a_namespace_that_is_no_utf8_is_refused(namespace):
    assert scan_head(b"2/" + namespace + b',["a"]', 10) == Failure("packet is not valid UTF-8", 0)
