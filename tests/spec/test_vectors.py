"""The vectors of the Markdown files beside this one: whole, byte by byte and in random pieces.

A vector is a heading of the third level, prose, and two blocks; a line ``with: name=number`` sets limits for it::

    ### A name

    ```input            what the peer sends
    ```expect           what comes of it, a line for each outcome
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.native import ALL, connection, cut, events, every_way, split_payload, split_payload3
from support.wire import client_frame, mask

from trio_socketio._core import CloseFrame, Failure
from trio_socketio.errors import RemoteProtocolError
from trio_socketio.socketio import Decoder, Packet, encode

HERE = Path(__file__).parent
LIMITS = {
    "max_message_bytes": 1000,
    "max_fragments": 8,
    "max_attachments": 10,
    "max_bytes": 1000,
}


@dataclass(frozen=True)
class Vector:
    name: str
    input: list[str]
    expect: list[str]
    limits: dict[str, int] = field(default_factory=dict)


def vectors(file: str) -> Iterator[Vector]:
    for section in re.split(r"^### ", (HERE / file).read_text("utf-8"), flags=re.MULTILINE)[1:]:
        blocks = dict(re.findall(r"^```(input|expect)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))
        limits = dict(LIMITS)
        for line in re.findall(r"^with: (.*)$", section, re.MULTILINE):
            for name, number in re.findall(r"(\w+)=(\d+)", line):
                assert name in limits
                limits[name] = int(number)
        lines = {kind: [line for line in text.splitlines() if line] for kind, text in blocks.items()}
        expect = [unrolled(line) for line in lines["expect"]]
        yield Vector(section.partition("\n")[0], lines["input"], expect, limits)


def every(file: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", list(vectors(file)), ids=lambda vector: vector.name)


def octets(text: str) -> bytes:
    """Hexadecimal digits and quoted text; ``* 3`` behind either repeats it."""
    parts = []
    for quoted, digits, times in re.findall(r'("(?:[^"\\]|\\.)*")|([0-9a-f]{2,})|\* (\d+)', text):
        if times:
            parts[-1] *= int(times)
        else:
            parts.append(json.loads(quoted).encode() if quoted else bytes.fromhex(digits))
    return b"".join(parts)


def shown(packet: str | bytes) -> str:
    if isinstance(packet, bytes):
        return f"binary {packet.hex()}".rstrip()
    return f"text {json.dumps(packet, ensure_ascii=False)}"


def unrolled(line: str) -> str:
    """An expected message of which parts are repeated, in full."""
    kind, _, rest = line.partition(" ")
    if kind not in ("text", "binary") or " * " not in rest:
        return line
    return shown(octets(rest).decode() if kind == "text" else octets(rest))


# engineio_payload.md: one body; its packets


@every("engineio_payload.md")
def test_payload(vector):
    packets, failure = split_payload(octets(" ".join(vector.input)))
    outcome = [shown(packet) for packet in packets]
    if failure is not None:
        outcome.append(f"fail {failure.text}")
    assert outcome == vector.expect


# engineio3_text.md, engineio3_binary.md: the same for each form of a body in revision 3


def read_payload3(vector: Vector, binary: bool) -> list[str]:
    body = octets(" ".join(vector.input))
    packets, failure = split_payload3(body, binary)
    outcome = [shown(packet) for packet in packets]
    return outcome if failure is None else [*outcome, f"fail {failure.text}"]


@every("engineio3_text.md")
def test_text_payload_of_revision_3(vector):
    assert read_payload3(vector, binary=False) == vector.expect


@every("engineio3_binary.md")
def test_binary_payload_of_revision_3(vector):
    assert read_payload3(vector, binary=True) == vector.expect


# websocket_frames.md: one frame a line, what stands behind the bar is masked with the four bytes before it


def frames(lines: list[str]) -> bytes:
    data = b""
    for line in lines:
        once, _, times = line.partition(" times ")
        head, bar, payload = once.partition("|")
        frame = octets(head)
        if bar:
            frame += mask(octets(payload), frame[-4:])
        data += frame * int(times or 1)
    return data


def read_frames(pieces: list[bytes], limits: dict[str, int]) -> list[str]:
    names = ("max_message_bytes", "max_fragments")
    link = connection(**{name: limits[name] for name in names})
    outcome: list[str] = []
    for piece in pieces:
        link.feed(piece)
        for event in events(link):
            if isinstance(event, Failure):
                text = f"fail {event.close_code} {event.text}"
                if text not in outcome:
                    outcome.append(text)
            elif isinstance(event, CloseFrame):
                outcome.append(f"close {event.code} {json.dumps(event.reason, ensure_ascii=False)}")
            else:
                outcome.append(shown(event))
    if link.has_output:
        outcome.append(f"sends {link.take(ALL).hex()}")
    return outcome


@every("websocket_frames.md")
def test_frames(vector):
    data = frames(vector.input)
    for pieces in every_way(data):
        assert read_frames(pieces, vector.limits) == vector.expect
    if any(line.startswith(("close", "fail")) for line in vector.expect):
        for after in (b"\x00", frames(["81 81 00000000 | 78"]), b"\xff" * 20):
            assert read_frames(cut(data + after, seed=1), vector.limits) == vector.expect


# socketio_packets.md: one message a line, text as it is or binary in hexadecimal


def messages(lines: list[str]) -> list[str | bytes]:
    return [bytes.fromhex(line[6:]) if line.startswith("binary") else line[5:] for line in lines]


def described(packet: Packet) -> str:
    words = [packet.type.name, packet.namespace]
    if packet.id is not None:
        words.append(str(packet.id))
    if packet.data is not None:
        words.append(json.dumps(packet.data, ensure_ascii=False, default=lambda data: {"binary": data.hex()}))
    return " ".join(words)


def read_packets(received: list[str | bytes], limits: dict[str, int]) -> tuple[list[str], list[Packet]]:
    decoder = Decoder(limits["max_attachments"], limits["max_bytes"])
    outcome, packets, is_due = [], [], False
    for message in received:
        try:
            if isinstance(message, bytes):
                undecoded = decoder.collect_binary(message)
            else:
                undecoded = decoder.collect_text(message.encode())
            packet = None if undecoded is None else undecoded.packet()
        except RemoteProtocolError as error:
            return [*outcome, f"fail {str(error).partition(':')[0]}"], packets
        is_due = packet is None
        if packet is not None:
            outcome.append(described(packet))
            packets.append(packet)
    return outcome + ["due"] * is_due, packets


@every("socketio_packets.md")
def test_packets(vector):
    outcome, packets = read_packets(messages(vector.input), vector.limits)
    assert outcome == vector.expect
    for packet in packets:
        parts, failure = split_payload(encode(packet).payload())
        assert failure is None
        assert read_packets([parts[0][1:], *parts[1:]], vector.limits)[0] == [described(packet)]


@every("socketio_packets.md")
def test_packets_in_frames(vector):
    """The same messages as they come over a WebSocket, cut anywhere."""
    data = b"".join(
        client_frame(2, message) if isinstance(message, bytes) else client_frame(1, b"4" + message.encode())
        for message in messages(vector.input)
    )
    for pieces in every_way(data):
        link = connection()
        received: list[str | bytes] = []
        for piece in pieces:
            link.feed(piece)
            received += [event[1:] if isinstance(event, str) else event for event in events(link)]
        assert read_packets(received, vector.limits)[0] == vector.expect
