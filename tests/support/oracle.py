"""Slow and simple codecs, which tests compare with the fast ones."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any


class Bad(Exception):
    """The input violates the protocol."""


# Base64


def decode_base64(text: bytes) -> bytes | None:
    """Decode the text without its CR and LF. Return None if no bytes have this encoding."""
    text = re.sub(rb"[\r\n]", b"", text)
    try:
        decoded = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return decoded if base64.b64encode(decoded) == text else None


# Engine.IO revision 4 payloads


def split_payload(body: bytes) -> tuple[list[str | bytes], bool]:
    """Return the packets before the first malformed one, and whether all packets are well-formed."""
    packets: list[str | bytes] = []
    for piece in body.split(b"\x1e"):
        if not piece:
            return packets, False
        try:
            if piece[:1] == b"b":
                decoded = decode_base64(piece[1:])
                if decoded is None:
                    return packets, False
                packets.append(decoded)
            else:
                packets.append(piece.decode())
        except UnicodeDecodeError:
            return packets, False
    return packets, True


def join_payload(packets: list[str | bytes]) -> bytes:
    return b"\x1e".join(p.encode() if isinstance(p, str) else b"b" + base64.b64encode(p) for p in packets)


# Engine.IO revision 3 payloads: packets in the form of WebSocket messages; a binary one begins with its type


def join_payload3(packets: list[str | bytes]) -> bytes:
    """Join text packets to a text body."""
    return b"".join(f"{len(p.encode('utf-16-le')) // 2}:{p}".encode() for p in packets)


def join_payload3_binary(packets: list[str | bytes]) -> bytes:
    body = b""
    for packet in packets:
        data = packet.encode() if isinstance(packet, str) else packet
        body += b"\x00" if isinstance(packet, str) else b"\x01"
        body += bytes(int(digit) for digit in str(len(data))) + b"\xff" + data
    return body


def split_payload3(body: bytes) -> tuple[list[str | bytes], bool]:
    """Return the packets before the first malformed one, and whether all packets are well-formed."""
    packets: list[str | bytes] = []
    # A continuation byte belongs to the character before it, even if the sequence is not valid UTF-8.
    characters = re.findall(rb"^[\x80-\xbf]+|[^\x80-\xbf][\x80-\xbf]*", body)
    at = 0
    while at < len(characters):
        digits = b""
        while at < len(characters) and characters[at] != b":":
            digits += characters[at]
            at += 1
        if at == len(characters) or not re.fullmatch(rb"0|[1-9][0-9]*", digits):
            return packets, False
        at, units, packet = at + 1, int(digits), b""
        if units > len(b"".join(characters[at:])):
            return packets, False
        while units > 0 and at < len(characters):
            packet += characters[at]
            units -= 2 if characters[at][0] >= 0xF0 else 1
            at += 1
        try:
            if units != 0:
                return packets, False
            if packet:
                packets.append(packet.decode())
        except UnicodeDecodeError:
            return packets, False
    return packets, body != b""


def split_payload3_binary(body: bytes) -> tuple[list[str | bytes], bool]:
    """Return the same for a binary body."""
    packets: list[str | bytes] = []
    while body:
        kind, (head, end, rest) = body[0], body[1:].partition(b"\xff")
        digits = "".join(chr(48 + digit) for digit in head)
        if kind > 1 or not end or not re.fullmatch("0|[1-9][0-9]*", digits, re.ASCII):
            return packets, False
        packet, body = rest[: int(digits)], rest[int(digits) :]
        if len(packet) != int(digits):
            return packets, False
        try:
            if packet:
                packets.append(packet if kind else packet.decode())
        except UnicodeDecodeError:
            return packets, False
    return packets, True


# Socket.IO packet heads


def scan_head(text: str, max_attachments: int = 10) -> tuple[int, int, str, int | None, str]:
    """Parse the head of a packet to (type, attachments, namespace, ack id, JSON text). Raise ``Bad`` for errors."""
    if not text or text[0] not in "0123456":
        raise Bad("type")
    kind, rest, count = int(text[0]), text[1:], 0
    if kind in (5, 6):
        digits, dash, rest = rest.partition("-")
        if not dash or not re.fullmatch("[1-9][0-9]{0,9}", digits, re.ASCII):
            raise Bad("attachment count")
        count = int(digits)
        if count > max_attachments:
            raise Bad("too many attachments")
    namespace = "/"
    if rest.startswith("/"):
        namespace, _, rest = rest.partition(",")
    digits = re.match("[0-9]*", rest, re.ASCII).group()  # type: ignore[union-attr]
    if len(digits) > 16 or (digits and int(digits) > 2**53 - 1):
        raise Bad("ack id")
    return kind, count, namespace, int(digits) if digits else None, rest[len(digits) :]


# WebSocket frames from a client (RFC 6455 section 5)


@dataclass
class Verdict:
    """The expected result of reading: whole messages, then a close frame, the close code of a failure, or neither."""

    messages: list[Any]
    close: tuple[int, str] | None = None
    failed: int = 0


def _read_length(data: bytes, at: int, short: int) -> tuple[int, int] | None:
    size = {126: 2, 127: 8}.get(short, 0)
    if len(data) < at + size:
        return None
    return (int.from_bytes(data[at : at + size], "big") if size else short), at + size


def read_frames(data: bytes, max_bytes: int, max_fragments: int = 4096) -> Verdict:
    verdict = Verdict([])
    kind, parts, fragments, at = 0, b"", 0, 0
    while len(data) >= at + 2:
        first, second = data[at], data[at + 1]
        fin, opcode, short = first & 0x80, first & 0x0F, second & 0x7F
        wrong = (
            first & 0x70
            or opcode not in (0, 1, 2, 8, 9, 10)
            or (opcode >= 8 and (not fin or short > 125))
            or not second & 0x80
            or (opcode == 0 and not kind)
            or (opcode in (1, 2) and kind)
        )
        if wrong:
            verdict.failed = 1002
            return verdict
        read = _read_length(data, at + 2, short)
        if read is None:
            return verdict
        length, at = read
        if (short == 126 and length < 126) or (short == 127 and (length < 65536 or length >> 63)):
            verdict.failed = 1002
            return verdict
        if opcode < 8 and len(parts) + length > max_bytes:
            verdict.failed = 1009
            return verdict
        if opcode < 8:
            fragments += 1
            if fragments > max_fragments:
                verdict.failed = 1008
                return verdict
        key = data[at : at + 4]
        payload = bytes(b ^ key[i % 4] for i, b in enumerate(data[at + 4 : at + 4 + length]))
        whole = len(data) >= at + 4 + length
        at += 4 + length
        if opcode < 8:
            kind, parts = opcode or kind, parts + payload
            done = bool(fin) and whole
            if kind == 1 and not _may_be_text(parts, done):
                verdict.failed = 1007
                return verdict
            if done:
                verdict.messages.append(parts.decode() if kind == 1 else parts)
                kind, parts, fragments = 0, b"", 0
        if not whole:
            return verdict
        if opcode == 8:
            verdict.close, verdict.failed = _read_close(payload)
            return verdict
    return verdict


def _may_be_text(data: bytes, done: bool) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return not done and error.reason == "unexpected end of data"
    return True


def _read_close(payload: bytes) -> tuple[tuple[int, str] | None, int]:
    if not payload:
        return (1005, ""), 0
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        return None, 1002
    try:
        return (code, payload[2:].decode()), 0
    except UnicodeDecodeError:
        return None, 1007


def strict_json(text: str) -> Any:
    def refuse(name: str) -> None:
        raise Bad(name)

    return json.loads(text, parse_constant=refuse)
