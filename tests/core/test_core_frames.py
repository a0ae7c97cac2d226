"""What the compiled connection makes of WebSocket frames, compared with the slow codec."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.native import connection, cut, every_way, read
from support.oracle import Verdict, read_frames
from support.wire import client_frame, server_frames

from trio_socketio._core import CloseFrame, Failure

LIMIT = 300
FRAGMENTS = 6

payloads = st.binary(max_size=140) | st.text(max_size=60).map(str.encode)
keys = st.binary(min_size=4, max_size=4)
close_payloads = st.builds(
    lambda code, reason: code.to_bytes(2, "big") + reason,
    st.sampled_from([1000, 1001, 1003, 1007, 1014, 3000, 4999]) | st.integers(0, 65535),
    st.text(max_size=20).map(str.encode) | st.binary(max_size=20),
)


@st.composite
def messages(draw):
    """The frames of one message, control frames between them."""
    payload = draw(payloads | st.binary(min_size=250, max_size=320))
    points = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=4)))
    parts = [payload[a:b] for a, b in zip([0, *points], [*points, len(payload)], strict=True)]
    frames = []
    for number, part in enumerate(parts):
        opcode = draw(st.sampled_from([1, 1, 2])) if number == 0 else 0
        frames.append(client_frame(opcode, part, fin=number == len(parts) - 1, key=draw(keys)))
        if draw(st.booleans()):
            frames.append(
                client_frame(draw(st.sampled_from([9, 10])), draw(st.binary(max_size=125)), key=draw(keys))
            )
    return b"".join(frames)


streams = st.lists(messages(), max_size=4).map(b"".join)
closes = st.builds(client_frame, st.just(8), close_payloads | st.binary(max_size=3), key=keys)
any_frames = st.builds(
    client_frame,
    st.integers(0, 15),
    st.binary(max_size=200),
    fin=st.booleans(),
    rsv=st.sampled_from([0, 0, 0, 0, 1, 2, 4, 7]),
    key=keys | st.none(),
)


def link():
    return connection(max_message_bytes=LIMIT, max_fragments=FRAGMENTS)


def oracle(data: bytes) -> Verdict:
    return read_frames(data, LIMIT, FRAGMENTS)


def agrees(data: bytes, seed: int) -> None:
    expected = oracle(data)
    for pieces in every_way(data, [seed]):
        assert read(link(), pieces) == expected


@given(streams, st.integers(0))
def test_frames_of_messages_mean_the_same_however_they_are_cut(data, seed):
    agrees(data, seed)


@given(streams, closes, st.binary(max_size=20), st.integers(0))
def test_what_comes_after_a_close_frame_is_ignored(before, close, after, seed):
    expected = oracle(before + close)
    assert read(link(), cut(before + close + after, seed)) == expected


@given(st.lists(any_frames, max_size=6).map(b"".join), st.integers(0))
def test_frames_right_and_wrong_get_the_verdict_of_the_slow_codec(data, seed):
    agrees(data, seed)


@given(streams | st.builds(bytes.__add__, streams, closes), st.data(), st.integers(0))
def test_mutated_frames_get_the_verdict_of_the_slow_codec(data, draw, seed):
    mutated = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4)) if data else 0):
        mutated[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    agrees(bytes(mutated[: draw.draw(st.integers(0, len(mutated)))]), seed)


@given(st.binary(max_size=400), st.integers(0))
def test_random_bytes_get_the_verdict_of_the_slow_codec(data, seed):
    agrees(data, seed)


@given(st.text(min_size=1, max_size=30), st.data())
def test_text_is_refused_at_the_byte_that_makes_it_wrong(text, draw):
    wrong = bytearray(text.encode())
    wrong[draw.draw(st.integers(0, len(wrong) - 1))] = 0xFF
    frame = client_frame(1, bytes(wrong))
    first_bad = 6 + wrong.index(0xFF)
    for at in range(len(frame)):
        verdict = read(link(), [frame[: at + 1]])
        if at >= first_bad:
            assert verdict.failed == 1007
    assert read(link(), [frame[:6]]).failed == 0


def test_a_failed_reader_stays_failed():
    broken = connection()
    broken.feed(client_frame(1, b"good") + client_frame(3, b"bad") + client_frame(1, b"lost"))
    assert broken.next_event(0.0) == "good"
    failure = broken.next_event(0.0)
    assert failure == Failure("reserved opcode", 1002)
    broken.feed(client_frame(1, b"lost as well"))
    assert broken.next_event(0.0) == failure


def test_after_a_close_frame_there_are_no_events():
    closed = connection()
    closed.feed(client_frame(8, b"\x03\xe8bye") + client_frame(1, b"lost"))
    assert closed.next_event(0.0) == CloseFrame(1000, "bye")
    closed.feed(client_frame(1, b"lost as well"))
    assert closed.next_event(0.0) is None


def test_the_largest_message_is_taken_and_one_byte_more_is_refused_by_its_header():
    for opcode in (1, 2):
        frame = client_frame(opcode, b"x" * LIMIT)
        assert [len(m) for m in read(link(), [frame]).messages] == [LIMIT]
        too_big = client_frame(opcode, b"x" * (LIMIT + 1))
        assert read(link(), [too_big[:4]]).failed == 1009


def test_fragments_are_refused_at_the_one_that_passes_the_limit():
    start = client_frame(2, b"x" * 200, fin=False)
    assert read(link(), [start]).failed == 0
    assert read(link(), [start + client_frame(0, b"x" * 101)[:2]]).failed == 1009


@pytest.mark.parametrize("size", [0, 1])
def test_a_hundred_thousand_fragments_end_at_the_limit(size):
    many = connection(max_fragments=4096)
    flood = client_frame(2, b"x" * size, fin=False) + client_frame(0, b"x" * size, fin=False) * 100_000
    assert read(many, [flood]).failed == 1008


def test_an_announced_length_reserves_nothing():
    for length in (1 << 40, 1 << 62, (1 << 63) - 1):
        header = b"\x82\xff" + length.to_bytes(8, "big")
        assert read(connection(), [header]).failed == 1009


def test_lengths_with_the_top_bit_or_not_in_the_shortest_form_are_refused():
    for header in (
        b"\x82\xff" + (1 << 63).to_bytes(8, "big"),
        b"\x82\xff" + b"\xff" * 8,
        b"\x82\xfe\x00\x7d",
        b"\x82\xff" + (65535).to_bytes(8, "big"),
    ):
        assert read(connection(), [header]).failed == 1002


@given(st.lists(st.binary(max_size=125), min_size=1, max_size=5), st.integers(0))
@pytest.mark.rows("P21")
def test_each_ping_has_its_pong_in_its_order(pings, seed):
    pinged = connection()
    read(pinged, cut(b"".join(client_frame(9, ping) for ping in pings), seed))
    assert pinged.has_output
    assert server_frames(pinged.take(1)) == [(10, ping) for ping in pings]
    assert not pinged.has_output


@pytest.mark.rows("P21")
def test_pongs_of_a_peer_that_does_not_read_are_bounded_by_the_outbox():
    pinged = connection(max_bytes=200_000)
    verdict = read(pinged, [client_frame(9, bytes(123))] * 1600)
    assert verdict.failed == 0
    assert read(pinged, [client_frame(9)]).failed == 1008
    assert len(pinged.take(1)) == 200_000


def test_an_upgraded_session_takes_over_what_the_candidate_has_read():
    candidate, session = connection(), connection()
    candidate.feed(
        client_frame(9, b"p") + client_frame(1, b"5") + client_frame(1, b"4x") + b"\x81\x82\0\0\0\0y"
    )
    assert candidate.next_event(0.0) == "5"
    session.adopt(candidate)
    assert session.next_event(0.0) == "4x"
    session.feed(b"z")
    assert session.next_event(0.0) == "yz"
    assert session.take(1) == b"\x8a\x01p"
    assert candidate.next_event(0.0) is None
    assert not candidate.has_output


def test_a_message_stays_when_its_source_is_overwritten():
    reused = connection()
    buffer = bytearray(client_frame(2, b"first"))
    reused.feed(buffer)
    buffer[:] = bytes(len(buffer))
    assert reused.next_event(0.0) == b"first"
