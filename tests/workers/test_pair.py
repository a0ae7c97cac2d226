"""Socketpairs whose packets carry bytes and descriptors."""

from __future__ import annotations

import array
import os
import socket
import sys
from collections.abc import Iterator, Sequence

import pytest
import trio
from support.descriptors import no_leak

from trio_socketio.workers._packet import BadPacket, Packet, close_all
from trio_socketio.workers._pair import INLINE_BYTES, Pair, PairClosed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: memfd and /proc")

LARGEST = 1_000_000


@pytest.fixture
def ends() -> Iterator[tuple[Pair, Pair]]:
    with no_leak():
        ours, theirs = Pair.make(LARGEST)
        yield ours, theirs
        ours.close()
        theirs.close()


@pytest.fixture
def raw(ends: tuple[Pair, Pair]) -> Iterator[socket.socket]:
    """The first end, as a process of another program has it."""
    with socket.socket(fileno=os.dup(ends[0].fileno())) as raw:
        yield raw


def send_raw(raw: socket.socket, data: bytes, descriptors: Sequence[int]) -> None:
    raw.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))])


@pytest.mark.parametrize("size", [0, 1, INLINE_BYTES, INLINE_BYTES + 1, LARGEST])
async def test_packet_arrives_whole(ends: tuple[Pair, Pair], size: int) -> None:
    content = os.urandom(size)
    assert ends[0].send_nowait(7, content)
    assert ends[1].receive_nowait() == Packet(7, content, (), size > INLINE_BYTES)
    assert ends[1].receive_nowait() is None


async def test_packets_arrive_if_the_system_has_small_buffers() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # the least that ``net.core.wmem_default`` can be
    sending, receiving = Pair(ours, LARGEST), Pair(theirs, LARGEST)
    for size in (*range(4000, 5000), INLINE_BYTES, LARGEST):
        assert sending.send_nowait(7, bytes(size), [ours.fileno()])
        packet = receiving.receive_nowait()
        assert packet is not None
        assert len(packet.content) == size
        close_all(packet.descriptors)
    sending.close()
    receiving.close()


@pytest.mark.parametrize("size", [10, LARGEST])
async def test_descriptor_arrives_with_its_packet(ends: tuple[Pair, Pair], size: int) -> None:
    reading, writing = os.pipe()
    assert ends[0].send_nowait(1, b"x" * size, [writing])
    os.close(writing)
    packet = ends[1].receive_nowait()
    assert packet is not None
    assert len(packet.content) == size
    (copy,) = packet.descriptors
    assert not os.get_inheritable(copy)
    os.write(copy, b"hello")
    assert os.read(reading, 10) == b"hello"
    close_all([reading, copy])


async def test_full_socket_takes_no_packet_until_it_is_read(ends: tuple[Pair, Pair]) -> None:
    sent = 0
    while ends[0].send_nowait(0, bytes(INLINE_BYTES)):
        sent += 1
    assert sent > 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ends[0].send, 1, b"last")
        for _ in range(sent):
            assert (await ends[1].receive()).kind == 0
        assert await ends[1].receive() == Packet(1, b"last")


async def test_descriptors_of_packets_that_are_never_read_are_closed(ends: tuple[Pair, Pair]) -> None:
    with socket.socket() as travelling:
        sent = 0
        while ends[0].send_nowait(0, b"", [travelling.fileno()]):
            sent += 1
        assert 10 < sent < 1000


async def test_end_of_the_other_process_is_reported(ends: tuple[Pair, Pair]) -> None:
    assert ends[0].send_nowait(0, b"last words")
    ends[0].close()
    assert await ends[1].receive() == Packet(0, b"last words")
    with pytest.raises(PairClosed):
        await ends[1].receive()
    with pytest.raises(PairClosed):
        ends[1].send_nowait(0, b"")


async def test_close_wakes_the_waiting_task(ends: tuple[Pair, Pair]) -> None:
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def wait() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await ends[1].receive()

        await trio.testing.wait_all_tasks_blocked()
        ends[1].close()


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"\0", "short"), (b"\0\2", "garbage"), (b"\0\1", "garbage"), (bytes(INLINE_BYTES + 3), "oversized")],
)
async def test_bad_packet_is_refused(
    ends: tuple[Pair, Pair], raw: socket.socket, data: bytes, kind: str
) -> None:
    raw.send(data)
    raw.send(b"\5\0good")
    with pytest.raises(BadPacket) as refused:
        ends[1].receive_nowait()
    assert refused.value.kind == kind
    assert ends[1].receive_nowait() == Packet(5, b"good")


async def test_packet_with_too_many_descriptors_is_refused(
    ends: tuple[Pair, Pair], raw: socket.socket
) -> None:
    send_raw(raw, b"\0\0", [raw.fileno()] * 5)
    with pytest.raises(BadPacket, match="cut off"):
        ends[1].receive_nowait()


@pytest.mark.parametrize("place", ["pipe", "file", "memfd", "sealed, too large", "behind data"])
async def test_descriptor_that_is_no_sealed_memfd_is_refused(
    ends: tuple[Pair, Pair], raw: socket.socket, place: str, tmp_path: object
) -> None:
    import fcntl

    opened: list[int] = []
    if place == "pipe":
        opened.extend(os.pipe())
    elif place == "file":
        opened.append(os.open(f"{tmp_path}/file", os.O_RDWR | os.O_CREAT))
    else:
        opened.append(os.memfd_create("test", os.MFD_ALLOW_SEALING))
        os.ftruncate(opened[0], LARGEST + 1 if "large" in place else 10)
        if place != "memfd":
            fcntl.fcntl(opened[0], fcntl.F_ADD_SEALS, 15)
    send_raw(raw, b"\0\1data" if place == "behind data" else b"\0\1", opened[:1])
    close_all(opened)
    with pytest.raises(BadPacket):
        ends[1].receive_nowait()


async def test_descriptor_of_another_kind_is_not_adopted() -> None:
    with no_leak():
        with pytest.raises(OSError):
            Pair.adopt(os.open("/dev/null", os.O_RDONLY))
        with pytest.raises(OSError):
            Pair.adopt(socket.socket().detach())
        ours, theirs = Pair.make()
        adopted = Pair.adopt(ours.detach())
        assert adopted.send_nowait(1, b"hello")
        assert theirs.receive_nowait() == Packet(1, b"hello")
        adopted.close()
        theirs.close()
