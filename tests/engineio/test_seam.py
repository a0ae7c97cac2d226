"""The observer of a session that has ended."""

from __future__ import annotations

from support.engine import Bench

from trio_socketio.engineio._seam import NULL_OBSERVER, SessionObserver
from trio_socketio.errors import DisconnectReason


def test_null_observer_has_all_methods_of_an_observer_and_ignores_the_calls() -> None:
    observer: SessionObserver = NULL_OBSERVER
    observer.opened(0.0)
    observer.text(b"a", 0.0)
    observer.binary(b"a", 0.0)
    observer.writable()
    observer.alarm(0.0)
    observer.held(1.0)
    observer.heartbeat(0.0)
    observer.upgrading()
    observer.upgraded()
    observer.closed(DisconnectReason.PING_TIMEOUT, "")


def test_ended_session_has_the_null_observer() -> None:
    session = Bench().polling().session
    session.fail(DisconnectReason.FORCED_SERVER_CLOSE, "by the test")
    assert session.observer is NULL_OBSERVER
