"""The messages between the parent process and a worker."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import pytest
from support.descriptors import no_descriptor_left, no_leak

from trio_socketio.workers._packet import BadPacket, close_all
from trio_socketio.workers._pair import Pair
from trio_socketio.workers._protocol import (
    VERSION,
    Control,
    Drain,
    Failed,
    Join,
    Leaving,
    Left,
    Listen,
    Message,
    Serving,
    Start,
    Unlisten,
)
from trio_socketio.workers._reserve import RESERVED, Reserve

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: memfd and /proc")

MESSAGES: list[Message] = [
    Start(VERSION, 255, 3, bytes(range(32))),
    Start(VERSION, 0, 0, bytes(32), workers=4, sockets=2, target="app:io", import_path=(b"/srv", b"/\xff")),
    Listen(2),
    Unlisten(2),
    Join(9),
    Left(9),
    Leaving(),
    Drain(30.0),
    Serving(VERSION),
    Serving(VERSION, stop_timeout=60.0),
    Failed("no module is named app"),
    Failed("app:io cannot be imported", traceback="NameError"),
]


@pytest.fixture
def ends() -> Iterator[tuple[Pair, Pair]]:
    with no_leak():
        ours, theirs = Pair.make()
        yield ours, theirs
        ours.close()
        theirs.close()


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
async def test_message_arrives_with_its_descriptor(ends: tuple[Pair, Pair], message: Message) -> None:
    with socket.socket() as listening:
        has_one = isinstance(message, Listen | Join)
        await Control(ends[0]).send(message, listening.fileno() if has_one else None)
    received, descriptor = await Control(ends[1]).receive()
    assert received == message
    assert (descriptor is not None) == has_one
    close_all([] if descriptor is None else [descriptor])


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff", b"[" * 10_000, b'{"type":"Drain"}', b'{"type":"Listen","slot":1}']
)
async def test_garbage_is_refused(ends: tuple[Pair, Pair], content: bytes) -> None:
    ends[0].send_nowait(0, content)
    with pytest.raises(BadPacket):
        await Control(ends[1]).receive()


async def test_descriptor_that_no_message_needs_is_closed(ends: tuple[Pair, Pair]) -> None:
    ends[0].send_nowait(0, b'{"type":"Unlisten","slot":1}', [ends[0].fileno()])
    with pytest.raises(BadPacket):
        await Control(ends[1]).receive()


async def test_send_nowait_returns_false_when_the_pair_is_full(ends: tuple[Pair, Pair]) -> None:
    ours, theirs = Control(ends[0]), Control(ends[1])
    sent = 0
    while ours.send_nowait(Drain(float(sent))):
        sent += 1
    for number in range(sent):
        assert await theirs.receive() == (Drain(float(number)), None)


async def test_descriptor_is_received_by_a_process_that_has_no_free_one(ends: tuple[Pair, Pair]) -> None:
    parent, worker = Control(ends[0]), Control(ends[1], Reserve())
    for number in range(RESERVED):
        await parent.send(Join(number), ends[0].fileno())
    with no_descriptor_left():
        received = [await worker.receive() for _ in range(RESERVED)]
    assert [message for message, _ in received] == [Join(number) for number in range(RESERVED)]
    close_all([descriptor for _, descriptor in received if descriptor is not None])
    worker.close()
