"""WebSocket, the heartbeat and the upgrade in revision 3."""

from __future__ import annotations

from typing import Any

import pytest
from support.engine import Above, Bench, Poll, open_parameters
from support.message_host import FrameHost

from trio_socketio._core import Message
from trio_socketio.engineio import PollingTransport, Session, State
from trio_socketio.errors import DisconnectReason


def _bench(**options: Any) -> Bench:
    return Bench(allow_eio3=True, **options)


def _direct(bench: Bench, query: str = "EIO=3") -> tuple[FrameHost, Above]:
    """A session that starts on WebSocket."""
    host = bench.websocket(query=query, host=FrameHost)
    assert isinstance(host, FrameHost)
    (above,) = bench.above.values()
    assert open_parameters(host.sent.pop(0))["sid"] == above.session.sid
    return host, above


def _candidate(bench: Bench, polling: PollingTransport, query: str = "EIO=3") -> FrameHost:
    host = bench.websocket(polling.session.sid, query, FrameHost)
    assert isinstance(host, FrameHost)
    return host


# messages


@pytest.mark.rows("C6")
def test_a_binary_frame_begins_with_its_type() -> None:
    bench = _bench()
    host, above = _direct(bench)
    above.session.send(Message("51-[]", [b"\x01\x02\x03", b""]))
    assert host.sent == ["451-[]", b"\x04\x01\x02\x03", b"\x04"]
    host.deliver("451-[]", 0.0)
    host.deliver(b"\x04\x01\x02\x03", 0.0)
    host.deliver(b"\x04", 0.0)
    assert above.messages == ["51-[]", b"\x01\x02\x03", b""]


@pytest.mark.rows("C7")
def test_a_client_that_takes_no_bytes_gets_text() -> None:
    bench = _bench()
    host, above = _direct(bench, "EIO=3&b64=1")
    above.session.send(Message("51-[]", [b"\x01\x02\x03", b""]))
    assert host.sent == ["451-[]", "b4AQID", "b4"]


@pytest.mark.rows("C6", "C7")
@pytest.mark.parametrize("query", ["EIO=3", "EIO=3&b64=1"])
def test_every_client_may_send_bytes_and_base64(query: str) -> None:
    bench = _bench()
    host, above = _direct(bench, query)
    for packet in ("b4AQID", b"\x04a", "b4"):
        host.deliver(packet, 0.0)
    assert above.messages == [b"\x01\x02\x03", b"a", b""]


@pytest.mark.rows("C6", "C7")
@pytest.mark.parametrize(
    "packet", [b"", b"\x01", b"4a", b"\x02probe", "b", "bAQID", "b3AQID", "b4AQI", "b4€", "", "0", "5", "x"]
)
def test_malformed_packet_ends_the_session(packet: str | bytes) -> None:
    bench = _bench()
    host, above = _direct(bench)
    host.deliver(packet, 0.0)
    assert above.reason is DisconnectReason.PARSE_ERROR
    assert above.messages == []
    assert host.ended


def test_base64_with_a_type_ends_a_session_of_revision_4() -> None:
    bench = _bench()
    host, above = _direct(bench, "EIO=4")
    host.deliver("b4AQID", 0.0)
    assert above.reason is DisconnectReason.PARSE_ERROR


# the heartbeat


@pytest.mark.rows("C21")
@pytest.mark.parametrize("ping", ["2", "2probe", "2x"])
def test_each_ping_is_answered_without_its_data(ping: str) -> None:
    bench = _bench()
    host, above = _direct(bench)
    for _ in range(3):
        host.deliver(ping, bench.now)
    assert host.sent == ["3"] * 3
    assert above.messages == []


@pytest.mark.rows("C21")
@pytest.mark.parametrize("upgraded", [False, True])
def test_session_ends_if_the_client_stops_pinging(upgraded: bool) -> None:
    bench = _bench()
    if upgraded:
        polling = bench.polling("EIO=3")
        session, host = polling.session, _candidate(bench, polling)
        host.deliver("2probe", 0.0)
        host.deliver("5", 0.0)
    else:
        host, above = _direct(bench)
        session = above.session
    for _ in range(4):
        bench.advance(44.9)
        host.deliver("2", bench.now)
    bench.advance(20)
    host.deliver("4x", bench.now)  # counts like a ping
    assert host.sent.count("2") == 0
    bench.advance(44.9)
    assert session.is_open
    bench.advance(0.2)
    assert bench.above[session.sid].ended == [(DisconnectReason.PING_TIMEOUT, "no ping for 45 s")]
    assert host.ended


@pytest.mark.rows("C21")
def test_session_ends_if_the_client_never_pings() -> None:
    bench = _bench(ping_interval=2.0, ping_timeout=1.5)
    polling = bench.polling("EIO=3")
    bench.advance(3.4)
    assert polling.session.is_open
    bench.advance(0.2)
    assert bench.above[polling.session.sid].ended == [(DisconnectReason.PING_TIMEOUT, "no ping for 3.5 s")]


@pytest.mark.rows("C21", "C23")
@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_pong_from_the_client_ends_the_session(transport: str) -> None:
    bench = _bench()
    session = bench.polling("EIO=3").session if transport == "polling" else _direct(bench)[1].session
    session.receive("3", 0.0)
    assert bench.above[session.sid].ended == [
        (DisconnectReason.TRANSPORT_ERROR, "invalid heartbeat direction")
    ]


