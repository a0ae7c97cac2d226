"""Polling in revision 3: text and binary payloads, base64, and the end of a session."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.engine import Bench, Poll
from support.message_host import admission

from trio_socketio._core import Message
from trio_socketio.engineio import PollingTransport, Refusal, State
from trio_socketio.errors import DisconnectReason

TEXT, BINARY = "text/plain; charset=UTF-8", "application/octet-stream"
HEAD = '51-["bin",{"_placeholder":true,"num":0},"€😀"]'

#: What old clients say of themselves, and what they might as well.
QUERIES = ["EIO=3", "EIO=3&b64=1", "t=N7", "EIO=2"]


def _bench(**options: Any) -> Bench:
    return Bench(allow_eio3=True, **options)


def _content_type(poll: Poll) -> str:
    assert poll.response is not None
    return dict(poll.response.headers)["Content-Type"]


def _bytes(poll: Poll) -> bytes:
    assert poll.response is not None
    return poll.response.body


def _ended(bench: Bench, polling: PollingTransport) -> tuple[DisconnectReason, str]:
    (end,) = bench.above[polling.session.sid].ended
    return end


@pytest.mark.rows("C4")
@pytest.mark.parametrize("query", QUERIES)
def test_open_packet_is_a_payload_of_revision_3(query: str) -> None:
    bench = _bench(generate_id=lambda: "x" * 20)
    polling = bench.polling(query)
    packet = (
        '0{"sid":"xxxxxxxxxxxxxxxxxxxx","upgrades":["websocket"],'
        '"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
    )
    assert bench.open_packet == f"118:{packet}"
    assert polling.session.revision == 3


@pytest.mark.rows("C4")
def test_revision_3_is_refused_without_allow_eio3() -> None:
    bench = Bench()
    for query in QUERIES:
        assert bench.verify(f"{query}&transport=polling") is Refusal.PROTOCOL_VERSION
    assert bench.engine.clients_count == 0


@pytest.mark.rows("C24")
@pytest.mark.parametrize(("seconds", "milliseconds"), [(60.0, 60000), (0.5, 500), (3600.0, 3600000)])
def test_open_packet_has_the_timeout_in_milliseconds(seconds: float, milliseconds: int) -> None:
    bench = _bench(ping_timeout=seconds)
    bench.polling("EIO=3")
    length, _, packet = bench.open_packet.partition(":")
    assert len(packet) == int(length)
    assert json.loads(packet[1:])["pingTimeout"] == milliseconds


@pytest.mark.rows("C4")
def test_the_open_packet_comes_alone() -> None:
    bench = _bench()
    request = bench.request("EIO=3&transport=polling")
    assert admission(bench.engine, request) is None
    polling = bench.engine.open_polling(request, 0.0)
    polling.session.send(Message("0"))
    polling.session.send(Message("1"))
    assert polling.collect().body.startswith(b'118:0{"sid"')
    polling.poll_written()
    assert Poll(polling).body == "2:402:41"


@pytest.mark.rows("C4")
def test_text_is_counted_in_utf_16_units() -> None:
    bench = _bench()
    polling = bench.polling("EIO=3")
    poll = Poll(polling)
    assert poll.body is None
    bench.send(polling.session, '2["€😀"]')
    assert poll.body == '9:42["€😀"]'
    assert _content_type(poll) == TEXT
    assert bench.post(polling, '9:42["€😀"]3:42x').body == b"ok"
    assert bench.above[polling.session.sid].messages == ['2["€😀"]', "2x"]


@pytest.mark.rows("C5")
def test_one_binary_message_makes_the_body_binary() -> None:
    bench = _bench()
    polling = bench.polling("EIO=3")
    bench.send(polling.session, "0")
    polling.session.send(Message(HEAD, [b"\x01\x02\x03"]))
    poll = Poll(polling)
    body = b"\x00\x02\xff40" + b"\x00\x05\x01\xff4" + HEAD.encode() + b"\x01\x04\xff\x04\x01\x02\x03"
    assert _bytes(poll) == body
    assert _content_type(poll) == BINARY
    assert bench.post(polling, body, BINARY).body == b"ok"
    assert bench.above[polling.session.sid].messages == ["0", HEAD, b"\x01\x02\x03"]
    bench.send(polling.session, "1")
    assert Poll(polling).body == "2:41"


OLDEST = "EIO=3&t=1417392000000-0"


@pytest.mark.rows("C5")
def test_the_oldest_clients_get_every_body_in_binary() -> None:
    bench = _bench()
    request = bench.request(f"{OLDEST}&transport=polling")
    assert admission(bench.engine, request) is None
    polling = bench.engine.open_polling(request, bench.now)
    opening = polling.collect()
    polling.poll_written()
    assert dict(opening.headers)["Content-Type"] == BINARY
    assert opening.body.startswith(b'\x00\x01\x01\x08\xff0{"sid":')
    bench.send(polling.session, '2["€😀"]')
    poll = Poll(polling)
    text = '42["€😀"]'.encode()
    assert (_content_type(poll), _bytes(poll)) == (BINARY, b"\x00\x01\x03\xff" + text)
    poll = Poll(polling)
    polling.session.close(DisconnectReason.FORCED_SERVER_CLOSE, now=bench.now)
    assert (_content_type(poll), _bytes(poll)) == (BINARY, b"\x00\x01\xff1")


@pytest.mark.rows("C4", "C7")
@pytest.mark.parametrize(
    "query", [OLDEST + "&b64=1", OLDEST[:-2], OLDEST + "x", "EIO=3&t=N7-0", "EIO=3&t=1-0"]
)
def test_clients_that_are_not_that_old_get_text(query: str) -> None:
    bench = _bench()
    polling = bench.polling(query)
    bench.send(polling.session, "0")
    poll = Poll(polling)
    assert (_content_type(poll), poll.body) == (TEXT, "2:40")


@pytest.mark.rows("C7")
@pytest.mark.parametrize("query", ["EIO=3&b64=1", "EIO=3&b64=true", "b64=1"])
def test_base64_keeps_every_body_text(query: str) -> None:
    bench = _bench()
    polling = bench.polling(query)
    polling.session.send(Message(HEAD, [b"\x01\x02\x03"]))
    poll = Poll(polling)
    assert poll.body == f"47:4{HEAD}6:b4AQID"
    assert _content_type(poll) == TEXT
    assert bench.post(polling, f"47:4{HEAD}6:b4AQID").body == b"ok"
    assert bench.above[polling.session.sid].messages == [HEAD, b"\x01\x02\x03"]


@pytest.mark.rows("C7")
@pytest.mark.parametrize("query", ["EIO=3&b64=", "EIO=3"])
def test_blank_b64_parameter_does_not_ask_for_base64(query: str) -> None:
    bench = _bench()
    polling = bench.polling(query)
    polling.session.send(Message(None, [b"\x01"]))
    assert _bytes(Poll(polling)) == b"\x01\x02\xff\x04\x01"


@pytest.mark.rows("C5", "C7")
@pytest.mark.parametrize("query", ["EIO=3", "EIO=3&b64=1"])
def test_a_client_may_send_text_and_binary_payloads(query: str) -> None:
    bench = _bench()
    polling = bench.polling(query)
    bench.post(polling, b"\x01\x03\xff\x04ab\x00\x02\xff4x", "Application/Octet-Stream; x=y")
    bench.post(polling, "6:b4AQID", "text/plain;charset=UTF-8")
    bench.post(polling, "2:4y", "")
    assert bench.above[polling.session.sid].messages == [b"ab", "x", b"\x01\x02\x03", "y"]


@pytest.mark.rows("C4", "C5", "C7")
@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (b"2:4x1:45:", TEXT, DisconnectReason.PARSE_ERROR),
        (b"2:4x7:4", TEXT, DisconnectReason.PARSE_ERROR),
        (b"2:4x2:4\xf0\x9f\x98\x80", TEXT, DisconnectReason.PARSE_ERROR),
        (b"2:4x6:b4AQI ", TEXT, DisconnectReason.PARSE_ERROR),
        (b"2:4x5:bAQID", TEXT, DisconnectReason.PARSE_ERROR),
        (b"2:4x1:9", TEXT, DisconnectReason.PARSE_ERROR),
        (b"2:4x1:3", TEXT, DisconnectReason.TRANSPORT_ERROR),
        (b"\x00\x02\xff4x\x01\x01\xff\x03", BINARY, DisconnectReason.PARSE_ERROR),
        (b"\x00\x02\xff4x\x01\x02\xff\x04", BINARY, DisconnectReason.PARSE_ERROR),
        (b"\x00\x02\xff4x2:4y", BINARY, DisconnectReason.PARSE_ERROR),
    ],
)
def test_packets_before_a_malformed_one_are_delivered(
    body: bytes, content_type: str, reason: DisconnectReason
) -> None:
    bench = _bench()
    polling = bench.polling("EIO=3")
    response = bench.post(polling, body, content_type)
    messages = bench.above[polling.session.sid].messages
    assert messages == (["x", ""] if body.endswith(b"1:45:") else ["x"])
    assert response.status == 400
    assert _ended(bench, polling)[0] is reason
    assert bench.engine.clients_count == 0


@pytest.mark.rows("C21")
def test_a_ping_is_answered_by_the_next_poll() -> None:
    bench = _bench()
    polling = bench.polling("EIO=3")
    poll = Poll(polling)
    bench.post(polling, "1:2")
    assert poll.body == "1:3"
    bench.post(polling, "6:2probe2:4x")  # what it says is not repeated
    assert Poll(polling).body == "1:3"
    assert bench.above[polling.session.sid].messages == ["x"]


@pytest.mark.rows("C5")
@pytest.mark.parametrize(
    ("attachments", "body"),
    [([], b"2:4x1:1"), ([b"\xff"], b"\x00\x02\xff4x" + b"\x01\x02\xff\x04\xff" + b"\x00\x01\xff1")],
)
def test_the_close_packet_follows_the_queued_messages(attachments: list[bytes], body: bytes) -> None:
    bench = _bench()
    polling = bench.polling("EIO=3")
    assert polling.begin_poll(lambda: None) is None
    polling.session.send(Message("x", attachments))
    polling.session.close(DisconnectReason.FORCED_SERVER_CLOSE, now=bench.now)
    assert polling.collect().body == body
    polling.poll_written()
    assert polling.session.state is State.CLOSED


@pytest.mark.rows("C4")
def test_close_answers_the_waiting_poll_with_a_close_packet() -> None:
    bench = _bench()
    polling = bench.polling("EIO=3")
    poll = Poll(polling)
    polling.session.close(DisconnectReason.FORCED_SERVER_CLOSE, now=bench.now)
    assert poll.body == "1:1"


@pytest.mark.rows("C4")
def test_close_packet_of_the_client_ends_the_session() -> None:
    bench = _bench()
    polling = bench.polling("EIO=3")
    poll = Poll(polling)
    assert bench.post(polling, "1:1").body == b"ok"
    assert poll.body == "1:6"
    assert _ended(bench, polling)[0] is DisconnectReason.TRANSPORT_CLOSE


@pytest.mark.rows("C4")
def test_a_failure_answers_the_waiting_poll_with_a_close_packet() -> None:
    bench = _bench()
    polling = bench.polling("EIO=3")
    poll = Poll(polling)
    bench.post(polling, "what")
    assert poll.body == "1:1"


@pytest.mark.rows("C34")
@pytest.mark.parametrize(
    ("query", "packet", "body"),
    [
        ("EIO=4", "hello", b"4hello"),
        ("EIO=4", b"\x01\x02\x03", b"bAQID"),
        ("EIO=3", "h€llo", "6:4h€llo".encode()),
        ("EIO=3", b"\x01\x02\x03", b"\x01\x04\xff\x04\x01\x02\x03"),
        ("EIO=3&b64=1", b"\x01\x02\x03", b"6:b4AQID"),
    ],
)
def test_initial_packet_follows_the_open_packet(query: str, packet: str | bytes, body: bytes) -> None:
    bench = _bench(initial_packet=packet)
    polling = bench.polling(query)
    assert bench.open_packet.endswith("}")
    assert _bytes(Poll(polling)) == body
    assert len(bench.above[polling.session.sid].openings) == 1


@pytest.mark.rows("C34")
def test_initial_packet_follows_the_open_packet_on_websocket() -> None:
    bench = Bench(initial_packet="hello")
    host = bench.websocket()
    assert host.sent[1:] == ["4hello"]
