"""The engine: negotiation of an opening handshake, opening of sessions, and timers."""

from __future__ import annotations

import pytest
from support.engine import Above, Bench, Poll

from trio_socketio._core import Message
from trio_socketio.engineio import EngineRequest, PerMessageDeflate, Session, State
from trio_socketio.errors import DisconnectReason

OFFER = "permessage-deflate; client_max_window_bits"
ANSWER = (
    "Sec-WebSocket-Extensions",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
)


def bench(**options: object) -> Bench:
    return Bench(per_message_deflate=PerMessageDeflate(), allow_eio3=True, **options)


def agreed(engine: Bench, query: str = "EIO=4", **headers: str) -> EngineRequest:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    request = engine.request(query, upgrade=True, **fields)
    engine.engine.agree(request)
    return request


@pytest.mark.rows("C32", "C39")
def test_opening_handshake_negotiates_compression_and_subprotocol() -> None:
    both = bench(subprotocols=("a", "b"))
    headers = {"sec-websocket-extensions": OFFER, "sec-websocket-protocol": "c, b, a"}
    request = both.request("EIO=4", upgrade=True, **headers)
    assert both.engine.agree(request) == [ANSWER, ("Sec-WebSocket-Protocol", "b")]
    assert request.deflate
    neither = Bench(subprotocols=())
    request = neither.request("EIO=4", upgrade=True, **headers)
    assert neither.engine.agree(request) == []
    assert not request.deflate
    assert both.engine.agree(both.request("EIO=4", upgrade=True)) == []


@pytest.mark.rows("C32")
@pytest.mark.parametrize("query", ["EIO=4", "EIO=3", "EIO=3&b64=1", "EIO=4&b64=1"])
def test_connections_share_a_dialect(query: str) -> None:
    engine = bench()
    offering = [agreed(engine, query, sec_websocket_extensions=OFFER) for _ in range(2)]
    first, second = (engine.engine.new_connection(request).dialect for request in offering)
    assert first is second
    assert first is not None
    assert first.deflate is not None
    assert (first.revision, first.base64) == (int(query[4]), "b64" in query)
    plain = engine.engine.new_connection(agreed(engine, query)).dialect
    assert plain is None if "EIO=4" in query else plain is not None and plain.deflate is None


@pytest.mark.rows("C32")
def test_all_dialects_share_one_deflate_object() -> None:
    engine = bench()
    requests = [agreed(engine, f"EIO={n}", sec_websocket_extensions=OFFER) for n in (3, 4)]
    old, new = (engine.engine.new_connection(request).dialect for request in requests)
    assert old is not None
    assert new is not None
    assert old.deflate is new.deflate


class Greeter(Above):
    def opened(self, now: float) -> None:
        self.session.send(Message(f"at {now:g}"))


class GreetingBench(Bench):
    def _connect(self, session: Session) -> Above:
        return Greeter(session)


def test_messages_sent_on_opening_follow_the_open_packet() -> None:
    bench = GreetingBench()
    bench.now = 3.0
    polling = bench.polling()
    assert bench.open_packet.startswith('0{"sid"')
    assert "\x1e" not in bench.open_packet  # which comes alone
    assert Poll(polling).body == "4at 3"


def test_observer_is_called_once_when_a_session_opens() -> None:
    bench = Bench()
    bench.now = 2.0
    session, _ = bench.upgraded()
    assert bench.above[session.sid].openings == [2.0]


def test_failing_timer_ends_its_session_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bad, good = bench.polling().session, bench.polling().session

    def fail(now: float) -> None:
        raise ValueError("a mistake of ours")

    bench.above[bad.sid].alarm = fail  # type: ignore[method-assign]
    bad.set_alarm(1.0)
    good.set_alarm(1.0)
    bench.advance(1.1)
    assert bad.state is State.CLOSED
    assert bench.above[good.sid].alarms
    assert [record.getMessage() for record in caplog.records if record.levelname == "CRITICAL"] == [
        "internal error in a timer"
    ]
    caplog.clear()


def test_failing_timer_of_an_upgrade_ends_its_session(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    polling = bench.polling()
    Poll(polling)
    host = bench.websocket(polling.session.sid)
    host.deliver("2probe", bench.now)
    Poll(polling)

    mistakes = [1]

    def fail() -> None:
        if mistakes:
            mistakes.pop()
            raise ValueError("a mistake of ours")

    polling.begin_poll(fail)
    bench.advance(0.2)
    assert polling.session.state is State.CLOSED
    assert bench.above[polling.session.sid].reason is DisconnectReason.FORCED_SERVER_CLOSE
    caplog.clear()
