"""A POST whose response is withheld while its session is paused, and what ends the wait."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.engine import Bench

from trio_socketio.engineio import PollingTransport
from trio_socketio.errors import DisconnectReason

REASON = DisconnectReason.FORCED_SERVER_CLOSE


def held(bench: Bench) -> tuple[PollingTransport, list[str]]:
    """A paused session with a POST, and what the POST was told."""
    polling, told = bench.polling(), []
    assert polling.begin_post("text/plain") is None
    polling.session.pause(bench.now)
    polling.hold_post(lambda: told.append("go on"))
    assert told == []
    return polling, told


@pytest.mark.parametrize(
    "end",
    [
        lambda polling: polling.session.resume(0.0),
        lambda polling: polling.session.close(REASON, now=0.0),
        lambda polling: polling.session.close(REASON, now=0.0, linger=True),
        lambda polling: polling.session.fail(REASON, "by the test"),
        lambda polling: polling.session.lost(REASON, "by the test"),
        lambda polling: polling.session.end(),
    ],
    ids=["resume", "close", "linger", "fail", "lost", "end"],
)
def test_withheld_post_is_answered_when_the_pause_ends(end: Callable[[PollingTransport], None]) -> None:
    polling, told = held(Bench())
    end(polling)
    polling.session.end()
    assert told == ["go on"]


def test_withheld_post_waits_through_an_upgrade() -> None:
    bench = Bench()
    polling, told = held(bench)
    host = bench.websocket(polling.session.sid)
    host.deliver("2probe", bench.now)
    host.deliver("5", bench.now)
    assert polling.session.transport is host
    assert polling.session.paused
    assert told == []
    polling.session.resume(bench.now)
    assert told == ["go on"]


def test_post_of_a_session_that_is_not_paused_is_not_withheld() -> None:
    told: list[str] = []
    Bench().polling().hold_post(lambda: told.append("go on"))
    assert told == ["go on"]
