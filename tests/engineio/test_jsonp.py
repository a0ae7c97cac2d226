"""Polling by script tags, in both revisions."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.engine import Bench, Poll
from support.message_host import admission

from trio_socketio._core import Message
from trio_socketio.engineio import PollingTransport, Refusal
from trio_socketio.engineio._jsonp import unwrap, wrap
from trio_socketio.errors import DisconnectReason

FORM = "application/x-www-form-urlencoded"
REFERER = {"referer": "http://example.com/page"}
texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('\\\n"n/<\u2028\u2029'))

#: ECMAScript 2018 sections 11.8.4 and 11.3: no line terminator stands in a string as it is.
LITERAL = re.compile(r'"(?:[^"\\\n\r\u2028\u2029]|\\(?:["\\/bfnrt]|u[0-9a-f]{4}))*"')
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "/": "/"}


def read_script(script: str) -> tuple[str, str]:
    """The callback's index and the text it is given, as a browser of any age reads them."""
    found = re.fullmatch(r"___eio\[(\d*)\]\((.*)\);", script, re.DOTALL)
    assert found is not None, script
    literal = found[2]
    assert LITERAL.fullmatch(literal), literal
    text = re.sub(
        r"\\(?:u([0-9a-f]{4})|(.))",
        lambda escape: chr(int(escape[1], 16)) if escape[1] else ESCAPES[escape[2]],
        literal[1:-1],
    )
    return found[1], text


def submit(payload: str) -> bytes:
    """What a browser sends: newlines escaped by the client, then the form encoded; a newline becomes two characters."""
    escaped = payload.replace("\\n", "\\\\n").replace("\n", "\\n")
    return urlencode({"d": escaped}).encode()


@pytest.mark.rows("C8")
@given(st.text("0123456789", max_size=10), texts)
@example("0", "\\u2028")
@example("0", "\u2028\u2029")
def test_script_of_a_payload_evaluates_to_the_payload(index, text):
    assert read_script(wrap(index, text.encode()).decode()) == (index, text)


@pytest.mark.rows("C8")
@given(texts)
@example("\\\n\\n")
def test_form_of_an_old_client_holds_its_payload(text):
    payload = text.replace("\\\\n", "")  # where they are ambiguous: they escape one backslash of two
    payload = re.sub(r"\\(?=\n)", "", payload)
    assert unwrap(submit(payload)) == payload.encode()


@pytest.mark.rows("C8")
@pytest.mark.parametrize(
    ("field", "payload"),
    [
        (r"a\nb", b"a\nb"),
        (r"a\\nb", rb"a\nb"),
        (r"a\\\nb", rb"a\\nb"),
        (r"a\tb", rb"a\tb"),
        ("a+b", b"a+b"),
        ("€", "€".encode()),
        ("", b""),
    ],
)
def test_escaped_line_feeds_of_a_form_are_replaced(field: str, payload: bytes) -> None:
    assert unwrap(b"d=" + quote(field, safe="").encode()) == payload


@pytest.mark.parametrize(
    ("form", "payload"),
    [
        (b"d=4a+b%2B", b"4a b+"),
        (b"d=4x&j=0", b"4x"),
        (b"x=1&d=4x", b"4x"),
        (b"%64=4x", b"4x"),
        (b"d=4=x", b"4=x"),
        (b"d", b""),
    ],
)
def test_payload_is_the_field_d_of_a_form(form: bytes, payload: bytes) -> None:
    assert unwrap(form) == payload


@pytest.mark.rows("C8")
@pytest.mark.parametrize("form", [b"", b"4x", b"e=4x", b"d=4x&d=4y", b"d=%", b"d=%4", b"d=%zz", b"d=%4x%"])
def test_malformed_form_is_refused(form: bytes) -> None:
    with pytest.raises(ValueError, match=r"the form has .*(fields named d|percent sign)"):
        unwrap(form)


# sessions


def _bench(**options: Any) -> Bench:
    return Bench(allow_eio3=True, jsonp=True, **options)


def _open(bench: Bench, query: str) -> tuple[PollingTransport, str]:
    """A new session, and its first answer as the page sees it."""
    request = bench.request(f"{query}&transport=polling", **REFERER)
    assert admission(bench.engine, request) is None
    polling = bench.engine.open_polling(request, bench.now)
    response = polling.collect()
    polling.poll_written()
    headers = dict(response.headers)
    assert headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert headers["Content-Length"] == str(len(response.body))
    assert "X-Content-Type-Options" not in headers
    return polling, response.body.decode()


def _script(poll: Poll) -> tuple[str, str]:
    assert poll.body is not None
    return read_script(poll.body)


