"""A pause of a session: it is reported after a while, and a client on polling must go on polling."""

from __future__ import annotations

from typing import Any

import pytest
from support.engine import Bench, Poll

from trio_socketio import Outbox
from trio_socketio.errors import DisconnectReason

pytestmark = pytest.mark.rows("P2")

PATIENCE = 45.0


def paused(bench: Bench) -> Any:
    polling = bench.polling()
    polling.session.pause(bench.now)
    return polling


def test_paused_session_without_polls_ends() -> None:
    bench = Bench()
    session = paused(bench).session
    bench.advance(PATIENCE - 0.1)
    assert session.is_open
    bench.advance(0.2)
    assert bench.above[session.sid].ended == [(DisconnectReason.PING_TIMEOUT, "no poll for 45 s")]


def test_poll_before_the_pause_does_not_count() -> None:
    bench = Bench()
    polling = bench.polling()
    bench.send(polling.session, "a")
    assert Poll(polling).body == "4a"
    polling.session.pause(bench.now)
    bench.advance(PATIENCE + 0.1)
    assert bench.above[polling.session.sid].reason is DisconnectReason.PING_TIMEOUT


def test_paused_session_lives_while_its_client_polls() -> None:
    bench = Bench()
    polling = paused(bench)
    for _ in range(50):
        poll = Poll(polling)
        while poll.body is None:
            bench.advance(1.0)
        assert poll.body == "2"
    assert bench.now > 20 * PATIENCE
    assert polling.session.is_open
    bench.advance(PATIENCE + 20.0 + 0.1)
    assert bench.above[polling.session.sid].reason is DisconnectReason.PING_TIMEOUT


def test_each_poll_starts_the_wait_for_the_next_one_anew() -> None:
    bench = Bench()
    polling = paused(bench)
    bench.advance(30.0)
    assert Poll(polling).body == "2"
    bench.advance(PATIENCE - 1.0)
    assert polling.session.is_open
    bench.advance(21.0)
    assert not polling.session.is_open


@pytest.mark.parametrize("before", [0.0, 44.0])
def test_pause_is_prolonged_by_the_lateness_of_the_server(before: float) -> None:
    bench = Bench()
    polling = paused(bench)
    bench.advance(before)
    bench.now += 500.0  # the server is held, and a poll waits in the kernel
    bench.engine.tick(bench.now)
    assert polling.session.is_open
    assert Poll(polling).body in ("2", "2\x1e2")
    bench.advance(PATIENCE - 1.0)
    assert polling.session.is_open


def test_paused_client_of_revision_3_sees_a_pong_within_the_timeout() -> None:
    """Its ping is not read, but it takes any packet for an answer."""
    bench = Bench(allow_eio3=True)
    polling = bench.polling("EIO=3")
    polling.session.pause(bench.now)
    for _ in range(20):
        poll = Poll(polling)
        assert poll.body is None
        bench.advance(10.0)
        assert poll.body == "1:3"
    assert polling.session.is_open


def test_paused_session_of_revision_3_without_polls_ends() -> None:
    bench = Bench(allow_eio3=True)
    session = bench.polling("EIO=3").session
    session.pause(bench.now)
    bench.advance(PATIENCE - 0.1)
    assert session.link.queued_packets == 4
    bench.advance(0.2)
    assert bench.above[session.sid].reason is DisconnectReason.PING_TIMEOUT


def test_pongs_for_a_client_of_revision_3_that_does_not_read_are_bounded() -> None:
    bench = Bench(allow_eio3=True, outbox=Outbox(max_packets=10), ping_interval=200.0)
    session = bench.polling("EIO=3").session
    session.pause(bench.now)
    bench.advance(200.0)
    assert session.link.queued_packets == 10


def test_resumed_session_needs_no_polls_and_is_not_reported() -> None:
    bench = Bench()
    polling = paused(bench)
    bench.advance(40.0)
    polling.session.resume(bench.now)
    bench.advance(19.0)
    assert polling.session.is_open
    assert bench.above[polling.session.sid].pauses == []


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_long_pause_is_reported_once(transport: str) -> None:
    bench = Bench()
    if transport == "polling":
        polling = bench.polling()
        session = polling.session
    else:
        session, _ = bench.upgraded()
    session.pause(bench.now)
    session.pause(bench.now)
    poll = Poll(polling) if transport == "polling" else None
    for _ in range(200):
        bench.advance(1.0)
        if poll is not None and poll.body is not None:
            poll = Poll(polling)
    assert bench.above[session.sid].pauses == [PATIENCE]
    session.resume(bench.now)
    session.pause(bench.now)
    bench.advance(PATIENCE)
    assert bench.above[session.sid].pauses == [PATIENCE] * 2
