"""The messages with which an application answers a WebSocket."""

from __future__ import annotations

from typing import Any

import pytest

from trio_socketio.asgi._messages import accept_lines, close_of, frame_of


def test_accept_adds_fields_and_the_subprotocol() -> None:
    message = {"headers": [(b"X-Answer", b"1")], "subprotocol": "chat"}
    assert accept_lines(message) == b"X-Answer: 1\r\nSec-WebSocket-Protocol: chat\r\n"
    assert accept_lines({}) == b""


@pytest.mark.parametrize(
    "name",
    ["Connection", "Content-Length", "Sec-WebSocket-Accept", "Sec-WebSocket-Extensions", "Transfer-Encoding"],
)
def test_accept_leaves_the_fields_of_the_handshake_to_the_server(name: str) -> None:
    with pytest.raises(ValueError, match=f"only the server sets the header field {name}"):
        accept_lines({"headers": [(name.encode(), b"1")]})


@pytest.mark.parametrize("subprotocol", ["a, b", "a\r\nb: c", "", 5])
def test_subprotocol_must_be_a_token(subprotocol: Any) -> None:
    with pytest.raises(ValueError, match=r"'subprotocol' of .* must be a token"):
        accept_lines({"subprotocol": subprotocol})


def test_close_has_defaults() -> None:
    assert close_of({}) == (1000, "")
    assert close_of({"code": None, "reason": None}) == (1000, "")
    assert close_of({"code": 4999, "reason": "ä"}) == (4999, "ä")


@pytest.mark.parametrize(
    ("message", "text"),
    [({"code": 1006}, "not 1006"), ({"code": 70_000}, "not 70000"), ({"code": "1000"}, "not '1000'"),
     ({"reason": 5}, "'reason' of websocket.close must be a str, not int"), ({"reason": "\ud800"}, "surrogates")],
)  # fmt: skip
def test_close_must_be_sendable(message: dict[str, Any], text: str) -> None:
    with pytest.raises((TypeError, ValueError), match=text):
        close_of(message)


@pytest.mark.parametrize(
    "message", [{}, {"text": None}, {"text": b"a"}, {"bytes": 5}, {"bytes": "a"}, {"text": "\ud800"}]
)
def test_message_must_have_text_or_bytes(message: dict[str, Any]) -> None:
    with pytest.raises((TypeError, UnicodeEncodeError)):
        frame_of(message)
