"""The two steps of a handshake, what is parsed for them, and who hears of a refusal."""

from __future__ import annotations

import logging
import secrets
from typing import Any

import pytest
from support.engine import Above, Bench, Poll
from support.message_host import admission

from trio_socketio._core import Message
from trio_socketio.engineio import Cors, EngineRequest, Refusal, RefusedError, Session
from trio_socketio.engineio._options import takes_request

POLLING = "EIO=4&transport=polling"


def _request(query: str, *, upgrade: bool = False) -> EngineRequest:
    return EngineRequest("GET", f"/?{query}", {}, upgrade=upgrade)


@pytest.mark.parametrize(("query", "revision", "eio", "base64", "jsonp"), [
    ("EIO=4", 4, "4", False, None), ("EIO=3", 3, "3", False, None), ("", 3, None, False, None),
    ("EIO=", 0, "", False, None), ("EIO=%204", 0, " 4", False, None), ("EIO=44", 0, "44", False, None),
    ("EIO=3&b64=1", 3, "3", True, None), ("EIO=3&b64=", 3, "3", False, None), ("b64=0", 3, None, True, None),
    ("EIO=4&j=0", 4, "4", True, "0"), ("EIO=4&j=", 4, "4", True, ""), ("j=a1%0a2'%d9%a3", 3, None, True, "12"),
    ("j=" + "7" * 400, 3, None, True, "7777777777"),
])  # fmt: skip
def test_what_a_request_says_of_its_dialect(
    query: str, revision: int, eio: str | None, base64: bool, jsonp: str | None
) -> None:
    request = _request(query)
    for _ in range(2):  # and it is kept
        assert (request.revision, request.eio) == (revision, eio)
        assert (request.base64, request.jsonp, request.deflate) == (base64, jsonp, False)
        request.settle()


def test_websocket_is_not_jsonp() -> None:
    request = _request("EIO=3&transport=websocket&j=1", upgrade=True)
    assert (request.jsonp, request.base64) == (None, False)


def test_headers_of_the_response_outlive_the_opening_of_a_session() -> None:
    request = _request(POLLING)
    assert request.response_headers == ()
    request.response_headers = (("Vary", "Origin"),)
    request.settle()
    assert request.response_headers == (("Vary", "Origin"),)


@pytest.mark.parametrize(
    ("query", "fields", "options", "verified", "admitted"),
    [
        ("EIO=3&transport=x", {}, {}, Refusal.TRANSPORT_UNKNOWN, None),
        (f"{POLLING}&j=0", {"origin": "http://evil.example"}, {}, Refusal.JSONP_NOT_ALLOWED, None),
        (POLLING, {"origin": "http://evil.example"}, {}, Refusal.FORBIDDEN, None),
        ("EIO=3&transport=polling", {}, {}, None, Refusal.PROTOCOL_VERSION),
        ("transport=polling&b64=1&sid", {}, {}, None, Refusal.PROTOCOL_VERSION),
        ("transport=polling&b64=1&sid", {}, {"allow_eio3": True}, None, None),
        (
            "EIO=3&transport=polling",
            {},
            {"allow_eio3": True, "generate_id": str},
            None,
            Refusal.ID_GENERATION,
        ),
        ("EIO=3&transport=polling", {}, {"generate_id": str}, None, Refusal.PROTOCOL_VERSION),
        (POLLING, {}, {"generate_id": str}, None, Refusal.ID_GENERATION),
        (POLLING, {}, {}, None, None),
    ],
)
def test_order_of_the_two_steps(
    query: str, fields: dict[str, str], options: dict[str, Any], verified: Refusal | None, admitted: Refusal | None
) -> None:  # fmt: skip
    bench = Bench(**options)
    request = bench.request(query, **fields)
    assert bench.engine.rules.verify(request) is verified
    if verified is None:
        assert bench.engine.rules.admit(request) is admitted
    refusals = [refusal.context for refusal in (verified, admitted) if refusal is not None]
    assert bench.engine.rules.refused == dict.fromkeys(refusals, 1)
    assert bool(request.new_sid) is not bool(refusals)


def test_verified_handshake_takes_no_id_yet() -> None:
    numbers = iter("12")
    bench = Bench(generate_id=numbers.__next__)
    for _ in range(5):
        assert bench.engine.rules.verify(bench.request(POLLING)) is None
    assert bench.polling().session.sid == "1"


@pytest.mark.parametrize(("sid", "refusal"), [
    ("mine", None), ("", Refusal.ID_GENERATION), ("taken", Refusal.ID_GENERATION),
])  # fmt: skip
def test_host_may_bring_the_id(sid: str, refusal: Refusal | None) -> None:
    bench = Bench(generate_id=lambda: "taken")
    bench.polling()
    request = bench.request(POLLING)
    assert bench.engine.rules.verify(request) is None
    assert bench.engine.rules.admit(request, sid) is refusal
    assert request.new_sid == ("" if refusal else sid)


