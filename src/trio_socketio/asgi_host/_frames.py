"""Splits the output of a connection, WebSocket frames, into whole messages (RFC 6455 section 5.2)."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["BINARY", "CLOSE", "TEXT", "split_frames"]

TEXT, BINARY, CLOSE = 1, 2, 8

#: The values of the seven-bit length that announce a length of two or eight bytes.
TWO_BYTES, EIGHT_BYTES = 126, 127


def split_frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Return the opcode and the payload of each frame.

    Args:
        data: complete frames of a server, which are unmasked, uncompressed, and one for each message.
    """
    at = 0
    while at < len(data):
        opcode, size = data[at] & 0x0F, data[at + 1]
        at += 2
        if size >= TWO_BYTES:
            width = 2 if size == TWO_BYTES else 8
            size = int.from_bytes(data[at : at + width], "big")
            at += width
        yield opcode, data[at : at + size]
        at += size
