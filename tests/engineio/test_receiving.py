"""The packets of a session that are not messages: heartbeats, the end, and packets that no client sends."""

from __future__ import annotations

import pytest
from support.engine import Bench

from trio_socketio._core import CloseFrame, Failure
from trio_socketio.engineio import State
from trio_socketio.errors import DisconnectReason


@pytest.mark.rows("C2", "C7")
def test_a_client_that_is_forced_to_base64_sends_text_for_bytes() -> None:
    bench = Bench()
    host = bench.websocket()
    session = host.receiver
    host.deliver("bAQID", 0.0)
    host.deliver("b", 0.0)
    assert bench.above[session.sid].messages == [b"\x01\x02\x03", b""]


@pytest.mark.rows("F23")
@pytest.mark.parametrize(
    "packet", ["", "0{}", "5", "6", "7", "x", " 4", "\x004", "bAQI", "bA=QI", "bAQID\x1e", "b€", "b\ud83d"]
)
def test_unexpected_packet_ends_the_session(packet: str) -> None:
    bench = Bench()
    host = bench.websocket()
    session = host.receiver
    host.deliver(packet, 0.0)
    host.deliver("4after", 0.0)
    assert bench.above[session.sid].reason is DisconnectReason.PARSE_ERROR
    assert bench.above[session.sid].messages == []
    assert host.ended
    assert session.state is State.CLOSED


@pytest.mark.rows("C23")
@pytest.mark.parametrize("packet", ["2", "2probe"])
@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_ping_from_a_client_of_revision_4_ends_the_session(packet: str, transport: str) -> None:
    bench = Bench()
    session = bench.websocket().receiver if transport == "websocket" else bench.polling().session
    session.receive(packet, 0.0)
    assert bench.above[session.sid].ended == [
        (DisconnectReason.TRANSPORT_ERROR, "invalid heartbeat direction")
    ]


@pytest.mark.rows("C28")
def test_close_packet_ends_the_session() -> None:
    bench = Bench()
    host = bench.websocket()
    session = host.receiver
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
def test_close_frame_or_failure_ends_the_session_with_its_reason(
    end: CloseFrame | Failure, reason: DisconnectReason
) -> None:
    bench = Bench()
    host = bench.websocket()
    session = host.receiver
    session.receive(end, 0.0)
    assert bench.above[session.sid].reason is reason
    assert host.ended
