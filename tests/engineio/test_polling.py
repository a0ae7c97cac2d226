"""HTTP long-polling without HTTP: polls, POSTs, payloads, and how a polling session ends."""

from __future__ import annotations

import json

import pytest
from support.engine import Bench, Poll
from support.message_host import admission

from trio_socketio._core import Message
from trio_socketio.engineio import POST_TOO_LARGE, Refusal, State
from trio_socketio.errors import DisconnectReason

TEXT = {"Content-Type": "text/plain; charset=UTF-8", "cache-control": "no-store"}


@pytest.mark.rows("C1", "B17")
def test_opening_response_holds_only_the_open_packet() -> None:
    bench = Bench(generate_id=lambda: "x" * 20)
    polling = bench.engine.open_polling(_verified(bench), 0.0)
    response = polling.collect()
    body = (
        b'0{"sid":"xxxxxxxxxxxxxxxxxxxx","upgrades":["websocket"],'
        b'"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
    )
    assert len(body) == 118
    assert (response.status, response.body) == (200, body)
    assert dict(response.headers) == {**TEXT, "Content-Length": "118"}


def _verified(bench: Bench):  # type: ignore[no-untyped-def]
    request = bench.request("EIO=4&transport=polling")
    assert admission(bench.engine, request) is None
    return request


def test_open_packet_has_the_options() -> None:
    bench = Bench(ping_interval=0.3, ping_timeout=60.0, max_http_buffer_size=5)
    parameters = bench.open_parameters()
    assert list(parameters) == ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]
    assert list(parameters.values())[2:] == [300, 60000, 5]


@pytest.mark.rows("C1")
def test_text_and_binary_in_one_payload() -> None:
    bench = Bench()
    polling = bench.polling()
    head = '51-["bin",{"_placeholder":true,"num":0},"€😀"]'
    polling.session.send(Message(head, [b"\x01\x02\x03"]))
    bench.send(polling.session, "2[]")
    assert Poll(polling).body == f"4{head}\x1ebAQID\x1e42[]"
    assert bench.post(polling, f"4{head}\x1ebAQID\x1e42[]").body == b"ok"
    assert bench.above[polling.session.sid].messages == [head, b"\x01\x02\x03", "2[]"]


@pytest.mark.rows("C1")
def test_poll_waits_until_there_is_something() -> None:
    bench = Bench()
    polling = bench.polling()
    poll = Poll(polling)
    assert poll.body is None
    assert polling.session.link.is_writable
    bench.send(polling.session, "a")
    assert poll.body == "4a"
    assert not polling.session.link.is_writable
    assert bench.above[polling.session.sid].writable_calls == 2
    assert (polling.session.link.inflight_bytes, polling.session.link.confirmed) == (0, 2)


def test_volatile_message_needs_a_waiting_poll() -> None:
    bench = Bench()
    polling = bench.polling()
    bench.send(polling.session, "lost", volatile=True)
    poll = Poll(polling)
    bench.send(polling.session, "kept", volatile=True)
    assert poll.body == "4kept"
    assert polling.session.link.volatile_lost == 1


@pytest.mark.rows("B17")
def test_answer_to_a_post() -> None:
    bench = Bench()
    response = bench.post(bench.polling(), "4a")
    assert (response.status, response.body, response.close) == (200, b"ok", False)
    assert dict(response.headers) == {
        "Content-Type": "text/html", "Content-Length": "2", "cache-control": "no-store",
    }  # fmt: skip


@pytest.mark.rows("F23", "C1")
@pytest.mark.parametrize(
    ("body", "before"),
    [
        (b"", []),
        (b"\x1e", []),
        (b"4a\x1e", ["a"]),
        (b"4a\x1e\x1e4b", ["a"]),
        (b"4a\x1e9\x1e4b", ["a"]),
        (b"4a\x1ex\x1e4b", ["a"]),
        (b"0{}", []),
        (b"5", []),
        (b"6", []),
        (b"4a\x1ebAQI\x1e4b", ["a"]),
        (b"4a\x1ebAQI*\x1e4b", ["a"]),
        (b"bAQJ=", []),
        (b"4\xff", []),
        (b"4a\x1e4\xed\xa0\x80", ["a"]),
    ],
)
def test_packets_before_a_bad_one_are_delivered_and_none_after(body: bytes, before: list[str]) -> None:
    bench = Bench()
    polling = bench.polling()
    poll = Poll(polling)
    response = bench.post(polling, body)
    above = bench.above[polling.session.sid]
    assert above.messages == before
    assert above.reason is DisconnectReason.PARSE_ERROR
    assert (response.status, response.body) == (400, b"")
    assert poll.body == "1"
    assert bench.engine.clients_count == 0


@pytest.mark.rows("C27", "P18")
@pytest.mark.parametrize(
    ("query", "body"), [("EIO=4", b"4\x1e" * 100_000 + b"4"), ("EIO=3", b"1:4" * 100_001)]
)
def test_a_payload_may_have_as_many_packets_as_fit(query: str, body: bytes) -> None:
    bench = Bench(allow_eio3=True)
    polling = bench.polling(query)
    assert bench.post(polling, body).body == b"ok"
    assert bench.above[polling.session.sid].messages == [""] * 100_001


@pytest.mark.rows("C17")
def test_overlapping_polls_end_the_session() -> None:
    bench = Bench()
    polling = bench.polling()
    first, second = Poll(polling), Poll(polling)
    assert second.response is not None
    assert (second.response.status, second.response.body) == (400, b"")
    assert first.body == "1"
    assert bench.above[polling.session.sid].reason is DisconnectReason.TRANSPORT_ERROR
    query = f"EIO=4&transport=polling&sid={polling.session.sid}"
    assert bench.verify(query) is Refusal.SESSION_UNKNOWN


