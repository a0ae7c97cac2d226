"""Messages that a session sends, and its representation."""

from __future__ import annotations

import pytest
from support.engine import Bench

from trio_socketio import Outbox
from trio_socketio._core import Message, PushStatus
from trio_socketio.errors import DisconnectReason


def test_full_outbox_returns_full_and_takes_protected_messages() -> None:
    bench = Bench(outbox=Outbox(max_packets=2))
    session = bench.polling().session
    statuses = [session.send(Message("a")) for _ in range(3)]
    assert statuses == [PushStatus.OK, PushStatus.OK, PushStatus.FULL]
    assert session.send(Message("b"), protected=True) is PushStatus.OK
    session.close(DisconnectReason.FORCED_SERVER_CLOSE, now=bench.now, linger=True)
    assert session.send(Message("c"), protected=True) is PushStatus.DROPPED


def test_repr_does_not_show_the_whole_session_id() -> None:
    session = Bench().polling().session
    assert session.sid not in repr(session)


@pytest.mark.rows("F11")
def test_volatile_message_that_finds_the_outbox_full_is_dropped() -> None:
    bench = Bench(outbox=Outbox(max_packets=1))
    session = bench.polling().session
    session.transport.begin_poll(lambda: None)  # type: ignore[attr-defined]
    assert session.send(Message("a")) is PushStatus.OK
    assert session.send(Message("b"), volatile=True) is PushStatus.DROPPED
    assert session.link.volatile_lost == 1
