"""A session on WebSocket, message by message: opening, heartbeat, close, pause, alarm."""

from __future__ import annotations

import math

import pytest
from support.engine import Bench, Poll, open_parameters
from support.message_host import MessageHost

from trio_socketio._core import CloseFrame, Failure, Message, PushStatus
from trio_socketio.engineio import Outbox, Session, State
from trio_socketio.errors import DisconnectReason


def _direct(bench: Bench) -> tuple[Session, MessageHost]:
    host = bench.websocket()
    assert isinstance(host.receiver, Session)
    return host.receiver, host


@pytest.mark.rows("C3")
def test_direct_websocket_begins_with_the_open_packet() -> None:
    bench = Bench()
    session, host = _direct(bench)
    (packet,) = host.sent
    assert open_parameters(packet) == {
        "sid": session.sid, "upgrades": [], "pingInterval": 25000, "pingTimeout": 20000, "maxPayload": 1_000_000,
    }  # fmt: skip
    assert session.transport is host
    assert bench.engine.clients_count == 1


@pytest.mark.rows("C2")
def test_messages_in_both_directions() -> None:
    bench = Bench()
    session, host = _direct(bench)
    host.deliver("4text", 0.0)
    host.deliver("4", 0.0)
    host.deliver(b"\x04binary", 0.0)
    host.deliver(b"", 0.0)
    assert bench.above[session.sid].messages == ["text", "", b"\x04binary", b""]
    session.send(Message("text", [b"one", b""]))
    assert host.sent[1:] == ["4text", b"one", b""]


@pytest.mark.rows("C2", "C7")
def test_a_client_that_is_forced_to_base64_sends_text_for_bytes() -> None:
    bench = Bench()
    session, host = _direct(bench)
    host.deliver("bAQID", 0.0)
    host.deliver("b", 0.0)
    assert bench.above[session.sid].messages == [b"\x01\x02\x03", b""]


@pytest.mark.rows("F23")
@pytest.mark.parametrize(
    "packet", ["", "0{}", "5", "6", "7", "x", " 4", "\x004", "bAQI", "bA=QI", "bAQID\x1e", "b€", "b\ud83d"]
)
def test_packet_that_no_client_sends(packet: str) -> None:
    bench = Bench()
    session, host = _direct(bench)
    host.deliver(packet, 0.0)
    host.deliver("4after", 0.0)
    assert bench.above[session.sid].reason is DisconnectReason.PARSE_ERROR
    assert bench.above[session.sid].messages == []
    assert host.ended
    assert session.state is State.CLOSED


@pytest.mark.rows("C23")
@pytest.mark.parametrize("packet", ["2", "2probe"])
@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_ping_from_the_client(packet: str, transport: str) -> None:
    bench = Bench()
    session = _direct(bench)[0] if transport == "websocket" else bench.polling().session
    session.receive(packet, 0.0)
    assert bench.above[session.sid].ended == [
        (DisconnectReason.TRANSPORT_ERROR, "invalid heartbeat direction")
    ]


@pytest.mark.rows("C28")
def test_close_packet_on_websocket() -> None:
    bench = Bench()
    session, host = _direct(bench)
    bench.send(session, "queued")
    host.deliver("1", 0.0)
    assert bench.above[session.sid].reason is DisconnectReason.TRANSPORT_CLOSE
    assert host.ended
    assert bench.engine.clients_count == 0


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (CloseFrame(1001, "bye"), DisconnectReason.TRANSPORT_CLOSE),
        (CloseFrame(1005, ""), DisconnectReason.TRANSPORT_CLOSE),
        (Failure("unmasked frame", 1002), DisconnectReason.TRANSPORT_ERROR),
    ],
)
def test_end_of_the_stream_of_packets(end: CloseFrame | Failure, reason: DisconnectReason) -> None:
    bench = Bench()
    session, host = _direct(bench)
    session.receive(end, 0.0)
    assert bench.above[session.sid].reason is reason
    assert host.ended


# the heartbeat


@pytest.mark.rows("C20")
@pytest.mark.parametrize("upgraded", [False, True])
def test_server_pings_after_each_pong(upgraded: bool) -> None:
    bench = Bench()
    session, host = bench.upgraded() if upgraded else _direct(bench)
    for _ in range(3):
        pings = host.sent.count("2")
        bench.advance(24.9)
        assert host.sent.count("2") == pings
        bench.advance(0.2)
        assert host.sent.count("2") == pings + 1
        bench.advance(10.0)
        host.deliver("3", bench.now)
    assert session.is_open


