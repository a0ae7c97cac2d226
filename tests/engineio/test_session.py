"""A session on WebSocket, message by message: opening, heartbeat, close, pause, alarm."""

from __future__ import annotations

import math

import pytest
from support.engine import Bench, Poll, open_parameters
from support.message_host import MessageHost

from trio_socketio._core import Message
from trio_socketio.engineio import Session, State
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
def test_session_on_polling_is_pinged_and_times_out() -> None:
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
def test_unsolicited_pongs_change_nothing() -> None:
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


def test_alarm_is_called_at_the_deadline_set_last() -> None:
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


def test_failed_session_sends_nothing_that_was_queued() -> None:
    bench = Bench()
    polling = bench.polling()
    bench.send(polling.session, "queued")
    polling.session.fail(DisconnectReason.FORCED_SERVER_CLOSE, "given up")
    assert polling.session.link.queued_packets == 0
    assert polling.session.state is State.CLOSED
