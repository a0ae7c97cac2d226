"""Messages that a reactor flushes without the interpreter's lock, while another thread lets go of them."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator

import pytest
from support.native import connection
from support.reactor import Bench

from trio_socketio._core import Connection, Message, Reactor, TimerWheel

ROUNDS, SHARERS, SIZE = 500, 100, 8_000


#: Of ``struct mallinfo2``, in their order.
FIELDS = (
    "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
)  # fmt: skip


class Mallinfo2(ctypes.Structure):
    """What glibc has allocated (mallinfo(3))."""

    _fields_ = [(name, ctypes.c_size_t) for name in FIELDS]


def allocated() -> int:
    """Bytes that are allocated by C, in all arenas."""
    library = ctypes.CDLL(None)
    library.mallinfo2.restype = Mallinfo2
    info = library.mallinfo2()
    return int(info.uordblks + info.hblkhd)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def sharing(wheel: TimerWheel, message: Message) -> list[Connection]:
    """Connections outside of the reactor that have the message in their outboxes."""
    connections = [connection(wheel) for _ in range(SHARERS)]
    for link in connections:
        link.open = True
        link.push(message)
    return connections


@pytest.mark.rows("P16")
@pytest.mark.skipif(
    Reactor is None or not hasattr(ctypes.CDLL(None), "mallinfo2"),
    reason="glibc on Linux counts what is allocated",
)
def test_no_message_is_lost_when_another_thread_frees_connections_during_a_flush(bench: Bench) -> None:
    peers = [bench.peer() for _ in range(SHARERS)]
    others = TimerWheel(0.0)
    start, done = threading.Barrier(2), threading.Barrier(2)
    shared: list[Connection] = []

    def free() -> None:
        for _ in range(ROUNDS):
            start.wait()
            while shared:
                del shared[-1]
            done.wait()

    thread = threading.Thread(target=free, daemon=True)
    thread.start()
    before = 0
    for number in range(ROUNDS):
        message = Message("x" * SIZE)
        shared.extend(sharing(others, message))
        for peer in peers:
            peer.link.send(message)
        del message
        start.wait()
        while bench.turn():
            pass
        done.wait()
        for peer in peers:
            assert peer.read()
        if number == ROUNDS // 10:
            before = allocated()
    thread.join()
    assert allocated() - before < 10 * SIZE
