"""The two steps of a handshake: it is verified, then admitted with a session id."""

from __future__ import annotations

from typing import Any

import pytest
from support.engine import Bench
from support.message_host import admission

from trio_socketio.engineio import Cors, EngineRequest, Refusal

POLLING = "EIO=4&transport=polling"


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
def test_handshake_is_verified_before_it_is_admitted(
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


def test_verifying_a_handshake_generates_no_id() -> None:
    numbers = iter("12")
    bench = Bench(generate_id=numbers.__next__)
    for _ in range(5):
        assert bench.engine.rules.verify(bench.request(POLLING)) is None
    assert bench.polling().session.sid == "1"


@pytest.mark.parametrize(("sid", "refusal"), [
    ("mine", None), ("", Refusal.ID_GENERATION), ("taken", Refusal.ID_GENERATION),
])  # fmt: skip
def test_host_may_pass_the_session_id(sid: str, refusal: Refusal | None) -> None:
    bench = Bench(generate_id=lambda: "taken")
    bench.polling()
    request = bench.request(POLLING)
    assert bench.engine.rules.verify(request) is None
    assert bench.engine.rules.admit(request, sid) is refusal
    assert request.new_sid == ("" if refusal else sid)


@pytest.mark.rows("B15")
def test_generate_id_may_take_the_request() -> None:
    bench = Bench(generate_id=lambda request: f"of-{request.query['transport']}")
    assert bench.polling().session.sid == "of-polling"


@pytest.mark.rows("B4")
def test_requests_of_a_session_must_have_its_eio_parameter() -> None:
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
def test_jsonp_needs_an_allowed_origin_or_referer(fields: dict[str, str], cors: Any, allowed: bool) -> None:
    bench = Bench(jsonp=True, cors=Cors(origin=cors))
    refusal = bench.verify(f"{POLLING}&j=0", **fields)
    assert refusal is (None if allowed else Refusal.FORBIDDEN)


def test_origin_that_was_checked_before_is_not_checked_again() -> None:
    def never(origin: str, request: EngineRequest) -> bool:
        raise AssertionError("it was asked about already")

    bench = Bench(cors=Cors(origin=never))
    other = bench.request(POLLING, origin="http://other.example")
    assert bench.engine.rules.verify(other, granted=True) is None
    assert bench.engine.rules.verify(other, granted=False) is Refusal.FORBIDDEN
    own = bench.request(POLLING, origin="http://example.com")
    assert bench.engine.rules.verify(own, granted=False) is None