@pytest.mark.rows("C18")
def test_overlapping_posts_end_the_session() -> None:
    bench = Bench()
    polling = bench.polling()
    assert polling.begin_post("text/plain") is None
    second = bench.post(polling, "4b")
    assert (second.status, second.body) == (400, b"")
    assert bench.above[polling.session.sid].reason is DisconnectReason.TRANSPORT_ERROR
    assert polling.end_post(None).status == 400
    assert bench.above[polling.session.sid].messages == []


@pytest.mark.rows("C19")
@pytest.mark.parametrize("content_type", ["application/octet-stream", "Application/Octet-Stream ; a=b"])
def test_binary_payloads_belong_to_revision_3(content_type: str) -> None:
    bench = Bench()
    polling = bench.polling()
    poll = Poll(polling)
    response = bench.post(polling, "4a", content_type)
    assert (response.status, response.body) == (400, b"")
    assert poll.body == "1"
    assert bench.above[polling.session.sid].reason is DisconnectReason.TRANSPORT_ERROR
    assert "payload of a POST must be text" in bench.above[polling.session.sid].ended[0][1]


@pytest.mark.parametrize(
    "content_type", ["", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded"]
)
def test_other_content_types_are_text(content_type: str) -> None:
    bench = Bench()
    polling = bench.polling()
    for _ in range(2):
        assert bench.post(polling, "4a", content_type).body == b"ok"
    assert bench.post(polling, "4a", "application/octet-stream").status == 400


def test_delayed_answer_is_confirmed_when_it_is_written() -> None:
    bench = Bench()
    polling = bench.polling()
    link = polling.session.link
    assert polling.begin_poll(lambda: None) is None
    bench.send(polling.session, "a")
    assert polling.collect().body == b"4a"
    polling.delay_answer()
    assert polling.begin_answer() is None
    assert link.confirmed < link.pushed
    polling.poll_written(bench.now)
    assert link.confirmed == link.pushed


@pytest.mark.rows("C25")
def test_post_refused_for_its_size_leaves_the_session_alone() -> None:
    bench = Bench()
    polling = bench.polling()
    assert polling.begin_post("") is None
    polling.post_refused()
    assert (POST_TOO_LARGE.status, POST_TOO_LARGE.body, POST_TOO_LARGE.close) == (413, b"", True)
    assert polling.session.state is State.OPEN
    assert bench.post(polling, "4a").body == b"ok"


@pytest.mark.rows("C28")
def test_close_packet_in_a_post_ends_the_session() -> None:
    bench = Bench()
    polling = bench.polling()
    poll = Poll(polling)
    response = bench.post(polling, "4before\x1e1\x1e4after")
    assert response.body == b"ok"
    assert poll.body == "6"
    above = bench.above[polling.session.sid]
    assert (above.reason, above.messages) == (DisconnectReason.TRANSPORT_CLOSE, ["before"])
    assert bench.verify(f"EIO=4&transport=polling&sid={polling.session.sid}") is Refusal.SESSION_UNKNOWN


@pytest.mark.rows("C29")
def test_close_answers_the_waiting_poll() -> None:
    bench = Bench()
    polling = bench.polling()
    poll = Poll(polling)
    polling.session.close(DisconnectReason.FORCED_SERVER_CLOSE, now=bench.now, linger=True)
    assert poll.body == "1"
    assert bench.engine.clients_count == 0
    assert bench.above[polling.session.sid].reason is DisconnectReason.FORCED_SERVER_CLOSE


@pytest.mark.rows("C29")
def test_close_is_kept_for_the_next_poll() -> None:
    bench = Bench()
    polling = bench.polling()
    bench.send(polling.session, "last words")
    polling.session.close(DisconnectReason.FORCED_SERVER_CLOSE, now=bench.now, linger=True)
    assert bench.above[polling.session.sid].reason is DisconnectReason.FORCED_SERVER_CLOSE
    bench.advance(29.9)
    assert bench.verify(f"EIO=4&transport=polling&sid={polling.session.sid}") is None
    assert Poll(polling).body == "4last words"  # clients would obey a close packet beside it first
    assert Poll(polling).body == "1"
    assert bench.engine.clients_count == 0


@pytest.mark.rows("C29")
def test_lingering_session_ends_after_polling_close_timeout() -> None:
    bench = Bench()
    polling = bench.polling()
    polling.session.close(DisconnectReason.FORCED_SERVER_CLOSE, now=bench.now, linger=True)
    bench.advance(30.1)
    assert bench.engine.clients_count == 0
    assert len(bench.engine.wheel) == 0


@pytest.mark.rows("C30")
def test_session_ends_if_its_waiting_poll_breaks() -> None:
    bench = Bench()
    polling = bench.polling()
    assert polling.begin_poll(lambda: None) is None
    polling.poll_lost("poll connection closed prematurely")
    assert bench.above[polling.session.sid].ended == [
        (DisconnectReason.TRANSPORT_ERROR, "poll connection closed prematurely")
    ]


def test_incomplete_post_ends_the_session() -> None:
    bench = Bench()
    polling = bench.polling()
    assert polling.begin_post("") is None
    polling.post_lost("gone")
    assert bench.above[polling.session.sid].reason is DisconnectReason.TRANSPORT_ERROR


@pytest.mark.rows("B2")
def test_refusals_do_not_contain_the_session_id() -> None:
    bench = Bench()
    sid = bench.polling().session.sid
    for refusal in Refusal:
        assert sid.encode() not in refusal.response().body
        assert list(json.loads(refusal.response().body)) == ["code", "message"]