@pytest.mark.rows("C21")
def test_pongs_for_a_client_that_does_not_read_are_bounded() -> None:
    bench = _bench()
    polling = bench.polling("EIO=3")
    limit = 2 * bench.engine.options.outbox.max_packets
    for _ in range(2 * limit):
        polling.session.receive("2", 0.0)
    assert polling.session.link.queued_packets == limit
    assert polling.session.is_open


@pytest.mark.rows("C21")
def test_deadline_for_pings_is_suspended_during_a_pause() -> None:
    bench = _bench()
    _, above = _direct(bench)
    above.session.pause(bench.now)
    bench.advance(100.0)
    above.session.resume(bench.now)
    bench.advance(44.9)
    assert above.session.is_open
    bench.advance(0.2)
    assert above.reason is DisconnectReason.PING_TIMEOUT


# any message while an answer is due, in revision 4


def _beating(bench: Bench, transport: str) -> tuple[Session, Any]:
    if transport == "polling":
        polling = bench.polling()
        return polling.session, lambda packet: bench.post(polling, packet)
    host = bench.websocket()
    (above,) = bench.above.values()
    return above.session, lambda packet: host.deliver(packet, bench.now)


@pytest.mark.rows("C22", "P11")
@pytest.mark.parametrize("transport", ["polling", "websocket"])
@pytest.mark.parametrize("binary", [False, True])
def test_each_message_starts_the_wait_for_an_answer_anew(transport: str, binary: bool) -> None:
    bench = Bench()
    session, deliver = _beating(bench, transport)
    message: str | bytes = "4x"
    if binary:
        message = "bAQID" if transport == "polling" else b"\x01"
    bench.advance(26.0)  # a ping is out since 25
    bench.advance(18.0)
    for _ in range(5):
        deliver(message)
        bench.advance(19.9)
        assert session.is_open
    bench.advance(0.2)
    assert bench.above[session.sid].reason is DisconnectReason.PING_TIMEOUT


@pytest.mark.rows("C22")
@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_each_message_puts_the_deadline_off_again(transport: str) -> None:
    bench = Bench()
    session, deliver = _beating(bench, transport)
    for _ in range(3):
        bench.advance(25.1 + 19.0)
        deliver("4x")
        bench.advance(19.0)
        deliver("3")
    assert session.is_open
    bench.advance(45.1)
    assert bench.above[session.sid].reason is DisconnectReason.PING_TIMEOUT


# the upgrade


@pytest.mark.rows("C13", "C6")
def test_upgraded_session_sends_the_queue_with_packet_types() -> None:
    bench = _bench()
    polling = bench.polling("EIO=3")
    poll = Poll(polling)
    host = _candidate(bench, polling)
    host.deliver("2probe", 0.0)
    assert host.sent == ["3probe"]
    assert [poll.body, Poll(polling).body] == ["1:6", "1:6"]
    third = Poll(polling)
    assert third.body is None
    bench.advance(0.11)
    assert third.body == "1:6"
    bench.send(polling.session, "queued")
    polling.session.send(Message("51-[]", [b"a"]))
    host.deliver("5", bench.now)
    assert host.sent == ["3probe", "4queued", "451-[]", b"\x04a"]
    host.deliver(b"\x04b", bench.now)
    host.deliver("2", bench.now)
    assert host.sent[-1] == "3"
    above = bench.above[polling.session.sid]
    assert (above.messages, above.upgrades) == ([b"b"], 1)


@pytest.mark.rows("C7")
@pytest.mark.parametrize(("query", "attachment"), [("EIO=3", b"\x04a"), ("EIO=3&b64=1", "b4YQ==")])
def test_request_of_the_candidate_decides_about_base64(query: str, attachment: str | bytes) -> None:
    bench = _bench()
    polling = bench.polling("EIO=3&b64=1")
    polling.session.send(Message(None, [b"a"]))  # for a body of text
    host = _candidate(bench, polling, query)
    host.deliver("5", 0.0)
    polling.session.send(Message(None, [b"a"]))
    assert host.sent == ["b4YQ==", attachment]


@pytest.mark.parametrize("packet", ["2", "3", "4x", b"\x04x", "b4YQ=="])
def test_any_other_packet_ends_the_candidate_only(packet: str | bytes) -> None:
    bench = _bench()
    polling = bench.polling("EIO=3")
    host = _candidate(bench, polling)
    host.deliver(packet, 0.0)
    assert host.ended
    assert polling.session.state is State.OPEN
    assert bench.above[polling.session.sid].messages == []


# all kinds of clients at once


def test_message_is_encoded_once_for_each_kind_of_client() -> None:
    bench = _bench()
    message = Message("51-[]", [b"\x01\x02\x03"])
    for query in ("EIO=4", "EIO=3", "EIO=3&b64=1"):
        for _ in range(10):
            bench.polling(query)
            bench.websocket(query=query, host=FrameHost)
    for above in bench.above.values():
        above.session.send(message)
        if isinstance(above.session.transport, PollingTransport):
            Poll(above.session.transport)
    assert message.forms == {
        "payload 4", "typed", "typed, binary payload 3", "base64", "base64, text payload 3",
    }  # fmt: skip