@pytest.mark.rows("B15")
def test_ids_may_be_made_for_a_request() -> None:
    bench = Bench(generate_id=lambda request: f"of-{request.query['transport']}")
    assert bench.polling().session.sid == "of-polling"


@pytest.mark.parametrize(("function", "takes"), [
    (secrets.token_urlsafe, False), (lambda request: "", True), (lambda request=None: "", False), (str, False),
    (iter("a").__next__, False),
])  # fmt: skip
def test_request_is_given_where_it_is_needed(function: Any, takes: bool) -> None:
    assert takes_request(function) is takes


@pytest.mark.rows("B4")
def test_requests_of_a_session_all_name_its_revision() -> None:
    bench = Bench(allow_eio3=True)
    handshake = bench.request("transport=polling")
    assert admission(bench.engine, handshake) is None
    sid = bench.engine.open_polling(handshake, 0.0).session.sid
    assert bench.verify(f"transport=polling&sid={sid}") is None
    for other in ("EIO=3&", "EIO=4&", "EIO=&"):
        assert bench.verify(f"{other}transport=polling&sid={sid}") is Refusal.PROTOCOL_MISMATCH


@pytest.mark.parametrize(("fields", "cors", "allowed"), [
    ({}, (), False),
    ({}, "*", True),
    ({"referer": "http://example.com/page?a=http://evil.example"}, (), True),
    ({"referer": "http://evil.example/page"}, (), False),
    ({"referer": "http://evil.example/page"}, "http://evil.example", True),
    ({"referer": "http://[evil"}, (), False),
    ({"referer": "http://example.com@evil.example/"}, (), False),
    ({"referer": "http://example.com/", "origin": "http://evil.example"}, (), False),
])  # fmt: skip
def test_script_tag_has_to_say_where_it_stands(fields: dict[str, str], cors: Any, allowed: bool) -> None:
    bench = Bench(jsonp=True, cors=Cors(origin=cors))
    refusal = bench.verify(f"{POLLING}&j=0", **fields)
    assert refusal is (None if allowed else Refusal.FORBIDDEN)


def test_origin_that_was_asked_about_before() -> None:
    def never(origin: str, request: EngineRequest) -> bool:
        raise AssertionError("it was asked about already")

    bench = Bench(cors=Cors(origin=never))
    other = bench.request(POLLING, origin="http://other.example")
    assert bench.engine.rules.verify(other, granted=True) is None
    assert bench.engine.rules.verify(other, granted=False) is Refusal.FORBIDDEN
    own = bench.request(POLLING, origin="http://example.com")
    assert bench.engine.rules.verify(own, granted=False) is None


def test_hooks_hear_each_refusal_once(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    heard: list[tuple[object, ...]] = []

    def fail(*_: object) -> None:
        raise RuntimeError("a hook that fails")

    bench.engine.hooks.connection_error += [fail, lambda *what: heard.append(what)]
    first, second = bench.request("transport=x"), bench.request("EIO=3&transport=polling")
    assert admission(bench.engine, first) is Refusal.TRANSPORT_UNKNOWN
    with caplog.at_level(logging.CRITICAL):
        assert admission(bench.engine, second) is Refusal.PROTOCOL_VERSION
        bench.engine.rules.refuse(first, Refusal.FORBIDDEN, "not you")
    assert heard == [
        (first, 0, "Transport unknown", "TRANSPORT_UNKNOWN"),
        (second, 5, "Unsupported protocol version", "UNSUPPORTED_PROTOCOL_VERSION"),
        (first, 4, "not you", "FORBIDDEN"),
    ]


def test_refusal_may_have_a_text_of_its_own() -> None:
    response = Refusal.FORBIDDEN.response("not you")
    assert (response.status, response.body) == (403, b'{"code":4,"message":"not you"}')
    assert str(RefusedError(Refusal.MIDDLEWARE_FAILURE)) == "Bad request"
    error = RefusedError(Refusal.FORBIDDEN, "not you")
    assert (str(error), error.refusal, error.message) == ("not you", Refusal.FORBIDDEN, "not you")


class Greeter(Above):
    def opened(self, now: float) -> None:
        self.session.send(Message(f"at {now:g}"))


class GreetingBench(Bench):
    def _connect(self, session: Session) -> Above:
        return Greeter(session)


def test_layer_above_speaks_behind_the_open_packet() -> None:
    bench = GreetingBench()
    bench.now = 3.0
    polling = bench.polling()
    assert bench.open_packet.startswith('0{"sid"')
    assert "\x1e" not in bench.open_packet  # which comes alone
    assert Poll(polling).body == "4at 3"


def test_session_says_once_that_it_is_open() -> None:
    bench = Bench()
    bench.now = 2.0
    session, _ = bench.upgraded()
    assert bench.above[session.sid].openings == [2.0]
