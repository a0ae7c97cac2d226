"""Packets of a client: their types and data in both revisions."""

from __future__ import annotations

import pytest

from trio_socketio._core import Failure
from trio_socketio.engineio import Packet, PacketType, parse_packet


@pytest.mark.parametrize("revision", [3, 4])
@pytest.mark.parametrize("packet_type", PacketType)
@pytest.mark.parametrize("data", ["", "probe", "4€"])
def test_a_text_packet_begins_with_its_type(packet_type: PacketType, data: str, revision: int) -> None:
    assert parse_packet(packet_type.value + data, revision) == Packet(packet_type, data)


@pytest.mark.parametrize(
    ("packet", "revision"), [(b"\x00a", 4), ("bAGE=", 4), (b"\x04\x00a", 3), ("b4AGE=", 3)]
)
def test_a_binary_message_is_bytes_or_base64(packet: str | bytes, revision: int) -> None:
    assert parse_packet(packet, revision) == Packet(PacketType.MESSAGE, b"\x00a")


@pytest.mark.parametrize("revision", [3, 4])
@pytest.mark.parametrize(
    ("packet", "text"),
    [
        ("", "the client sent an empty packet"),
        ("7", "the client sent a packet of type '7'"),
        ("€4", "the client sent a packet of type '€'"),
    ],
)
def test_a_packet_of_no_type_is_refused(packet: str, text: str, revision: int) -> None:
    failure = parse_packet(packet, revision)
    assert isinstance(failure, Failure)
    assert failure.text == text


@pytest.mark.parametrize(("packet", "revision"), [("b!", 4), ("b4!", 3), (b"", 3), (b"\x03a", 3)])
def test_a_binary_packet_that_cannot_be_read_is_refused(packet: str | bytes, revision: int) -> None:
    assert isinstance(parse_packet(packet, revision), Failure)
