"""The upgrade from polling to WebSocket, message by message."""

from __future__ import annotations

import logging

import pytest
from support.engine import Bench, Poll

from trio_socketio._core import Failure, Message
from trio_socketio.engineio import Refusal, State
from trio_socketio.errors import DisconnectReason


@pytest.mark.rows("C13", "C37")
def test_session_moves_to_websocket_after_probe_and_upgrade_packet() -> None:
    bench = Bench()
    polling = bench.polling()
    session = polling.session
    poll = Poll(polling)
    host = bench.websocket(session.sid)
    assert session.state is State.UPGRADING
    host.deliver("2probe", bench.now)
    assert host.sent == ["3probe"]
    assert session.transport.name == "polling"
    assert poll.body == "6"
    host.deliver("5", bench.now)
    assert (session.state, session.transport) == (State.OPEN, host)
    assert bench.above[session.sid].upgrades == 1
    bench.send(session, "hello")
    host.deliver("4hello back", bench.now)
    assert host.sent == ["3probe", "4hello"]
    assert bench.above[session.sid].messages == ["hello back"]


@pytest.mark.rows("C13", "P40")
@pytest.mark.parametrize("waits", [True, False])
def test_every_waiting_poll_is_released_until_the_upgrade_packet_comes(waits: bool) -> None:
    bench = Bench()
    polling = bench.polling()
    waiting = Poll(polling) if waits else None
    host = bench.websocket(polling.session.sid)
    host.deliver("2probe", bench.now)
    assert waiting is None or waiting.body == "6"
    assert Poll(polling).body == "6"  # its client may have sent it before the answer to the probe came
    for _ in range(5):
        poll = Poll(polling)
        assert poll.body is None
        bench.advance(0.17)
        assert poll.body == "6"
    host.deliver("5", bench.now)
    bench.advance(1.0)
    assert host.sent == ["3probe"]  # no noop on the WebSocket


@pytest.mark.rows("C13")
def test_nothing_is_released_before_the_probe() -> None:
    bench = Bench()
    polling = bench.polling()
    poll = Poll(polling)
    bench.websocket(polling.session.sid)
    bench.advance(5.0)
    assert poll.body is None


@pytest.mark.rows("C13")
def test_messages_keep_their_order_across_the_switch() -> None:
    bench = Bench()
    polling = bench.polling()
    session = polling.session
    poll = Poll(polling)
    bench.send(session, "1")
    host = bench.websocket(session.sid)
    bench.send(session, "2")
    host.deliver("2probe", bench.now)
    bench.send(session, "3")
    second = Poll(polling)
    bench.send(session, "4")
    host.deliver("5", bench.now)
    bench.send(session, "5")
    assert [poll.body, second.body] == ["41", "42\x1e43"]
    assert host.sent == ["3probe", "44", "45"]


@pytest.mark.rows("C13")
def test_poll_that_still_waits_at_the_switch_is_released() -> None:
    bench = Bench()
    polling = bench.polling()
    poll = Poll(polling)
    host = bench.websocket(polling.session.sid)
    host.deliver("5", bench.now)  # without a probe: accepted, too
    assert poll.body == "6"
    bench.send(polling.session, "hello")
    assert host.sent == ["4hello"]


