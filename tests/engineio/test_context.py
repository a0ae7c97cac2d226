"""The packets that all sessions of an engine share."""

from __future__ import annotations

import pytest
from support.engine import Bench, Poll

from trio_socketio._core import Message


@pytest.mark.parametrize(
    ("packet", "body"), [(None, None), ("hello", "4hello"), ("", "4"), (b"\x01", "bAQ=="), (b"", "b")]
)
def test_initial_packet_follows_the_open_packet(packet: str | bytes | None, body: str | None) -> None:
    bench = Bench(initial_packet=packet)
    for _ in range(2):
        assert Poll(bench.polling()).body == body


def test_shared_packets_are_encoded_with_their_types() -> None:
    bench = Bench()
    link, context = bench.polling().session.link, bench.engine.context
    for message in (context.ping, context.pong, context.probe_answer, Message("x")):
        link.push(message)
    assert link.take_payload(1 << 20) == b"2\x1e3\x1e3probe\x1e4x"
