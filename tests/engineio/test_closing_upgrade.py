"""A session that closes during an upgrade: the upgrade packet or a poll fetches its queued messages."""

from __future__ import annotations

import pytest
from support.engine import Bench, Poll
from support.message_host import FrameHost, MessageHost
from support.wire import server_frames

from trio_socketio._core import CloseFrame, Message
from trio_socketio.engineio import PollingTransport, Session, State
from trio_socketio.errors import DisconnectReason

pytestmark = pytest.mark.rows("P1")

CLOSE = DisconnectReason.FORCED_SERVER_CLOSE


class ClosingHost(FrameHost):
    """Keeps the close code, and ends when the client does."""

    code = 0

    def wake(self) -> None:
        while data := self.receiver.link.take(1 << 30):
            for opcode, payload in server_frames(data):
                if opcode == 8:
                    self.code = int.from_bytes(payload[:2], "big")
                else:
                    self.sent.append(payload.decode() if opcode == 1 else payload)
            self.receiver.written()

    def close(self) -> None:
        self.wake()
        self.ended = True

    def abort(self, *, goodbye: bool) -> None:
        if goodbye:
            self.wake()
        self.ended = True


def upgrading(bench: Bench, query: str = "EIO=4") -> tuple[PollingTransport, Session, ClosingHost]:
    """A session whose client has the answer to its probe, and whose last poll is released."""
    polling = bench.polling(query)
    poll = Poll(polling)
    host = bench.websocket(polling.session.sid, query, ClosingHost)
    host.deliver("2probe", bench.now)
    assert host.sent.pop() == "3probe"
    assert poll.body in ("6", "1:6")
    assert isinstance(host, ClosingHost)
    return polling, polling.session, host


@pytest.mark.parametrize("code", [1000, 1001, 1011])
@pytest.mark.parametrize("linger", [True, False])
def test_upgrade_of_a_closing_session_sends_the_queue_and_the_close_frame(code: int, linger: bool) -> None:
    bench = Bench()
    _, session, host = upgrading(bench)
    session.send(Message("51-[]", [b"a"]))
    bench.send(session, "last words")
    session.close(CLOSE, now=bench.now, code=code, linger=linger)
    assert bench.above[session.sid].reason is CLOSE
    assert session.state is State.CLOSING
    assert not host.ended
    host.deliver("5", bench.now)
    assert host.sent == ["451-[]", b"a", "4last words"]
    assert (host.code, host.ended) == (code, True)
    assert (session.state, session.transport) == (State.CLOSING, host)
    assert bench.above[session.sid].upgrades == 0  # the layer above has heard of the end already
    host.deliver("4late", bench.now)
    host.deliver(CloseFrame(code, ""), bench.now)  # type: ignore[arg-type]
    host.drop()
    assert session.state is State.CLOSED
    assert bench.above[session.sid].messages == []
    assert len(bench.engine.wheel) == 0


def test_upgrade_packet_in_revision_3() -> None:
    bench = Bench(allow_eio3=True)
    _, session, host = upgrading(bench, "EIO=3")
    session.send(Message("51-[]", [b"a"]))
    session.close(CLOSE, now=bench.now, linger=True)
    host.deliver("5", bench.now)
    assert host.sent == ["451-[]", b"\x04a"]
    assert host.code == 1000


def test_session_closed_before_the_probe_is_upgraded_and_sends_its_queue() -> None:
    bench = Bench()
    polling = bench.polling()
    session = polling.session
    host = bench.websocket(session.sid, host=ClosingHost)
    bench.send(session, "last words")
    session.close(CLOSE, now=bench.now, linger=True)
    host.deliver("2probe", bench.now)
    host.deliver("5", bench.now)
    assert host.sent == ["3probe", "4last words"]
    assert host.ended
    assert bench.above[session.sid].probes == 0