@pytest.mark.rows("C14")
@pytest.mark.parametrize("probed", [False, True])
def test_upgrade_timeout_closes_the_candidate_and_keeps_polling(
    probed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(upgrade_timeout=10.0)
    polling = bench.polling()
    session = polling.session
    host = bench.websocket(session.sid)
    if probed:
        waiting = Poll(polling)
        host.deliver("2probe", bench.now)
        assert waiting.body == "6"
    bench.advance(9.9)
    assert not host.ended
    bench.advance(0.2)
    assert host.ended
    assert session.state is State.OPEN
    assert len(caplog.records) == 1
    assert session.sid not in caplog.text
    poll = Poll(polling)
    bench.advance(1.0)
    assert poll.body is None  # no noop any more
    bench.send(session, "still here")
    assert poll.body == "4still here"
    assert bench.above[session.sid].ended == []


@pytest.mark.rows("C13", "C14")
@pytest.mark.parametrize("how", ["lost", "failure", "wrong packet"])
def test_candidate_that_fails_can_be_followed_by_another(how: str) -> None:
    bench = Bench()
    session = bench.polling().session
    host = bench.websocket(session.sid)
    host.deliver("2probe", bench.now)
    if how == "lost":
        host.drop()
    elif how == "failure":
        host.receiver.receive(Failure("unmasked frame", 1002), bench.now)
    else:
        host.deliver("4hello", bench.now)
    assert session.state is State.OPEN
    assert bench.above[session.sid].messages == []
    second = bench.websocket(session.sid)
    second.deliver("2probe", bench.now)
    second.deliver("5", bench.now)
    host.drop()  # the end of the first one means nothing now
    assert session.transport is second
    assert session.state is State.OPEN


@pytest.mark.rows("C15")
@pytest.mark.parametrize("state", ["upgrading", "upgraded", "direct"])
def test_second_websocket_is_refused(state: str) -> None:
    bench = Bench()
    if state == "upgrading":
        session = bench.polling().session
        first = bench.websocket(session.sid)
        first.deliver("2probe", bench.now)
    elif state == "upgraded":
        session, first = bench.upgraded()
    else:
        first = bench.websocket()
        session = next(iter(bench.engine.sessions.values()))
    before = session.state
    assert bench.engine.begin_upgrade(session, first, bench.now, session.request) is None
    assert session.state is before
    if state == "upgrading":
        first.deliver("5", bench.now)
    bench.send(session, "unharmed")
    assert first.sent[-1] == "4unharmed"


@pytest.mark.rows("C16")
def test_polling_request_after_the_upgrade_is_refused() -> None:
    bench = Bench()
    session, _ = bench.upgraded()
    for method in ("GET", "POST"):
        assert (
            bench.verify(f"EIO=4&transport=polling&sid={session.sid}", method) is Refusal.TRANSPORT_MISMATCH
        )
    assert session.is_open


def test_end_of_the_candidate_after_the_upgrade_is_the_end_of_the_session() -> None:
    bench = Bench()
    session, host = bench.upgraded()
    host.drop()
    assert bench.above[session.sid].reason is DisconnectReason.TRANSPORT_CLOSE
    assert bench.engine.clients_count == 0
    assert len(bench.engine.wheel) == 0


def test_lost_requests_after_the_upgrade_do_not_end_the_session() -> None:
    bench = Bench()
    polling = bench.polling()
    assert polling.begin_post("") is None
    assert polling.begin_poll(lambda: None) is None
    host = bench.websocket(polling.session.sid)
    host.deliver("5", bench.now)
    polling.collect()
    polling.poll_lost("gone")
    polling.post_lost("gone")
    assert polling.session.is_open


@pytest.mark.rows("C13")
def test_post_that_began_before_the_switch_is_delivered() -> None:
    bench = Bench()
    polling = bench.polling()
    assert polling.begin_post("") is None
    host = bench.websocket(polling.session.sid)
    host.deliver("5", bench.now)
    polling.session.receive("4late", bench.now)
    assert polling.end_post(None).body == b"ok"
    assert bench.above[polling.session.sid].messages == ["late"]


def test_poll_released_by_the_upgrade_confirms_nothing_of_the_websocket() -> None:
    bench = Bench()
    polling = bench.polling()
    session = polling.session
    notified: list[bool] = []
    polling.begin_poll(lambda: notified.append(True))
    host = bench.websocket(session.sid)
    host.deliver("2probe", bench.now)
    host.deliver("5", bench.now)
    assert notified
    assert polling.collect().body == b"6"
    host.wake = lambda: None  # type: ignore[method-assign] # a WebSocket whose write is slow
    bench.send(session, "hello")
    session.link.take(100)
    polling.poll_written()
    assert session.link.inflight_bytes > 0


def test_poll_that_ends_after_the_switch_confirms_nothing_of_the_websocket() -> None:
    bench = Bench()
    polling = bench.polling()
    session = polling.session
    polling.begin_poll(lambda: None)
    host = bench.websocket(session.sid)
    host.deliver("2probe", bench.now)
    host.deliver("5", bench.now)
    polling.collect()
    session.link.push(Message("on its way"))
    assert session.link.take(1)
    polling.poll_written()
    assert session.link.inflight_bytes > 0