@pytest.mark.rows("C8")
@pytest.mark.parametrize(
    ("query", "index"),
    [("j=7", "7"), ("j=x1y2", "12"), ("j=x", ""), ("j=", ""), ("j=12345678901234", "1234567890")],
)
@pytest.mark.parametrize("revision", [3, 4])
def test_handshake(query: str, index: str, revision: int) -> None:
    _, script = _open(_bench(), f"EIO={revision}&{query}")
    found, text = read_script(script)
    assert found == index
    length, colon, packet = text.partition(":0{") if revision == 3 else ("", "", text)
    assert json.loads("{" + packet if colon else packet[1:])["upgrades"] == ["websocket"]
    assert not colon or int(length) == len(packet) + 2


@pytest.mark.rows("C8")
def test_revision_4() -> None:
    bench = _bench()
    polling, _ = _open(bench, "EIO=4&j=0")
    polling.session.send(Message('2["\\"\n\u2028€😀</script>"]', [b"\x01\x02\x03"]))
    assert _script(Poll(polling)) == ("0", '42["\\"\n\u2028€😀</script>"]\x1ebAQID')
    response = bench.post(polling, submit('42["a\n\\n"]\x1ebAQID'), FORM)
    assert (response.body, dict(response.headers)["Content-Type"]) == (b"ok", "text/html")
    assert bench.above[polling.session.sid].messages == ['2["a\n\\n"]', b"\x01\x02\x03"]


@pytest.mark.rows("P17")
@pytest.mark.parametrize(("query", "body"), [("EIO=4&j=0", "bAQ\nID\n"), ("EIO=3&j=0", "8:b4AQ\nID\n")])
def test_base64_in_lines(query: str, body: str) -> None:
    bench = _bench()
    polling, _ = _open(bench, query)
    assert bench.post(polling, submit(body), FORM).body == b"ok"
    assert bench.above[polling.session.sid].messages == [b"\x01\x02\x03"]


@pytest.mark.rows("C8", "C7")
def test_revision_3_is_always_text() -> None:
    bench = _bench()
    polling, _ = _open(bench, "EIO=3&j=3")
    polling.session.send(Message("2€😀", [b"\x01\x02\x03"]))
    poll = Poll(polling)
    assert _script(poll) == ("3", "5:42€😀6:b4AQID")
    bench.post(polling, submit("5:4\n\\n€6:b4AQID"), FORM)  # lengths are of what was unescaped
    assert bench.above[polling.session.sid].messages == ["\n\\n€", b"\x01\x02\x03"]


@pytest.mark.rows("C8")
@pytest.mark.parametrize(("query", "noop", "close"), [("EIO=4&j=0", "6", "1"), ("EIO=3&j=0", "1:6", "1:1")])
def test_noop_and_close_packets_are_scripts(query: str, noop: str, close: str) -> None:
    bench = _bench()
    polling, _ = _open(bench, query)
    poll = Poll(polling)
    polling.release()
    assert _script(poll) == ("0", noop)
    poll = Poll(polling)
    polling.session.close(DisconnectReason.FORCED_SERVER_CLOSE, now=bench.now)
    assert _script(poll) == ("0", close)


@pytest.mark.rows("C8")
@pytest.mark.parametrize("form", [b"", b"4x", b"d=4x&d=4y", b"d=%4", b"d="])
def test_malformed_form_ends_the_session(form: bytes) -> None:
    bench = _bench()
    polling, _ = _open(bench, "EIO=4&j=0")
    assert bench.post(polling, form, FORM).status == 400
    assert bench.above[polling.session.sid].reason is DisconnectReason.PARSE_ERROR
    assert bench.above[polling.session.sid].messages == []


@pytest.mark.rows("C8")
@pytest.mark.parametrize("revision", [3, 4])
def test_binary_post_ends_the_session(revision: int) -> None:
    bench = _bench()
    polling, _ = _open(bench, f"EIO={revision}&j=0")
    assert bench.post(polling, b"d=4x", "application/octet-stream").status == 400
    assert bench.above[polling.session.sid].reason is DisconnectReason.TRANSPORT_ERROR


@pytest.mark.rows("C8")
def test_jsonp_is_refused_without_the_option() -> None:
    bench = Bench(allow_eio3=True)
    for query in ("EIO=4&j=0", "EIO=3&j="):
        assert bench.verify(f"{query}&transport=polling", **REFERER) is Refusal.JSONP_NOT_ALLOWED


@pytest.mark.rows("C8")
def test_session_on_jsonp_upgrades_to_websocket() -> None:
    bench = _bench()
    polling, _ = _open(bench, "EIO=4&j=0")
    host = bench.websocket(polling.session.sid)
    host.deliver("2probe", 0.0)
    host.deliver("5", 0.0)
    polling.session.send(Message("x", [b"\x01"]))
    assert host.sent == ["3probe", "4x", b"\x01"]