@pytest.mark.parametrize("linger", [True, False])
def test_polls_of_a_closing_session_get_the_queue_and_the_close_packet(linger: bool) -> None:
    bench = Bench()
    polling, session, host = upgrading(bench)
    bench.send(session, "last words")
    session.close(CLOSE, now=bench.now, code=1001, linger=linger)
    assert Poll(polling).body == "4last words"
    assert not host.ended
    assert Poll(polling).body == "1"
    assert session.state is State.CLOSED
    assert (host.code, host.ended) == (1001, True)
    assert len(bench.engine.wheel) == 0


def test_upgrade_packet_behind_a_poll_that_took_the_queue() -> None:
    bench = Bench()
    polling, session, host = upgrading(bench)
    bench.send(session, "last words")
    session.close(CLOSE, now=bench.now, linger=True)
    assert Poll(polling).body == "4last words"
    host.deliver("5", bench.now)
    assert host.sent == []
    assert host.code == 1000


def test_close_packet_that_is_being_written_when_the_upgrade_packet_comes() -> None:
    bench = Bench()
    polling, session, host = upgrading(bench)
    session.close(CLOSE, now=bench.now, linger=True)
    assert polling.begin_poll(lambda: None) is None
    assert polling.collect().body == b"1"
    host.deliver("5", bench.now)
    polling.poll_written()
    assert session.state is State.CLOSING  # its WebSocket has not ended yet
    host.drop()
    assert session.state is State.CLOSED


@pytest.mark.parametrize("linger", [True, False])
@pytest.mark.parametrize("deadline", [4.0, float("inf")])
def test_closing_session_ends_at_its_deadline_or_the_upgrade_timeout(linger: bool, deadline: float) -> None:
    bench = Bench(upgrade_timeout=10.0)
    _, session, host = upgrading(bench)
    bench.send(session, "last words")
    session.close(CLOSE, now=bench.now, linger=linger, code=1001, deadline=deadline)
    bench.advance(min(deadline, 10.0) - 0.1)
    assert not host.ended
    bench.advance(0.2)
    assert (host.code, host.ended) == (1001, True)
    assert session.state is State.CLOSED
    assert len(bench.engine.wheel) == 0


@pytest.mark.parametrize("linger", [True, False])
@pytest.mark.parametrize("how", ["lost", "another packet"])
def test_closing_session_ends_if_its_candidate_fails_unless_it_lingers(how: str, linger: bool) -> None:
    bench = Bench()
    polling, session, host = upgrading(bench)
    bench.send(session, "last words")
    session.close(CLOSE, now=bench.now, linger=linger)
    if how == "lost":
        host.drop()
    else:
        host.deliver("4hello", bench.now)
        assert host.ended
    assert session.state is (State.CLOSING if linger else State.CLOSED)
    if linger:
        assert Poll(polling).body == "4last words"
        assert Poll(polling).body == "1"
    assert session.state is State.CLOSED
    assert len(bench.engine.wheel) == 0


def test_closing_session_takes_no_second_websocket() -> None:
    bench = Bench()
    _, session, _ = upgrading(bench)
    session.close(CLOSE, now=bench.now, linger=True)
    assert bench.engine.begin_upgrade(session, MessageHost(), bench.now, session.request) is None


@pytest.mark.parametrize(("query", "closing"), [("EIO=4", "1"), ("EIO=3", "1:1")])
@pytest.mark.parametrize("how", ["candidate", "deadline"])
def test_waiting_poll_is_answered_when_the_session_ends(query: str, closing: str, how: str) -> None:
    bench = Bench(allow_eio3=True, polling_close_timeout=0.5)
    polling, session, host = upgrading(bench, query)
    polling.releases_next = False
    notified: list[bool] = []
    assert polling.begin_poll(lambda: notified.append(True)) is None
    session.close(CLOSE, now=bench.now)
    if how == "candidate":
        host.drop()
    else:
        bench.advance(0.6)
    assert session.state is State.CLOSED
    assert notified  # the driver answers later
    assert polling.collect().body.decode() == closing
