"""Frames are split into messages."""

from __future__ import annotations

import struct

import pytest

from trio_socketio.asgi_host._frames import split_frames


def frame(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 127, size)
    return head + payload


@pytest.mark.parametrize("sizes", [[0], [125, 126, 127], [65535, 65536, 1], [3, 70_000, 0, 200]])
def test_frames_of_each_form_of_length(sizes: list[int]) -> None:
    messages = [(1 + number % 2, bytes([number]) * size) for number, size in enumerate(sizes)]
    assert list(split_frames(b"".join(frame(*message) for message in messages))) == messages


def test_no_frames() -> None:
    assert list(split_frames(b"")) == []
