"""An overdue answer to a ping: the session waits as long as the client receives what is in front of the ping."""

from __future__ import annotations

import pytest
from support.engine import Bench
from support.message_host import MessageHost

from trio_socketio.engineio import Delivery, Session
from trio_socketio.errors import DisconnectReason

pytestmark = pytest.mark.rows("P11")

MUCH = 50_000


class SlowHost(MessageHost):
    """A host whose client receives slowly.

    Attributes:
        progress: how far the client has received what was written; None: this is unknown.
        is_stuck: whether output stays in the outbox.
    """

    progress: Delivery | None = Delivery(0, MUCH, 0.1)
    is_stuck = False

    def delivery(self, now: float) -> Delivery | None:  # type: ignore[override]
        return self.progress

    def wake(self) -> None:
        if not self.is_stuck:
            super().wake()


def _slow(bench: Bench, query: str = "EIO=4") -> tuple[Session, SlowHost]:
    host = bench.websocket("", query, SlowHost)
    assert isinstance(host, SlowHost)
    assert isinstance(host.receiver, Session)
    return host.receiver, host


def _bench(**options: object) -> Bench:
    return Bench(ping_interval=2.0, ping_timeout=1.0, **options)


def test_session_waits_while_the_client_receives_and_ends_when_it_stops() -> None:
    bench = _bench()
    session, host = _slow(bench)
    bench.advance(2.1)
    for acknowledged in range(5000, 30_000, 5000):
        host.progress = Delivery(acknowledged, MUCH - acknowledged, 0.1)
        bench.advance(1.0)
        assert session.is_open
    bench.advance(1.0)
    assert bench.above[session.sid].ended == [(DisconnectReason.PING_TIMEOUT, "no answer to a ping for 1 s")]


def test_session_ends_if_little_was_in_front_of_the_ping() -> None:
    bench = _bench()
    session, host = _slow(bench)
    host.progress = Delivery(0, 100, 0.1)
    bench.advance(2.9)
    assert session.is_open
    bench.advance(0.2)
    assert bench.above[session.sid].reason is DisconnectReason.PING_TIMEOUT


def test_session_ends_if_the_progress_is_unknown() -> None:
    bench = _bench()
    session, host = _slow(bench)
    bench.advance(2.1)
    host.progress = None
    bench.advance(1.0)
    assert bench.above[session.sid].reason is DisconnectReason.PING_TIMEOUT


@pytest.mark.parametrize("receives", [True, False])
def test_ping_behind_other_messages_is_waited_for_if_the_client_receives(receives: bool) -> None:
    bench = _bench()
    session, host = _slow(bench)
    host.is_stuck = True
    bench.send(session, "x" * MUCH)
    bench.advance(2.1)
    assert session.link.ping_is_queued
    if receives:
        host.progress = Delivery(5000, MUCH, 0.1)
    bench.advance(1.0)
    assert session.is_open is receives


def test_client_of_revision_3_is_waited_for_if_much_is_in_front_of_its_pong() -> None:
    bench = _bench(allow_eio3=True)
    session, _ = _slow(bench, "EIO=3")
    bench.advance(3.5)
    assert session.is_open
    bench.advance(1.0)
    assert bench.above[session.sid].ended == [(DisconnectReason.PING_TIMEOUT, "no ping for 3 s")]


def test_progress_of_an_ended_session_is_forgotten() -> None:
    bench = _bench()
    session, _ = _slow(bench)
    bench.advance(3.5)
    assert session.sid in bench.engine.context.overdue_answers._looks
    session.fail(DisconnectReason.FORCED_SERVER_CLOSE, "by the test")
    assert bench.engine.context.overdue_answers._looks == {}