@pytest.mark.rows("C20")
def test_polling_has_the_same_heartbeat() -> None:
    bench = Bench()
    polling = bench.polling()
    for _ in range(3):
        poll = Poll(polling)
        bench.advance(24.9)
        assert poll.body is None
        bench.advance(0.2)
        assert poll.body == "2"
        bench.advance(19.8)
        assert bench.post(polling, "3").body == b"ok"
    bench.advance(44.8)
    assert polling.session.is_open
    bench.advance(0.3)
    assert bench.above[polling.session.sid].reason is DisconnectReason.PING_TIMEOUT


@pytest.mark.rows("C20")
def test_ping_interval_may_be_shorter_than_the_timeout() -> None:
    bench = Bench(ping_interval=1.0, ping_timeout=20.0)
    polling = bench.polling()
    for _ in range(5):
        poll = Poll(polling)
        bench.advance(1.1)
        assert poll.body == "2"
        bench.post(polling, "3")


@pytest.mark.rows("C20")
@pytest.mark.parametrize("answered", [0, 2])
def test_no_answer_ends_the_session(answered: int) -> None:
    bench = Bench(ping_interval=2.0, ping_timeout=1.0)
    session, host = _direct(bench)
    for _ in range(answered):
        bench.advance(2.2)
        host.deliver("3", bench.now)
    bench.advance(2.2)
    host.deliver("4a message is no answer", bench.now)
    bench.advance(0.7)
    assert session.is_open
    bench.advance(0.3)
    assert bench.above[session.sid].reason is DisconnectReason.PING_TIMEOUT
    assert host.ended
    assert len(bench.engine.wheel) == 0


@pytest.mark.rows("C20")
def test_pongs_that_nobody_asked_for_change_nothing() -> None:
    bench = Bench()
    session, host = _direct(bench)
    for _ in range(50):
        host.deliver("3", bench.now)
        bench.advance(0.49)
    bench.advance(1.0)
    assert host.sent.count("2") == 1
    assert len(bench.engine.wheel) == 1
    assert session.is_open


@pytest.mark.rows("P2")
def test_pings_go_on_while_the_session_is_paused() -> None:
    bench = Bench()
    session, host = _direct(bench)
    bench.advance(25.1)
    session.pause(bench.now)
    bench.advance(3600.0)
    assert session.is_open
    session.resume(bench.now)
    bench.advance(19.9)
    assert session.is_open
    bench.advance(0.2)
    assert bench.above[session.sid].reason is DisconnectReason.PING_TIMEOUT
    assert host.sent.count("2") == 1 + 3600 // 20 + 1


# time and room


def test_alarm() -> None:
    bench = Bench()
    session, _ = _direct(bench)
    session.set_alarm(3.0)
    session.set_alarm(5.0)
    bench.advance(4.9)
    assert bench.above[session.sid].alarms == []
    bench.advance(0.2)
    (time,) = bench.above[session.sid].alarms
    assert 5.0 <= time < 5.1
    session.set_alarm(6.0)
    session.set_alarm(math.inf)
    bench.advance(10.0)
    assert len(bench.above[session.sid].alarms) == 1


def test_full_outbox_says_so_and_protected_messages_pass() -> None:
    bench = Bench(outbox=Outbox(max_packets=2))
    session = bench.polling().session
    statuses = [session.send(Message("a")) for _ in range(3)]
    assert statuses == [PushStatus.OK, PushStatus.OK, PushStatus.FULL]
    assert session.send(Message("b"), protected=True) is PushStatus.OK
    session.close(DisconnectReason.FORCED_SERVER_CLOSE, now=bench.now, linger=True)
    assert session.send(Message("c"), protected=True) is PushStatus.DROPPED


def test_failed_session_sends_nothing_that_was_queued() -> None:
    bench = Bench()
    polling = bench.polling()
    bench.send(polling.session, "queued")
    polling.session.fail(DisconnectReason.FORCED_SERVER_CLOSE, "given up")
    assert polling.session.link.queued_packets == 0
    assert polling.session.state is State.CLOSED


def test_session_id_is_not_shown_whole() -> None:
    session = Bench().polling().session
    assert session.sid not in repr(session)


@pytest.mark.rows("F11")
def test_volatile_message_that_finds_the_outbox_full_is_dropped() -> None:
    bench = Bench(outbox=Outbox(max_packets=1))
    session = bench.polling().session
    session.transport.begin_poll(lambda: None)  # type: ignore[attr-defined]
    assert session.send(Message("a")) is PushStatus.OK
    assert session.send(Message("b"), volatile=True) is PushStatus.DROPPED
    assert session.volatile_dropped == 1
