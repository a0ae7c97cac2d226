"""The payload format of each kind of client."""

from __future__ import annotations

import pytest
from support.native import connection

from trio_socketio._core import Dialect, Message
from trio_socketio.engineio import EngineRequest, PacketType
from trio_socketio.engineio._payload import BINARY, TEXT, Payloads, is_binary, payloads_for

OLD = "t=1400000000000-0"  # the parameter of socket.io-client 1.0


def _payloads(query: str) -> Payloads:
    return payloads_for(EngineRequest("GET", f"/?{query}&transport=polling", {}))


@pytest.mark.parametrize(
    ("content_type", "is_so"),
    [
        (BINARY, True), ("application/octet-stream; charset=x", True), (" Application/Octet-Stream ;", True),
        ("", False), (TEXT, False), ("application/octet-streams", False), ("text/plain;application/x", False),
    ],
)  # fmt: skip
def test_content_type_of_binary_payloads(content_type: str, is_so: bool) -> None:
    assert is_binary(content_type) is is_so


@pytest.mark.parametrize(("query", "accepts"), [("EIO=4", False), ("EIO=3", True), (f"EIO=3&{OLD}", True)])
def test_binary_post_is_accepted_in_revision_3_alone(query: str, accepts: bool) -> None:
    assert _payloads(query).accepts(TEXT)
    assert _payloads(query).accepts(BINARY) is accepts


@pytest.mark.parametrize(
    ("query", "packet", "appended"),
    [
        ("EIO=4", (b"6", TEXT), b"4a\x1e1"),
        (f"EIO=4&{OLD}", (b"6", TEXT), b"4a\x1e1"),
        ("EIO=3", (b"1:6", TEXT), b"2:4a1:1"),
        (f"EIO=3&b64=1&{OLD}", (b"1:6", TEXT), b"2:4a1:1"),
        ("EIO=3&t=MnlYa7Q", (b"1:6", TEXT), b"2:4a1:1"),
        (f"EIO=3&{OLD}", (b"\x00\x01\xff6", BINARY), b"\x00\x02\xff4a\x00\x01\xff1"),
    ],
)
def test_packets_are_framed_as_the_client_reads_them(
    query: str, packet: tuple[bytes, str], appended: bytes
) -> None:
    payloads = _payloads(query)
    assert payloads.packet(PacketType.NOOP) == packet
    link = connection()
    link.push(Message("a"))
    body, content_type = payloads.take(link, 1 << 20)
    assert content_type == packet[1]
    assert payloads.append(body, content_type, PacketType.CLOSE) == appended


def test_payload_of_revision_3_is_binary_if_it_holds_bytes() -> None:
    link = connection(dialect=Dialect(3))
    link.open = True
    link.send(Message("a", [b"b"]))
    body, content_type = _payloads("EIO=3").take(link, 1 << 20)
    assert (body, content_type) == (b"\x00\x02\xff4a\x01\x02\xff\x04b", BINARY)
    assert list(_payloads("EIO=3").read(body, content_type)) == ["4a", b"\x04b"]
