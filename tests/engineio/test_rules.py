"""Which requests are refused, in which order, and with which messages."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from support.engine import Bench

from trio_socketio.engineio import Cors, Refusal, is_same_origin

POLLING = "EIO=4&transport=polling"
WEBSOCKET = "EIO=4&transport=websocket"


@pytest.mark.rows("B1", "B2", "B3", "B4", "B5", "B6", "B18")
@pytest.mark.parametrize(
    ("refusal", "status", "body"),
    [
        (Refusal.TRANSPORT_UNKNOWN, 400, '{"code":0,"message":"Transport unknown"}'),
        (Refusal.SESSION_UNKNOWN, 400, '{"code":1,"message":"Session ID unknown"}'),
        (Refusal.METHOD, 400, '{"code":2,"message":"Bad handshake method"}'),
        (Refusal.TRANSPORT_MISMATCH, 400, '{"code":3,"message":"Bad request"}'),
        (Refusal.FORBIDDEN, 403, '{"code":4,"message":"Forbidden"}'),
        (Refusal.PROTOCOL_VERSION, 400, '{"code":5,"message":"Unsupported protocol version"}'),
    ],
)
def test_error_bodies(refusal: Refusal, status: int, body: str) -> None:
    response = refusal.response()
    assert (response.status, response.body.decode()) == (status, body)
    assert dict(response.headers) == {"Content-Type": "application/json", "Content-Length": str(len(body))}


@pytest.mark.rows("B1", "C11")
@pytest.mark.parametrize("query", ["EIO=4", "EIO=4&transport=", "EIO=4&transport=webtransport",
                                   "transport=__proto__", "transport=constructor", "transport=POLLING"])  # fmt: skip
def test_unknown_transport(query: str) -> None:
    bench = Bench()
    assert bench.verify(query) is Refusal.TRANSPORT_UNKNOWN
    assert bench.engine.rules.refused == {"TRANSPORT_UNKNOWN": 1}
    assert bench.engine.clients_count == 0


@pytest.mark.rows("C11")
def test_disabled_transport_is_unknown_and_no_upgrade() -> None:
    bench = Bench(transports=("polling",))
    assert bench.verify(WEBSOCKET, upgrade=True) is Refusal.TRANSPORT_UNKNOWN
    assert bench.open_parameters()["upgrades"] == []
    assert Bench(transports=("websocket",)).verify(POLLING) is Refusal.TRANSPORT_UNKNOWN


@pytest.mark.rows("B2")
@pytest.mark.parametrize("sid", ["nobody", "__proto__", "%0d%0aSet-Cookie:%20a", "%00", "%ff%fe", "x" * 4000])
@pytest.mark.parametrize(("transport", "upgrade", "method"), [
    ("polling", False, "GET"), ("polling", False, "POST"), ("websocket", True, "GET"), ("websocket", False, "GET"),
])  # fmt: skip
def test_unknown_session(sid: str, transport: str, upgrade: bool, method: str) -> None:
    refusal = Bench().verify(f"EIO=4&transport={transport}&sid={sid}", method, upgrade=upgrade)
    assert refusal is Refusal.SESSION_UNKNOWN
    assert sid.encode() not in refusal.response().body


@pytest.mark.rows("B3")
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "BREW"])
def test_handshake_must_be_a_get(method: str) -> None:
    assert Bench().verify(POLLING, method) is Refusal.METHOD
    assert Bench().verify(f"{POLLING}&sid=", method) is Refusal.METHOD


@pytest.mark.rows("B4")
def test_transport_of_a_handshake_must_match_its_request() -> None:
    assert Bench().verify(WEBSOCKET) is Refusal.TRANSPORT_HANDSHAKE
    assert Bench().verify(POLLING, upgrade=True) is Refusal.TRANSPORT_HANDSHAKE


@pytest.mark.rows("B4", "C16", "C12")
def test_requests_that_do_not_match_their_session_are_refused() -> None:
    bench = Bench()
    sid = bench.polling().session.sid
    assert bench.verify(f"{POLLING}&sid={sid}") is None
    assert bench.verify(f"{WEBSOCKET}&sid={sid}", upgrade=True) is None
    assert bench.verify(f"{WEBSOCKET}&sid={sid}") is Refusal.TRANSPORT_MISMATCH
    assert bench.verify(f"{POLLING}&sid={sid}", upgrade=True) is Refusal.TRANSPORT_MISMATCH
    assert bench.verify(f"EIO=3&transport=polling&sid={sid}") is Refusal.PROTOCOL_MISMATCH
    assert bench.verify(f"transport=polling&sid={sid}") is Refusal.PROTOCOL_MISMATCH
    direct = bench.websocket().receiver
    assert bench.verify(f"{POLLING}&sid={direct.sid}") is Refusal.TRANSPORT_MISMATCH  # type: ignore[attr-defined]
    assert {refusal: Refusal[refusal].code for refusal in ("TRANSPORT_MISMATCH", "PROTOCOL_MISMATCH",
            "TRANSPORT_HANDSHAKE", "UPGRADE_NOT_ALLOWED", "ID_GENERATION")} == dict.fromkeys(
        ("TRANSPORT_MISMATCH", "PROTOCOL_MISMATCH", "TRANSPORT_HANDSHAKE", "UPGRADE_NOT_ALLOWED", "ID_GENERATION"), 3
    )  # fmt: skip


@pytest.mark.rows("C12")
def test_upgrades_can_be_switched_off() -> None:
    bench = Bench(allow_upgrades=False)
    parameters = bench.open_parameters()
    assert parameters["upgrades"] == []
    assert bench.verify(f"{WEBSOCKET}&sid={parameters['sid']}", upgrade=True) is Refusal.UPGRADE_NOT_ALLOWED
    assert bench.verify(WEBSOCKET, upgrade=True) is None


@pytest.mark.rows("B6")
@pytest.mark.parametrize(
    "version", ["", "EIO=", "EIO=3", "EIO=5", "EIO=-4", "EIO=4.0", "EIO=four", "EIO=%204", "EIO=03", "EIO=-1"]
)
@pytest.mark.parametrize(("transport", "upgrade"), [("polling", False), ("websocket", True)])
def test_protocol_version(version: str, transport: str, upgrade: bool) -> None:
    refusal = Bench().verify(f"{version}&transport={transport}&b64=1&sid", upgrade=upgrade)
    assert refusal is Refusal.PROTOCOL_VERSION


@pytest.mark.parametrize(
    ("query", "options", "refusal"),
    [
        ("EIO=3&transport=x&sid=y", {"origin": "http://evil.example"}, Refusal.TRANSPORT_UNKNOWN),
        ("EIO=3&transport=polling&sid=y", {"origin": "http://evil.example"}, Refusal.FORBIDDEN),
        ("EIO=3&transport=polling&sid=y", {"method": "PUT"}, Refusal.SESSION_UNKNOWN),
        ("EIO=3&transport=websocket", {"method": "PUT"}, Refusal.METHOD),
        ("EIO=3&transport=websocket", {}, Refusal.TRANSPORT_HANDSHAKE),
        ("EIO=3&transport=polling", {}, Refusal.PROTOCOL_VERSION),
    ],
)
def test_order_of_the_checks(query: str, options: dict[str, Any], refusal: Refusal) -> None:
    assert Bench().verify(query, **options) is refusal


@pytest.mark.rows("B20", "B22")
@pytest.mark.parametrize(
    "query",
    [
        "EIO=3&transport=x&EIO=4&transport=polling",
        f"{POLLING}&sid=",
        f"{POLLING}&sid",
        "%45IO=%34&trans%70ort=pollin%67",
        f"{POLLING}&t=Oabc123",
        f"&&{POLLING}&&&%zz=%zz&a[]=1&a[]=2&%ff=1",
        POLLING + "&k=v" * 2000,
    ],
)
def test_query_with_repeated_escaped_or_unknown_parameters_is_accepted(query: str) -> None:
    assert Bench().verify(query) is None


@pytest.mark.rows("B20")
def test_last_of_equal_parameters_counts_and_unknown_ones_are_kept() -> None:
    request = Bench().request(f"{POLLING}&token=a&token=b%20c&t=1&empty")
    assert request.query == {"EIO": "4", "transport": "polling", "token": "b c", "t": "1", "empty": ""}


@pytest.mark.rows("B15")
def test_ids_can_be_generated_by_the_application() -> None:
    bench = Bench(generate_id=iter(["first", "second"]).__next__)
    assert bench.polling().session.sid == "first"
    assert bench.websocket().receiver is bench.engine.sessions["second"]


def _fail() -> str:
    raise RuntimeError("no ids today")


@pytest.mark.rows("B4", "B15")
@pytest.mark.parametrize("generate_id", [_fail, lambda: "", lambda: "taken"])
def test_failing_generate_id_refuses_the_handshake(
    generate_id: Any, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(generate_id=generate_id)
    bench.engine.sessions["taken"] = Bench().polling().session
    with caplog.at_level(logging.ERROR):
        assert bench.verify(POLLING) is Refusal.ID_GENERATION
        assert bench.verify(WEBSOCKET, upgrade=True) is Refusal.ID_GENERATION
    assert json.loads(Refusal.ID_GENERATION.response().body) == {"code": 3, "message": "Bad request"}
    assert "generate_id" in caplog.text


# same origin


def _is_taken(origin: str, host: str, *, secure: bool = False) -> bool:
    """Whether a page from this origin may ask this host; the check says so, and the engine does so."""
    refusal = Bench().verify(POLLING, secure=secure, origin=origin, host=host)
    assert refusal in (None, Refusal.FORBIDDEN)
    assert (refusal is None) is is_same_origin(origin, host, secure=secure)
    return refusal is None


@pytest.mark.parametrize(("origin", "host"), [
    ("http://example.com", "example.com"), ("http://example.com:80", "example.com"),
    ("http://example.com", "example.com:80"), ("http://EXAMPLE.com", "example.COM"),
    ("http://[::1]:3000", "[::1]:3000"), ("http://127.0.0.1:3000", "127.0.0.1:3000"),
    ("https://example.com", "example.com"),  # TLS may end in front of us
])  # fmt: skip
def test_same_origin_is_allowed(origin: str, host: str) -> None:
    assert _is_taken(origin, host)


@pytest.mark.parametrize(("origin", "host"), [
    ("http://example.com:8080", "example.com"), ("http://example.com", "example.com:8080"),
    ("http://example.com.evil.example", "example.com"), ("http://evilexample.com", "example.com"),
    ("http://example.com@evil.example", "example.com"), ("ftp://example.com", "example.com"),
    ("null", "example.com"), ("", "example.com"), ("", ""), ("file://", ""), ("http://", ""),
    ("http://example.com:port", "example.com"), ("http://[::1", "[::1"),
])  # fmt: skip
def test_other_origin_is_refused(origin: str, host: str) -> None:
    assert not _is_taken(origin, host)


def test_http_origin_is_refused_if_tls_ends_here() -> None:
    assert _is_taken("https://example.com", "example.com:443", secure=True)
    assert not _is_taken("http://example.com", "example.com", secure=True)


def test_request_without_origin_is_allowed() -> None:
    assert Bench().verify(POLLING) is None


@pytest.mark.rows("B9")
@pytest.mark.parametrize("origin", ["\0", "http://a\x01.example", "\x7f", "a\r\nb", "\x1b[0m", "\u0100"])
@pytest.mark.parametrize("cors", ["*", ()])
def test_origin_that_is_no_field_value_is_refused(cors: Any, origin: str) -> None:
    for query, upgrade in ((POLLING, False), (WEBSOCKET, True)):
        bench = Bench(cors=Cors(origin=cors))
        assert bench.verify(query, upgrade=upgrade, origin=origin) is Refusal.INVALID_ORIGIN
        assert bench.verify("transport=x", upgrade=upgrade, origin=origin) is Refusal.TRANSPORT_UNKNOWN


@pytest.mark.parametrize(("cors", "origin", "allowed"), [
    ((), "http://a.example", False),
    (("http://a.example",), "http://a.example", True),
    (("http://a.example",), "https://a.example", False),
    (("http://a.example",), "http://a.example:81", False),
    (("http://a.example",), "http://a.example.evil", False),
    (("http://a.example",), "null", False),
    (("http://a.example", "http://b.example"), "http://b.example", True),
    (("*",), "http://anywhere.example", True),
    (("*",), "null", True),
])  # fmt: skip
def test_allowed_origins(cors: tuple[str, ...], origin: str, allowed: bool) -> None:
    for query, upgrade in ((POLLING, False), (WEBSOCKET, True)):
        refusal = Bench(cors=Cors(origin=cors)).verify(query, upgrade=upgrade, origin=origin)
        assert refusal is (None if allowed else Refusal.FORBIDDEN)


@pytest.mark.rows("B4")
def test_session_on_websocket_cannot_be_polled() -> None:
    bench = Bench()
    host = bench.websocket()
    sid = host.receiver.sid  # type: ignore[attr-defined]
    for transport in ("websocket", "polling"):
        assert bench.verify(f"EIO=4&transport={transport}&sid={sid}") is Refusal.TRANSPORT_MISMATCH


@pytest.mark.rows("P20", "B6")
@pytest.mark.parametrize(
    "version", ["EIO=5", "EIO=-1", "EIO=abc", "EIO=03", "EIO=1", "EIO=", "EIO=3.0", "EIO=4,3"]
)
@pytest.mark.parametrize(("transport", "upgrade"), [("polling", False), ("websocket", True)])
def test_revision_is_refused_that_is_neither_4_nor_one_of_revision_3(
    version: str, transport: str, upgrade: bool
) -> None:
    bench = Bench(allow_eio3=True)
    assert bench.verify(f"{version}&transport={transport}", upgrade=upgrade) is Refusal.PROTOCOL_VERSION


@pytest.mark.rows("P20", "B6")
@pytest.mark.parametrize(("version", "revision"), [("", 3), ("EIO=2", 3), ("EIO=3", 3), ("EIO=4", 4)])
@pytest.mark.parametrize(("transport", "upgrade"), [("polling", False), ("websocket", True)])
def test_revision_is_served(version: str, revision: int, transport: str, upgrade: bool) -> None:
    bench = Bench(allow_eio3=True)
    query = f"{version}&transport={transport}"
    assert bench.verify(query, upgrade=upgrade) is None
    assert bench.request(query, upgrade=upgrade).revision == revision
